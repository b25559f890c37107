"""The admin pages of the user service."""

from django.contrib import admin

from common.admin import LargeTableAdmin
from users_project.users.models import User

admin.site.site_header = admin.site.site_title = "User service"


@admin.register(User)
class UserAdmin(LargeTableAdmin):
    """Users, who can be added, renamed and deleted; their numbers are kept."""

    list_display = ["id", "name", "created_at"]
    list_display_links = ["id", "name"]
    list_filter = ["created_at"]
    search_fields = ["name"]
    search_help_text = "The beginning of a name (case-sensitive)"
