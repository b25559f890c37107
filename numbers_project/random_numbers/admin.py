"""The admin pages of the random number service: everything is there to be looked at."""

from django.contrib import admin

from common.admin import ReadOnlyAdmin
from numbers_project.random_numbers.models import GeneratedNumber, User


@admin.register(GeneratedNumber)
class GeneratedNumberAdmin(ReadOnlyAdmin):
    """Numbers that were drawn."""

    list_display = ["id", "user", "number", "limit", "created_at"]
    list_filter = ["created_at"]
    list_select_related = ["user"]
    search_fields = ["user__name__exact"]
    search_help_text = "The name of a user, in full"


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    """Users, as the user service lets this one see them."""

    list_display = ["id", "name"]
    search_fields = ["name__startswith"]
    search_help_text = "The beginning of a name, with capital letters as they are"
