"""The admin pages of the random number service: everything can be viewed only."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet

from common.admin import ReadOnlyAdmin
from numbers_project.random_numbers.filters import UserFilter
from numbers_project.random_numbers.models import GeneratedNumber, User

admin.site.site_header = admin.site.site_title = "Random number service"


@admin.register(GeneratedNumber)
class GeneratedNumberAdmin(ReadOnlyAdmin):
    """Numbers that were drawn."""

    list_display = ["id", "user", "number", "limit", "created_at"]
    list_filter = ["created_at"]
    list_select_related = ["user"]
    readonly_fields = ["created_at"]
    search_fields = ["user"]
    search_help_text = "The name of a user, in full"

    def get_search_results(
        self, request: Any, queryset: QuerySet[GeneratedNumber], search_term: str
    ) -> tuple[QuerySet[GeneratedNumber], bool]:
        """Find the numbers of the user of that name."""
        name = search_term.strip()
        return (UserFilter().apply(queryset, name) if name else queryset), False


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    """Users, as the user service lets this one see them."""

    list_display = ["id", "name"]
    search_fields = ["name"]
    search_help_text = "The beginning of a name, with capital letters as they are"
