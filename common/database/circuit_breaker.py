"""A circuit breaker: after a failure, calls fail fast during a cooldown."""

from time import monotonic


class CircuitBreaker:
    """Is open for `cooldown` seconds after each failure; then calls may try again.

    Without it, requests that queue for an unavailable server would each wait until a deadline, one
    after the other.
    """

    def __init__(self, cooldown: float) -> None:
        self.cooldown = cooldown
        self._open_until = 0.0

    @property
    def is_open(self) -> bool:
        """Return whether calls should fail fast."""
        return monotonic() < self._open_until

    def trip(self) -> None:
        """Open the breaker after a failure."""
        self._open_until = monotonic() + self.cooldown
