"""Password hashing in a thread."""

import gevent
import pytest
from rest_framework.exceptions import Throttled

from common.serving.hashers import LONGEST_QUEUE, ThreadedPBKDF2PasswordHasher


def test_hashing_a_password_does_not_block_other_requests() -> None:
    done = []

    def hash_password() -> None:
        ThreadedPBKDF2PasswordHasher().encode("a password", "salt")
        done.append("hashed")

    gevent.joinall([gevent.spawn(hash_password), gevent.spawn(done.append, "another request")])
    assert done == ["another request", "hashed"]


def test_few_passwords_may_wait_for_the_thread() -> None:
    def hash_password() -> str:
        return ThreadedPBKDF2PasswordHasher().encode("a password", "salt", iterations=100_000)

    hashes = [gevent.spawn(hash_password) for _ in range(LONGEST_QUEUE)]
    gevent.sleep(0)  # They start, and wait.
    with pytest.raises(Throttled):
        hash_password()
    gevent.joinall(hashes, raise_error=True)
    assert hash_password()
