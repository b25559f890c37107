"""The admin's own accounts and groups."""

from django.contrib import admin
from django.contrib.auth import admin as auth_admin
from django.contrib.auth.models import Group, User

from common.admin.tables import FilteredAdmin

admin.site.unregister([User, Group])


@admin.register(User)
class AccountAdmin(FilteredAdmin, auth_admin.UserAdmin):
    """Accounts that can sign in to this admin."""

    lookups = ("is_staff__exact", "is_superuser__exact", "is_active__exact", "groups__id__exact")


@admin.register(Group)
class GroupAdmin(FilteredAdmin, auth_admin.GroupAdmin):
    """Groups of accounts with the same permissions."""
