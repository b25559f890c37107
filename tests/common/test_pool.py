"""The connection pool of a process."""

from concurrent.futures import ThreadPoolExecutor

import psycopg2
import pytest

from common.database.pool import Pool
from tests.conftest import wait_for


def test_a_slot_is_acquired_once_and_its_connection_reused() -> None:
    pool = Pool(2)
    assert [pool.acquire(1), pool.acquire(1)] == [None, None]
    with pytest.raises(psycopg2.OperationalError, match="busy"):
        pool.acquire(0.01)
    pool.release("a connection")
    pool.release(None)
    assert {pool.acquire(1), pool.acquire(1)} == {"a connection", None}


def test_the_most_recently_used_connection_is_acquired_first() -> None:
    pool = Pool(3)
    for _ in range(2):
        pool.acquire(1)
    pool.release("first")
    pool.release("last")
    assert pool.acquire(1) == "last"


def test_an_open_connection_is_preferred_to_an_empty_slot() -> None:
    pool = Pool(3)
    for _ in range(2):
        pool.acquire(1)
    pool.release("a connection")
    pool.release(None)
    assert pool.acquire(1) == "a connection"


def test_a_request_that_needs_an_open_connection_waits_for_one() -> None:
    pool = Pool(3)
    for _ in range(2):
        pool.acquire(1)
    with ThreadPoolExecutor(1) as requests:
        waiting = requests.submit(pool.acquire, 10, must_be_open=True)
        wait_for(lambda: pool._waiting, 10)
        pool.release(None)
        assert [pool.acquire(1), pool.acquire(1)] == [None, None]
        pool.release("a connection")
        assert waiting.result(10) == "a connection"


def test_the_oldest_waiter_is_served_first() -> None:
    pool = Pool(1)
    pool.acquire(1)
    with ThreadPoolExecutor(3) as requests:
        waiting = []
        for number in range(3):
            waiting.append(requests.submit(pool.acquire, 10))
            wait_for(lambda number=number: len(pool._waiting) == number + 1, 10)
        for number in range(3):
            pool.release(number)
            assert waiting[number].result(10) == number


def test_a_waiter_that_timed_out_does_not_get_a_connection() -> None:
    pool = Pool(1)
    pool.acquire(1)
    with pytest.raises(psycopg2.OperationalError):
        pool.acquire(0.01)
    pool.release("a connection")
    assert pool.acquire(1) == "a connection"
