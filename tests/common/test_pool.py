"""The connections of a process."""

from concurrent.futures import ThreadPoolExecutor

import psycopg2
import pytest

from common.database.pool import Pool
from tests.conftest import wait_for


def test_a_place_is_taken_once_and_its_connection_used_again() -> None:
    pool = Pool(2)
    assert [pool.take(1), pool.take(1)] == [None, None]
    with pytest.raises(psycopg2.OperationalError, match="busy"):
        pool.take(0.01)
    pool.give_back("a connection")
    pool.give_back(None)
    assert {pool.take(1), pool.take(1)} == {"a connection", None}


def test_the_connection_that_was_used_last_is_used_first() -> None:
    pool = Pool(3)
    for _ in range(2):
        pool.take(1)
    pool.give_back("first")
    pool.give_back("last")
    assert pool.take(1) == "last"


def test_an_open_connection_is_used_although_another_could_not_be_opened() -> None:
    pool = Pool(3)
    for _ in range(2):
        pool.take(1)
    pool.give_back("a connection")
    pool.give_back(None)
    assert pool.take(1) == "a connection"


def test_who_needs_an_open_connection_waits_for_one() -> None:
    pool = Pool(3)
    for _ in range(2):
        pool.take(1)
    with ThreadPoolExecutor(1) as requests:
        waiting = requests.submit(pool.take, 10, has_to_be_open=True)
        wait_for(lambda: pool._waiting, 10)
        pool.give_back(None)
        assert [pool.take(1), pool.take(1)] == [None, None]
        pool.give_back("a connection")
        assert waiting.result(10) == "a connection"


def test_who_has_waited_longest_is_served_first() -> None:
    pool = Pool(1)
    pool.take(1)
    with ThreadPoolExecutor(3) as requests:
        waiting = []
        for number in range(3):
            waiting.append(requests.submit(pool.take, 10))
            wait_for(lambda number=number: len(pool._waiting) == number + 1, 10)
        for number in range(3):
            pool.give_back(number)
            assert waiting[number].result(10) == number


def test_who_has_given_up_gets_nothing() -> None:
    pool = Pool(1)
    pool.take(1)
    with pytest.raises(psycopg2.OperationalError):
        pool.take(0.01)
    pool.give_back("a connection")
    assert pool.take(1) == "a connection"
