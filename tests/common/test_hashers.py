"""Password hashing."""

import gevent

from common.serving.hashers import ThreadedPBKDF2PasswordHasher


def test_other_requests_go_on_while_a_password_is_hashed() -> None:
    done = []

    def hash_password() -> None:
        ThreadedPBKDF2PasswordHasher().encode("a password", "salt")
        done.append("hashed")

    gevent.joinall([gevent.spawn(hash_password), gevent.spawn(done.append, "another request")])
    assert done == ["another request", "hashed"]
