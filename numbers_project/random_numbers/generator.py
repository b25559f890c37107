"""The source of the random numbers."""

import os
from array import array

WORD = 8  # bytes, which hold the largest limit


def draw(limit: int, count: int = 1) -> list[int]:
    """Return count numbers, each drawn uniformly from 0 to limit, both included.

    The operating system's cryptographic source is asked for many at once. Of each word the bits
    that limit has are kept; what is still greater is thrown away, as a remainder would favour the
    small numbers.
    """
    mask = (1 << limit.bit_length()) - 1
    numbers: list[int] = []
    while missing := count - len(numbers):
        # As many words as give so many numbers on average.
        words = array("Q", os.urandom(WORD * -(-missing * (mask + 1) // (limit + 1))))
        numbers += [number for word in words if (number := word & mask) <= limit]
        del numbers[count:]
    return numbers
