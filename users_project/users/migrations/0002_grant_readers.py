from django.db import migrations


class Migration(migrations.Migration):
    """Lets other services read who is registered, and nothing else of the table.

    PostgreSQL has no default privileges for columns, so provisioning cannot grant this.
    """

    dependencies = [("users", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "GRANT SELECT (id, name) ON users_user TO users_reader",
            reverse_sql="REVOKE SELECT (id, name) ON users_user FROM users_reader",
        ),
    ]
