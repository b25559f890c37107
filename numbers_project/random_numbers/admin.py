"""The admin pages of the random number service, which are all read-only."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet

from common.admin import ReadOnlyAdmin
from common.user_names import normalized
from numbers_project.random_numbers.filters import UserFilter
from numbers_project.random_numbers.models import GeneratedNumber, User

admin.site.site_header = admin.site.site_title = "Random number service"


@admin.register(GeneratedNumber)
class GeneratedNumberAdmin(ReadOnlyAdmin):
    """Generated numbers, which can be searched by user."""

    list_display = ["id", "user", "number", "limit", "created_at"]
    list_filter = ["created_at"]
    list_select_related = ["user"]
    readonly_fields = ["created_at"]
    search_fields = ["user"]
    search_help_text = "The full name of a user (case-sensitive)"

    def get_search_results(
        self, request: Any, queryset: QuerySet[GeneratedNumber], search_term: str
    ) -> tuple[QuerySet[GeneratedNumber], bool]:
        """Find the numbers of the user with exactly this name."""
        name = search_term.strip()
        return (UserFilter().apply(queryset, name) if name else queryset), False


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    """Users, with the columns that the user service grants to this service."""

    list_display = ["id", "name"]
    search_fields = ["name"]
    search_help_text = "The beginning of a name (case-sensitive)"

    def get_search_results(
        self, request: Any, queryset: QuerySet[User], search_term: str
    ) -> tuple[QuerySet[User], bool]:
        """Find names in the form in which they are kept."""
        return super().get_search_results(request, queryset, normalized(search_term))
