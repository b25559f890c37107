"""The settings of both services, each read in a separate process as in production."""

import subprocess

import pytest

from tests.common.conftest import manage

SERVICES = ["users", "numbers"]


@pytest.mark.parametrize("service", SERVICES)
def test_the_production_settings_pass_djangos_deployment_checks(service: str) -> None:
    result = manage(service, "check", "--deploy", "--fail-level", "WARNING")
    assert result.returncode == 0, result.stderr
    assert "no issues" in result.stdout


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_PORT", "65536"),
        ("DB_SSLMODE", "maybe"),
        ("DEBUG", "1"),
        ("LOG_LEVEL", "chatty"),
        ("SECURE_SSL_REDIRECT", "no"),
    ],
)
def test_a_bad_value_stops_the_startup(name: str, value: str) -> None:
    result = manage("users", "check", **{name: value})
    assert result.returncode != 0
    assert f"{name}='{value}'" in result.stderr


def test_no_secret_has_a_default() -> None:
    for name in ("SECRET_KEY", "DB_PASSWORD"):
        result = manage("users", "check", **{name: "", f"{name}_FILE": ""})
        assert f"Neither {name} nor" in result.stderr


def test_the_admins_have_different_cookies() -> None:
    """Browsers send a host's cookies to all of its ports."""
    query = (
        "from django.conf import settings as s; print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME)"
    )
    users, numbers = (manage(service, "shell", "-v0", "-c", query).stdout for service in SERVICES)
    assert set(users.split()).isdisjoint(numbers.split())
    assert len(users.split()) == 2


@pytest.mark.parametrize("service", SERVICES)
def test_drf_spectacular_is_imported_on_demand(service: str) -> None:
    """Its generators take 4 MiB, which an idle service should not need."""
    query = (
        f"import sys, {service}_project.wsgi;"
        " print('rest_framework.views' in sys.modules, 'drf_spectacular.generators' in sys.modules)"
    )
    result = manage(service, "shell", "-v0", "-c", query)
    assert result.stdout.split() == ["True", "False"], result.stderr


@pytest.mark.parametrize("environment", [{"DB_PASSWORD": "wrong"}, {"DB_PORT": "1"}])
def test_migrate_reports_a_failed_connection(environment) -> None:
    assert_refused(manage("users", "migrate", **environment), "common.E001")


@pytest.mark.parametrize(
    ("service", "break_it", "repair_it", "check"),
    [
        (
            "users",
            "ALTER ROLE users_service SET search_path = nowhere",
            "ALTER ROLE users_service SET search_path = users",
            "common.E002",
        ),
        (
            "users",
            "ALTER ROLE users_reader RENAME TO readers",
            "ALTER ROLE readers RENAME TO users_reader",
            "users.E001",
        ),
        (
            "numbers",
            "REVOKE users_reader FROM numbers_service",
            "GRANT users_reader TO numbers_service WITH INHERIT TRUE, SET FALSE",
            "random_numbers.E001",
        ),
    ],
)
def test_migrate_reports_missing_provisioning(
    superuser, service: str, break_it: str, repair_it: str, check: str
) -> None:
    superuser.execute(break_it)
    try:
        assert_refused(manage(service, "migrate"), check)
    finally:
        superuser.execute(repair_it)


def assert_refused(result: subprocess.CompletedProcess[str], check: str) -> None:
    assert result.returncode == 1
    assert check in result.stderr
    assert "common.provision" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_every_migration_can_be_reversed_and_applied_again(service: str) -> None:
    app = {"users": "users", "numbers": "random_numbers"}[service]
    for target in ("zero", ""):
        result = manage(service, "migrate", app, *target.split())
        assert result.returncode == 0, result.stderr
