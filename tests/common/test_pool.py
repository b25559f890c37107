"""The connections of a process."""

from concurrent.futures import ThreadPoolExecutor

import psycopg2
import pytest

from common.database.pool import Pool
from tests.conftest import wait_for


def test_a_slot_is_lent_once_and_its_connection_used_again() -> None:
    pool = Pool(2)
    assert [pool.acquire(1), pool.acquire(1)] == [None, None]
    with pytest.raises(psycopg2.OperationalError, match="busy"):
        pool.acquire(0.01)
    pool.release("a connection")
    pool.release(None)
    assert {pool.acquire(1), pool.acquire(1)} == {"a connection", None}


def test_the_connection_that_was_used_last_is_used_first() -> None:
    pool = Pool(3)
    for _ in range(2):
        pool.acquire(1)
    pool.release("first")
    pool.release("last")
    assert pool.acquire(1) == "last"


def test_an_open_connection_is_used_although_another_could_not_be_opened() -> None:
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


def test_the_request_that_has_waited_longest_is_served_first() -> None:
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


def test_a_request_that_has_timed_out_gets_nothing() -> None:
    pool = Pool(1)
    pool.acquire(1)
    with pytest.raises(psycopg2.OperationalError):
        pool.acquire(0.01)
    pool.release("a connection")
    assert pool.acquire(1) == "a connection"
