"""The list of services that provisioning and the tests read.

Services migrate and start in this order, so a service comes before its readers.
"""

from typing import NamedTuple


class Service(NamedTuple):
    """A Django project with a schema and a role of its own."""

    name: str  # also the name of its schema; the project's folder is {name}_project
    title: str
    port: int  # on a developer's machine
    reads: tuple[str, ...] = ()  # services whose schemas it reads; their migrations grant columns

    @property
    def role(self) -> str:
        """Return the role that the service logs in with."""
        return f"{self.name}_service"

    @property
    def reader_role(self) -> str:
        """Return the group role to which the service grants read access."""
        return f"{self.name}_reader"

    @property
    def prefix(self) -> str:
        """Return the prefix of its environment variables, as in USERS_DB_PASSWORD."""
        return self.name.upper()


SERVICES = (
    Service("users", "User service", port=8081),
    Service("numbers", "Random number service", port=8080, reads=("users",)),
)


def readers_of(owner: Service) -> list[Service]:
    """Return the services that may look into another one's schema."""
    return [service for service in SERVICES if owner.name in service.reads]
