"""The services: the one list that provisioning, the front script and the tests read.

The order is the one in which they migrate and start: an owner before its readers.
"""

from typing import NamedTuple


class Service(NamedTuple):
    """A Django project with a schema and a role of its own."""

    name: str  # also its schema; the project's folder is {name}_project
    title: str
    port: int  # on a developer's machine
    reads: tuple[str, ...] = ()  # services in whose schema it may look; their migrations grant what

    @property
    def role(self) -> str:
        """Return the role that the service logs in with."""
        return f"{self.name}_service"

    @property
    def reader_role(self) -> str:
        """Return the group role to which the service grants what others may read."""
        return f"{self.name}_reader"

    @property
    def prefix(self) -> str:
        """Return what its variables begin with: USERS_PORT, USERS_DB_PASSWORD."""
        return self.name.upper()


SERVICES = (
    Service("users", "User service", port=8081),
    Service("numbers", "Random number service", port=8080, reads=("users",)),
)


def readers_of(owner: Service) -> list[Service]:
    """Return the services that may look into another one's schema."""
    return [service for service in SERVICES if owner.name in service.reads]
