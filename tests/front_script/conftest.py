"""What the tests of the front script share."""

from collections.abc import Iterator
from signal import getsignal, signal

import pytest

from local_shell import SIGNALS


@pytest.fixture(autouse=True)
def signal_handlers() -> Iterator[None]:
    """The handlers as they were: an interrupted script ignores all later signals."""
    before = {number: getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal(number, handler)
