"""Password hashing in a thread."""

import gevent

from common.serving.hashers import ThreadedPBKDF2PasswordHasher


def test_hashing_a_password_does_not_block_other_requests() -> None:
    done = []

    def hash_password() -> None:
        ThreadedPBKDF2PasswordHasher().encode("a password", "salt")
        done.append("hashed")

    gevent.joinall([gevent.spawn(hash_password), gevent.spawn(done.append, "another request")])
    assert done == ["another request", "hashed"]
