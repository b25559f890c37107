"""A circuit breaker: after a failure, calls are refused for a while instead of tried."""

from time import monotonic


class CircuitBreaker:
    """Is open for `cooldown` seconds after each failure; then the next call may try again.

    Requests that queue for a server that is away would otherwise wait for one deadline after the
    other.
    """

    def __init__(self, cooldown: float) -> None:
        self.cooldown = cooldown
        self._open_until = 0.0

    @property
    def is_open(self) -> bool:
        """Return whether calls are to be refused."""
        return monotonic() < self._open_until

    def trip(self) -> None:
        """Record a failure."""
        self._open_until = monotonic() + self.cooldown
