"""What a service takes from the system when it starts."""

import os
import resource
import socket
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from common import env, limits
from common.serving import resources


@pytest.mark.parametrize(
    ("bind", "addresses"),
    [
        ("127.0.0.1:8000", ["127.0.0.1:8000"]),
        ("localhost:8000", ["localhost:8000"]),
        ("[::1]:8000", ["[::1]:8000"]),
        ("0.0.0.0:8000", ["0.0.0.0:8000"]),
        (":8000", ["all:8000"]),
    ],
)
def test_bind_is_a_host_and_a_port(
    monkeypatch: pytest.MonkeyPatch, bind: str, addresses: list[str]
) -> None:
    monkeypatch.setenv("BIND", bind)
    monkeypatch.setattr(resources, "BIND", env.address("BIND", ":8000"))
    monkeypatch.setattr(resources, "all_hosts", lambda: ["all"])
    assert resources.addresses() == addresses


def test_both_families_are_listened_on(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resources.all_hosts() == ["[::]"] if socket.has_dualstack_ipv6() else ["0.0.0.0"]

    def fail(*arguments: object) -> None:
        raise OSError("Address family not supported by protocol")

    monkeypatch.setattr(resources.socket, "socket", fail)
    assert resources.all_hosts() == ["0.0.0.0"]


@pytest.mark.parametrize(
    ("before", "after", "connections"),
    [
        ((1024, 1 << 20), (resources.ENOUGH_FILES, 1 << 20), limits.WORKER_CONNECTIONS),
        ((1 << 20, 1 << 20), None, limits.WORKER_CONNECTIONS),
        ((resource.RLIM_INFINITY,) * 2, None, limits.WORKER_CONNECTIONS),
        ((256, resource.RLIM_INFINITY), (resources.ENOUGH_FILES, -1), limits.WORKER_CONNECTIONS),
        ((256, 256), (256, 256), (256 - resources.OTHER_FILES) // 2),
    ],
)
def test_the_limit_of_open_files_is_raised_and_bounds_the_connections(
    monkeypatch: pytest.MonkeyPatch,
    before: tuple[int, int],
    after: tuple[int, int] | None,
    connections: int,
) -> None:
    made: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: before)
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: made.append(limits))
    assert resources.client_connections() == connections
    assert made == ([after] if after else [])


def test_too_few_open_files_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (60, 60))
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)
    with pytest.raises(ImproperlyConfigured, match="60 files, which is too few"):
        resources.client_connections()


def test_the_shared_folder_is_where_there_is_room(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    assert resources.shared_folder(1, (missing, str(tmp_path))).parent == tmp_path
    with pytest.raises(ImproperlyConfigured, match="No such file.*TMPDIR"):
        resources.shared_folder(1, (missing,))


def test_a_folder_without_room_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def allocate(file: int, offset: int, size: int) -> None:
        if Path(f"/proc/self/fd/{file}").readlink().is_relative_to(tmp_path / "full"):
            raise OSError(28, "No space left on device")

    for name in ("full", "free"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(os, "posix_fallocate", allocate)
    found = resources.shared_folder(1, (str(tmp_path / "full"), str(tmp_path / "free")))
    assert found.parent == tmp_path / "free"
