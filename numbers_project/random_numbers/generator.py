"""The source of the random numbers."""

import os
from array import array
from collections.abc import Callable

Source = Callable[[int], bytes]  # returns so many random bytes

WORD = 8  # bytes, enough for the largest limit


def draw(limit: int, count: int = 1, source: Source = os.urandom) -> list[int]:
    """Return `count` numbers, each drawn uniformly from 0 to `limit`, inclusive.

    This is rejection sampling from a source of random bytes, by default the operating system's
    cryptographic one: each word is masked to the bit length of the limit, and rejected if it is
    still greater. Taking the remainder would favour small numbers.
    """
    mask = (1 << limit.bit_length()) - 1
    numbers: list[int] = []
    while missing := count - len(numbers):
        # The expected number of words needed.
        words = array("Q", source(WORD * -(-missing * (mask + 1) // (limit + 1))))
        numbers += [number for word in words if (number := word & mask) <= limit]
        del numbers[count:]
    return numbers
