"""What a fault is."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

# Takes the System, or the Cluster.
Cause = Callable[[Any], AbstractContextManager[None]]


@dataclass(frozen=True)
class Fault:
    """What breaks inside the block of `caused`; its docstring is the fault's title."""

    caused: Cause
    prepared: Cause = nullcontext  # what has to be different before the clients begin
    is_felt: bool = False  # at least one request has to fail, or else nothing was broken
    lasts: bool = False  # clients have to be served while it lasts, not only after it
    # Nothing is left that could close connections: clients wait for their own time limits.
    is_silent: bool = False
    is_quick: bool = False  # caused by `drill --quick` too

    @property
    def name(self) -> str:
        """Return its name on the command line."""
        return self.caused.__name__

    @property
    def title(self) -> str:
        """Return its name in the table."""
        return (self.caused.__doc__ or self.name).splitlines()[0]
