"""The settings of all services, each read in a separate process as in production."""

import subprocess

import pytest

from common.services import SERVICES
from tests.common.conftest import manage
from tests.conftest import ROOT

NAMES = [service.name for service in SERVICES]


@pytest.mark.parametrize("service", NAMES)
def test_the_production_settings_pass_djangos_deployment_checks(service: str) -> None:
    result = manage(service, "check", "--deploy", "--fail-level", "WARNING")
    assert result.returncode == 0, result.stderr
    assert "no issues" in result.stdout


@pytest.mark.parametrize("value", ["0", "10001", "x", "-1"])
def test_a_bad_largest_count_stops_the_startup(value: str) -> None:
    result = manage("numbers", "check", MAX_COUNT=value)
    assert result.returncode != 0
    assert f"MAX_COUNT='{value}' is not a whole number from 1 to 10000" in result.stderr


@pytest.mark.parametrize(("environment", "largest"), [({}, 10_000), ({"MAX_COUNT": "7"}, 7)])
def test_the_largest_count_is_a_setting(environment: dict[str, str], largest: int) -> None:
    query = (
        "from numbers_project.random_numbers.serializers import GeneratedNumberSerializer as s;"
        f"one = s(data=dict(user='x', count={largest}));"
        f"more = s(data=dict(user='x', count={largest + 1}));"
        "print(one.is_valid(), more.is_valid(), more.errors['count'][0])"
    )
    result = manage("numbers", "shell", "-v0", "-c", query, **environment)
    refusal = f"False Ensure this value is less than or equal to {largest}."
    assert result.stdout.strip() == f"True {refusal}", result.stderr
    document = manage("numbers", "spectacular", **environment).stdout
    assert f"maximum: {largest}\n" in document


def test_no_secret_has_a_default() -> None:
    for name in ("SECRET_KEY", "DB_PASSWORD"):
        result = manage("users", "check", **{name: "", f"{name}_FILE": ""})
        assert f"Neither {name} nor" in result.stderr


def test_the_admins_have_different_cookies() -> None:
    """Browsers send a host's cookies to all of its ports."""
    query = (
        "from django.conf import settings as s; print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME)"
    )
    cookies = [manage(name, "shell", "-v0", "-c", query).stdout.split() for name in NAMES]
    assert len({cookie for pair in cookies for cookie in pair}) == 2 * len(NAMES)
    assert all(cookie.startswith("__Host-") for pair in cookies for cookie in pair)


@pytest.mark.parametrize("service", NAMES)
def test_drf_spectacular_is_imported_on_demand(service: str) -> None:
    """It takes 4 MiB, which a service at rest need not have."""
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
            "ALTER ROLE users_owner SET search_path = nowhere",
            "ALTER ROLE users_owner SET search_path = users",
            "common.E002",
        ),
        (
            "users",
            "ALTER ROLE users_reader RENAME TO readers",
            "ALTER ROLE readers RENAME TO users_reader",
            "common.E003",
        ),
        (
            "numbers",
            "REVOKE users_reader FROM numbers_service",
            "GRANT users_reader TO numbers_service WITH INHERIT TRUE, SET FALSE",
            "common.E004",
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


@pytest.mark.parametrize("service", NAMES)
def test_every_migration_can_be_undone_and_done_again(service: str) -> None:
    (migrations,) = (ROOT / f"{service}_project").glob("*/migrations")
    app = migrations.parent.name
    for target in ("zero", ""):
        result = manage(service, "migrate", app, *target.split())
        assert result.returncode == 0, result.stderr
