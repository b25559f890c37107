"""The list of services that provisioning and the tests read.

Services migrate and start in this order, so a service comes before its readers.
"""

from typing import NamedTuple


class Service(NamedTuple):
    """A Django project with a schema of its own, and two roles: one owns it, the other uses it."""

    name: str  # also the name of its schema; the project's folder is {name}_project
    title: str
    port: int  # on a developer's machine
    reads: tuple[str, ...] = ()  # services whose schemas it reads; their migrations grant columns

    @property
    def role(self) -> str:
        """Return the role that the service logs in with: it reads and writes rows, and no more."""
        return f"{self.name}_service"

    @property
    def owner_role(self) -> str:
        """Return the role that owns the schema and all in it, for migrations and retention."""
        return f"{self.name}_owner"

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


def service_of(role: str) -> Service | None:
    """Return the service to which a role belongs."""
    return next((one for one in SERVICES if role in (one.role, one.owner_role)), None)
