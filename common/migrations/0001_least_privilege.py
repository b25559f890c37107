from django.db import migrations

# The service itself only reads which migrations have been applied, and what they have made. Its
# admin writes a log, but does not change it; it deletes the lines of an account that is deleted.
REVOKE = """
DO $$ DECLARE
    service text := quote_ident(current_schema() || '_service');
BEGIN
    EXECUTE 'REVOKE INSERT, UPDATE, DELETE'
        ' ON django_migrations, django_content_type, auth_permission FROM ' || service;
    EXECUTE 'REVOKE UPDATE ON django_admin_log, auth_group_permissions, auth_user_groups,'
        ' auth_user_user_permissions FROM ' || service;
END $$
"""
GRANT = REVOKE.replace("REVOKE", "GRANT").replace("FROM", "TO")


class Migration(migrations.Migration):
    """Takes from each service's role what it does not need on Django's tables.

    Provisioning lets the role read and write the rows of every new table.
    """

    dependencies = [
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunSQL(REVOKE, reverse_sql=GRANT)]
