"""The admin pages of the user service."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet

from common.admin import LargeTableAdmin
from common.user_names import NameFormField, normalized
from users_project.users.models import User

admin.site.site_header = admin.site.site_title = "User service"


class UserForm(forms.ModelForm):
    """A user whose name follows the same rules as in the API."""

    name = NameFormField()


@admin.register(User)
class UserAdmin(LargeTableAdmin):
    """Users, who can be added, renamed and deleted; their numbers are kept."""

    form = UserForm
    list_display = ["id", "name", "created_at"]
    list_display_links = ["id", "name"]
    list_filter = ["created_at"]
    search_fields = ["name"]
    search_help_text = "The beginning of a name (case-sensitive)"

    def get_search_results(
        self, request: Any, queryset: QuerySet[User], search_term: str
    ) -> tuple[QuerySet[User], bool]:
        """Find names in the form in which they are kept."""
        return super().get_search_results(request, queryset, normalized(search_term))
