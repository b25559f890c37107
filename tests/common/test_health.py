"""The probes."""

import pytest
from django.db import OperationalError, connection
from django.test import Client

from common.database.errors import PoolTimeout


@pytest.mark.parametrize("path", ["/livez", "/livez/", "/readyz", "/readyz/"])
def test_the_probes_answer_any_host(client: Client, db: None, path: str) -> None:
    assert client.get(path, headers={"Host": "10.1.2.3:8000"}).status_code == 200
    assert client.head(path).status_code == 200


def test_liveness_asks_no_database(client: Client) -> None:
    # Without the fixture `db` pytest-django refuses every query.
    assert client.get("/livez").json() == {"process": "ok"}


def test_a_probe_cannot_be_posted_to(client: Client) -> None:
    response = client.post("/livez")
    assert response.status_code == 405
    assert response.headers["Allow"] == "GET, HEAD"
    assert response.json()["error"]


def test_a_missing_migration_is_named(client: Client, db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE name = '0002_grant_readers'")
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json() == {
        "error": "Migrations are missing: users.0002_grant_readers. Run migrate.",
        "migrations": "failed",
    }


@pytest.mark.parametrize(
    ("cause", "sentence"),
    [(None, "does not answer"), (PoolTimeout("others have all"), "Too many requests")],
)
def test_a_database_that_is_away_or_busy_is_named(
    client: Client, monkeypatch, cause: Exception | None, sentence: str
) -> None:
    def away(*args: object) -> None:
        raise OperationalError("gone") from cause

    monkeypatch.setattr("common.observability.health.MigrationExecutor", away)
    monkeypatch.setattr("common.observability.health.connection.close", lambda: None)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["database"] == "failed"
    assert sentence in response.json()["error"]
    assert response.headers["Retry-After"]
