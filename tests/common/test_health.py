"""The probes /livez and /readyz."""

import pytest
from django.db import OperationalError, connection
from django.test import Client

from common.database.errors import PoolTimeout


@pytest.mark.parametrize("path", ["/livez", "/livez/", "/readyz", "/readyz/"])
def test_the_probes_answer_any_host(client: Client, db: None, path: str) -> None:
    assert client.get(path, headers={"Host": "10.1.2.3:8000"}).status_code == 200
    assert client.head(path).status_code == 200


def test_liveness_does_not_query_the_database(client: Client) -> None:
    # Without the fixture `db`, pytest-django blocks every query.
    assert client.get("/livez").json() == {"process": "ok"}


def test_a_probe_refuses_post(client: Client) -> None:
    response = client.post("/livez")
    assert response.status_code == 405
    assert response.headers["Allow"] == "GET, HEAD"
    assert response.json()["error"]


def test_readiness_names_a_missing_migration(as_owner: None, client: Client, db: None) -> None:
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
    [(None, "does not answer"), (PoolTimeout("all connections are busy"), "Too many requests")],
)
def test_readiness_fails_if_the_database_is_unavailable_or_overloaded(
    client: Client, monkeypatch, cause: Exception | None, sentence: str
) -> None:
    def fail(*args: object) -> None:
        raise OperationalError("gone") from cause

    monkeypatch.setattr("common.observability.health.MigrationExecutor", fail)
    monkeypatch.setattr("common.observability.health.connection.close", lambda: None)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["database"] == "failed"
    assert sentence in response.json()["error"]
    assert response.headers["Retry-After"]
