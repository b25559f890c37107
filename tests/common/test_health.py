"""The probes."""

import pytest
from django.db import OperationalError, connection
from django.test import Client


@pytest.mark.parametrize("path", ["/livez", "/livez/", "/readyz", "/readyz/"])
def test_the_probes_answer_any_host(client: Client, db: None, path: str) -> None:
    assert client.get(path, headers={"Host": "10.1.2.3:8000"}).status_code == 200
    assert client.head(path).status_code == 200


def test_liveness_asks_no_database(client: Client) -> None:
    # Without the fixture `db` pytest-django refuses every query.
    assert client.get("/livez").json() == {"process": "ok"}


def test_a_probe_cannot_be_posted_to(client: Client) -> None:
    assert client.post("/livez").status_code == 405


def test_a_missing_migration_is_named(client: Client, db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE name = '0002_grant_readers'")
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json() == {
        "error": "Migrations are missing: users.0002_grant_readers. Run migrate.",
        "migrations": "failed",
    }


def test_a_database_that_is_away_is_named(client: Client, monkeypatch) -> None:
    def away(*args: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr("common.health.MigrationExecutor", away)
    monkeypatch.setattr("common.health.connection.close", lambda: None)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["database"] == "failed"
    assert response.headers["Retry-After"]
