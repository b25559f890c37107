"""The source of the random numbers."""

import os
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numbers_project.random_numbers.generator import draw

LARGEST = 2**53 - 1


@given(limit=st.integers(0, LARGEST), count=st.integers(1, 50))
def test_draw_returns_count_numbers_within_the_limit(limit: int, count: int) -> None:
    numbers = draw(limit, count)
    assert len(numbers) == count
    assert all(0 <= number <= limit for number in numbers)


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 8])
def test_every_number_from_0_to_the_limit_occurs(limit: int) -> None:
    """With nine numbers, one of them is missing among 500 draws by chance once in 10**24 runs."""
    assert set(draw(limit, 500)) == set(range(limit + 1))


@pytest.mark.parametrize("limit", [2, 4, 9, 19, 999])
def test_numbers_are_uniform(limit: int) -> None:
    """Chi-square, with a false alarm once in a million runs for each limit."""
    cells, draws = min(limit + 1, 10), 100_000
    counts = Counter(number * cells // (limit + 1) for number in draw(limit, draws))
    expected = draws / cells
    statistic = sum((counts[cell] - expected) ** 2 / expected for cell in range(cells))
    # The 1 - 1e-6 quantile of chi-square with 2, 4 and 9 degrees of freedom.
    assert statistic < {3: 27.7, 5: 33.4, 10: 45.1}[cells]


def test_a_limit_between_powers_of_two_shows_no_modulo_bias() -> None:
    """With the remainder of 53 bits, numbers below 2**51 would come twice as often as others."""
    limit = 3 * 2**51 - 1
    low = sum(number < 2**51 for number in draw(limit, 30_000))
    # Binomial with p = 1/3: eight standard deviations, a false alarm once in 10**15 runs.
    assert abs(low - 10_000) < 8 * (30_000 * 2 / 9) ** 0.5


def test_random_words_are_masked_and_rejected() -> None:
    words = b"".join(word.to_bytes(8, "little") for word in (7, 2**63 + 6, 15, 5))
    assert draw(6, 2, lambda size: words) == [6, 5]


def test_the_source_is_the_operating_systems() -> None:
    assert draw.__defaults__ == (1, os.urandom)


def test_consecutive_draws_do_not_repeat() -> None:
    """Two of 2,000 numbers of 53 bits are equal by chance once in some 10**9 runs."""
    assert len(set(draw(LARGEST, 1000) + draw(LARGEST, 1000))) == 2000
