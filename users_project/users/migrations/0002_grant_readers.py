from django.db import migrations


class Migration(migrations.Migration):
    """Grants other services read access to the ids and names, but not to other columns.

    PostgreSQL has no default privileges for columns, so provisioning cannot grant this.
    """

    dependencies = [("users", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "GRANT SELECT (id, name) ON users_user TO users_reader",
            reverse_sql="REVOKE SELECT (id, name) ON users_user FROM users_reader",
        ),
    ]
