from django.db import migrations

TABLES = "random_numbers_generatednumber, random_numbers_idempotencykey"


class Migration(migrations.Migration):
    """Lets the service add numbers and answers, but neither change nor delete any.

    Its owner's role can: `prune_numbers` and the function forget_idempotency_keys run as that.
    """

    dependencies = [("random_numbers", "0002_idempotency_key")]

    operations = [
        migrations.RunSQL(
            f"REVOKE UPDATE, DELETE ON {TABLES} FROM numbers_service",
            reverse_sql=f"GRANT UPDATE, DELETE ON {TABLES} TO numbers_service",
        ),
    ]
