"""The contracts of import-linter, which `./manage_all.sh lint` checks."""

import tomllib

from common.services import SERVICES
from tests.conftest import ROOT


def test_every_service_is_held_to_the_contracts_of_the_services() -> None:
    """A list that forgets one would still pass."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        options = tomllib.load(file)["tool"]["importlinter"]
    _, gevent, common, services = options["contracts"]
    projects = [f"{service.name}_project" for service in SERVICES]
    assert options["root_packages"] == gevent["source_modules"] == ["common", *projects]
    assert common["forbidden_modules"] == services["modules"] == projects
