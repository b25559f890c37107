"""What common uses of its packages although their documentation does not promise it.

Each test is named after one such thing, so that an upgrade which changes it fails with its name and
with the file that uses it. The last tests keep the list whole. What is documented is not here.
"""

import ast
import inspect
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import closing
from copy import copy
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gevent
import gevent.socket
import psycopg2
import pytest
from django.contrib.admin.templatetags import admin_list
from django.core.cache import close_caches
from django.core.handlers.base import reset_urlconf
from django.core.management.commands import migrate
from django.core.signals import request_finished
from django.db import OperationalError, connection
from django.db.backends.postgresql import base
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Count, Window
from django.db.models.functions import RowNumber
from django.db.models.query_utils import DeferredAttribute
from django.template.loader import get_template
from django.test import Client, RequestFactory
from django.urls import include, path
from gevent.server import StreamServer
from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.http import body, errors, get_parser, wsgi
from gunicorn.workers.ggevent import GeventWorker
from prometheus_client import CollectorRegistry, Histogram, values
from prometheus_client.mmap_dict import MmapedDict
from rest_framework import mixins, pagination, parsers, renderers, serializers, viewsets
from rest_framework.response import Response
from rest_framework.utils.serializer_helpers import ReturnDict
from rest_framework.utils.urls import remove_query_param, replace_query_param
from rest_framework.views import APIView

from common.database.coalescing import YIELD
from common.observability.metric_files import PADDING
from common.serving.connections import Places
from common.serving.worker import Server
from tests.conftest import ROOT
from users_project.users.models import User
from users_project.users.serializers import UserSerializer
from users_project.users.views import UserViewSet

# Methods that common overrides, or calls from an override: where, whose, and the parameters.
METHODS = [
    ("common/serving/worker.py", GeventWorker, "init_process", "self"),
    ("common/serving/worker.py", GeventWorker, "load_wsgi", "self"),
    ("common/serving/worker.py", GeventWorker, "notify", "self"),
    ("common/serving/worker.py", GeventWorker, "timeout_ctx", "self"),
    ("common/serving/worker.py", StreamServer, "do_read", "self"),
    ("common/observability/metric_files.py", MmapedDict, "_init_value", "self key"),
    ("common/serving/worker.py", GeventWorker, "handle", "self listener client addr"),
    (
        "common/serving/worker.py",
        GeventWorker,
        "handle_request",
        "self listener_name req sock addr",
    ),
    ("common/serving/worker.py", GeventWorker, "handle_error", "self req client addr exc"),
    ("common/serving/logging.py", Logger, "setup", "self cfg"),
    ("common/serving/logging.py", Logger, "access", "self resp req environ request_time"),
    ("common/database/base.py", base.DatabaseWrapper, "get_new_connection", "self conn_params"),
    ("common/database/base.py", base.DatabaseWrapper, "_close", "self"),
    ("common/api/filters.py", serializers.Field, "run_validation", "self data"),
    ("common/fast/mixins.py", serializers.Serializer, "run_validation", "self data"),
    ("common/fast/mixins.py", mixins.CreateModelMixin, "get_success_headers", "self data"),
    ("common/fast/viewsets.py", APIView, "perform_authentication", "self request"),
    (
        "common/api/renderers.py",
        renderers.BrowsableAPIRenderer,
        "get_rendered_html_form",
        "self data view method request",
    ),
    (
        "common/api/pagination.py",
        pagination.BasePagination,
        "get_paginated_response_schema",
        "self schema",
    ),
]


@pytest.mark.parametrize(
    ("owner", "name", "parameters"),
    [
        pytest.param(*rest, id=f"{rest[0].__name__}.{rest[1]} in {where}")
        for where, *rest in METHODS
    ],
)
def test_a_method_has_the_parameters_that_common_relies_on(
    owner: type, name: str, parameters: str
) -> None:
    assert list(inspect.signature(getattr(owner, name)).parameters) == parameters.split()


# gunicorn


class Probe(GeventWorker):
    """A worker of one connection, without the processes around it."""

    def __init__(self) -> None:
        self.cfg = Config()
        self.log = SimpleNamespace(access=self.note_access, debug=self.note, exception=self.fail)
        self.alive, self.nr, self.max_requests, self.worker_connections = True, 0, 9, 1
        self.notes: list[Any] = []
        self.accesses: list[Any] = []
        self.wsgi: Any = self.answer
        self.error: BaseException | None = None

    def note(self, *words: Any) -> None:
        self.notes.append(words)

    def note_access(self, *arguments: Any) -> None:
        self.accesses.append(arguments)

    def fail(self, *words: Any) -> None:
        raise AssertionError(words)

    def answer(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Length", "0")])
        return []

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
        self.client = sock
        if self.error:
            raise self.error
        super().handle_request(listener_name, req, sock, addr)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        self.note("handle_error", client, exc)


@pytest.fixture
def worker() -> Probe:
    return Probe()


@pytest.fixture
def listener() -> Iterator[gevent.socket.socket]:
    with gevent.socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def serve(worker: Probe, listener: Any, request: bytes) -> tuple[Any, bytes]:
    """Let a worker handle a connection; return its side of it, and what the client received."""
    client, server = gevent.socket.socketpair()
    with client:
        client.sendall(request)
        client.shutdown(socket.SHUT_WR)
        worker.handle(listener, server, ("127.0.0.1", 1))
        return server, client.recv(9999)


GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


def test_gunicorn_passes_handle_request_the_socket_of_handle(worker: Probe, listener: Any) -> None:
    """common/serving/worker.py: handle makes it of the client's."""
    server, answer = serve(worker, listener, GET)
    assert worker.client is server
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


def test_gunicorn_ends_a_connection_silently_on_connection_reset(
    worker: Probe, listener: Any
) -> None:
    """common/serving/connections.py: raised where a client is too slow, or has to give way."""
    worker.error = ConnectionResetError(104, "too slow")
    server, answer = serve(worker, listener, GET)
    assert answer == b""
    assert server.fileno() == -1
    assert worker.notes == [("Ignoring connection reset",)]


class Narrow:
    """A socket with no methods but those of a Connection."""

    def __init__(self, client: Any) -> None:
        self.recv, self.send, self.sendall = client.recv, client.send, client.sendall
        self.close, self.fileno, self.shutdown = client.close, client.fileno, client.shutdown
        self.setblocking = client.setblocking


@pytest.mark.parametrize("expectation", [b"", b"Expect: 100-continue\r\n"])
def test_gunicorn_needs_no_other_methods_of_a_socket(
    worker: Probe, listener: Any, expectation: bytes
) -> None:
    """common/serving/connections.py: Connection has only these."""
    client, server = gevent.socket.socketpair()
    worker.wsgi = answer_with_a_file
    worker.cfg.set("sendfile", False)
    with client:
        head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n" + expectation
        client.sendall((head + b"\r\nbody") * 2)
        client.shutdown(socket.SHUT_WR)
        worker.handle(listener, Narrow(server), ("127.0.0.1", 1))
        assert client.recv(9999).count(b"a style sheet") == 2
    assert server.fileno() == -1


def answer_with_a_file(environ: dict[str, Any], start_response: Any) -> Any:
    assert isinstance(environ["gunicorn.socket"], Narrow)
    start_response("200 OK", [("Content-Length", "13")])
    return wsgi.FileWrapper(BytesIO(b"a style sheet"))


def test_gunicorn_closes_the_connection_of_a_request_that_is_forced_to(
    worker: Probe, listener: Any
) -> None:
    """common/serving/connections.py: refuse does so while the application is called."""

    class Forcing(Probe):
        def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
            self.req = req
            super().handle_request(listener_name, req, sock, addr)

        def answer(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
            self.req.force_close()
            return super().answer(environ, start_response)

    request = GET[:-2] + b"Content-Length: 100\r\n\r\n"
    answer = serve(Forcing(), listener, request)[1]
    assert answer.count(b"HTTP/1.1 200 OK") == 1
    assert b"\r\nConnection: close\r\n" in answer


@pytest.mark.parametrize(
    ("fields", "reader", "length"),
    [
        (b"", body.LengthReader, 0),
        (b"Content-Length: 7\r\n", body.LengthReader, 7),
        (b"Transfer-Encoding: chunked\r\n", body.ChunkedReader, None),
    ],
)
def test_gunicorns_body_has_a_reader_that_tells_its_kind(
    fields: bytes, reader: type, length: int | None
) -> None:
    """common/serving/connections.py: begin_request looks at it."""
    request_bytes = GET[:-2] + fields + b"\r\nbody"
    request = next(get_parser(Config(), [request_bytes], ("127.0.0.1", 1)))
    assert request.unreader.buf.getvalue() == b"body"
    assert type(request.body.reader) is reader
    assert getattr(request.body.reader, "length", None) == length


def test_gunicorn_passes_handle_error_what_is_not_http(worker: Probe, listener: Any) -> None:
    """common/serving/worker.py: handle_error answers it."""
    server, _ = serve(worker, listener, b"nonsense\r\n\r\n")
    ((name, client, error),) = worker.notes
    assert (name, client) == ("handle_error", server)
    assert isinstance(error, errors.ParseException)


def test_gunicorn_loads_the_application_into_wsgi_and_calls_it_there(
    worker: Probe, listener: Any
) -> None:
    """common/serving/worker.py: load_wsgi wraps it."""
    worker.app = SimpleNamespace(wsgi=lambda: worker.answer, reload=False)
    worker.wsgi = None
    worker.load_wsgi()
    assert worker.wsgi == worker.answer
    worker.wsgi = lambda environ, start_response: [start_response("404 Not Found", [])][:0]
    assert serve(worker, listener, GET)[1].startswith(b"HTTP/1.1 404 Not Found\r\n")


def test_gunicorn_sends_what_the_class_in_wsgi_file_wrapper_makes_as_a_file(
    worker: Probe, listener: Any
) -> None:
    """common/serving/worker.py: batch_writes leaves a file as it is."""
    file = wsgi.FileWrapper(BytesIO(b"a style sheet"))

    def answer(environ: dict[str, Any], start_response: Any) -> Any:
        assert isinstance(file, environ["wsgi.file_wrapper"])
        start_response("200 OK", [("Content-Length", "13")])
        return file

    worker.wsgi = answer
    assert serve(worker, listener, GET)[1].endswith(b"a style sheet")


def test_gunicorn_logs_an_access_with_the_status_as_text(worker: Probe, listener: Any) -> None:
    """common/serving/logging.py: access takes the number out of it."""
    serve(worker, listener, GET)
    ((response, _request, environ, time),) = worker.accesses
    assert response.status == "200 OK"
    assert (environ["REQUEST_METHOD"], environ["PATH_INFO"]) == ("GET", "/")
    assert time.total_seconds() >= 0


def test_gunicorn_makes_notifies_and_closes_what_server_class_returns(
    worker: Probe, listener: Any
) -> None:
    """common/serving/worker.py: server_class returns a Server with places of its own."""
    made = []

    def server_class(given: Any, *, spawn: Any, **unused: Any) -> Server:
        made.append(Server(given, print, Places(spawn.size)))
        return made[0]

    worker.server_class, worker.sockets = server_class, [listener]
    worker.notify = lambda: setattr(worker, "alive", False)  # type: ignore[method-assign]
    worker.run()
    (server,) = made
    assert server.listener is listener
    assert server.places.size == worker.worker_connections
    assert server.closed


def test_gunicorn_reads_a_setting_from_the_dict_of_cfg_first() -> None:
    """common/serving/worker.py: init_process puts all settings there."""
    cfg = Config()
    assert cfg.settings["keepalive"].get() == 2
    cfg.__dict__["keepalive"] = 75
    assert cfg.keepalive == 75


def test_gunicorns_logger_calls_setup_and_has_two_logs() -> None:
    """common/serving/logging.py: setup changes both."""

    class Silent(Logger):
        def setup(self, cfg: Any) -> None:
            self.given = cfg

    cfg = Config()
    log = Silent(cfg)
    assert log.given is cfg
    assert (log.error_log.name, log.access_log.name) == ("gunicorn.error", "gunicorn.access")


def test_gunicorn_warns_about_head_in_a_log_of_this_name() -> None:
    """common/settings.py: LOGGING silences it."""
    assert wsgi.log is logging.getLogger("gunicorn.http.wsgi")


@pytest.mark.parametrize(
    ("name", "request_bytes"),
    [
        ("LimitRequestLine", b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n"),
        ("LimitRequestHeaders", GET[:-2] + b"a: b\r\n" * 200 + b"\r\n"),
        ("ExpectationFailed", GET[:-2] + b"Expect: nothing\r\n\r\n"),
        ("UnsupportedTransferCoding", GET[:-2] + b"Transfer-Encoding: unknown\r\n\r\n"),
        ("InvalidChunkSize", GET[:-2] + b"Transfer-Encoding: chunked\r\n\r\nnone\r\n"),
        ("InvalidChunkExtension", GET[:-2] + b"Transfer-Encoding: chunked\r\n\r\n1;\r\r\na"),
        ("ChunkMissingTerminator", GET[:-2] + b"Transfer-Encoding: chunked\r\n\r\n1\r\nabcdef"),
    ],
)
def test_gunicorn_raises_for_a_bad_request_what_bad_requests_py_answers(
    name: str, request_bytes: bytes
) -> None:
    """common/serving/bad_requests.py: ANSWERS and IN_A_BODY."""
    with pytest.raises(errors.ParseException) as raised:
        next(get_parser(Config(), [request_bytes], ("127.0.0.1", 1))).body.read()
    assert raised.type is getattr(errors, name)


@pytest.mark.parametrize(
    "name", ["ConfigurationProblem", "InvalidResponseHeader", "InvalidResponseHeaderName"]
)
def test_gunicorn_derives_faults_of_the_service_from_those_of_clients(name: str) -> None:
    """common/serving/bad_requests.py: SERVER_FAULTS."""
    assert issubclass(getattr(errors, name), errors.ParseException)


# gevent


def test_gevent_polls_the_sockets_in_the_shortest_sleep_but_not_in_one_of_0() -> None:
    """common/database/coalescing.py: YIELD lets in the requests that have arrived."""
    received = []
    ours, theirs = gevent.socket.socketpair()
    with ours, theirs:
        gevent.spawn(lambda: received.append(theirs.recv(9)))
        gevent.sleep(0)
        ours.sendall(b"a request")
        gevent.sleep(0)
        gevent.sleep(0)
        assert received == []
        gevent.sleep(YIELD)
        gevent.sleep(0)
        assert received == [b"a request"]


def test_gevent_sends_at_once_or_raises_where_the_timeout_is_0() -> None:
    """common/serving/connections.py: send then counts as waiting."""
    ours, theirs = gevent.socket.socketpair()
    with ours, theirs:
        ours.settimeout(30)
        assert ours.send(b"an answer", timeout=0.0) == 9
        sent = 65536
        while sent == 65536:
            sent = ours.send(b"x" * 65536, timeout=0.0)
        with pytest.raises(BlockingIOError):
            ours.send(b"x", timeout=0.0)


def test_gevents_hub_calls_print_exception_of_its_instance() -> None:
    """common/serving/worker.py: init_process replaces it."""
    hub: Any = gevent.get_hub()
    seen: list[Any] = []
    hub.print_exception = lambda *arguments: seen.append(arguments)
    try:
        greenlet = gevent.spawn(lambda: 1 // 0)
        greenlet.join()
    finally:
        del hub.print_exception
    ((context, kind, error, traceback),) = seen
    assert context is greenlet
    assert kind is ZeroDivisionError is type(error)
    assert traceback


def test_gevent_tries_again_to_accept_after_an_error() -> None:
    """common/serving/worker.py: do_read raises it."""
    calls = []

    class Failing(StreamServer):
        def do_read(self) -> Any:
            calls.append(1)
            raise OSError(24, "Too many open files")

    hub: Any = gevent.get_hub()
    hub.print_exception = lambda *arguments: None
    try:
        with gevent.socket.create_server(("127.0.0.1", 0)) as listener:
            server = Failing(listener, print)
            server.start()
            with socket.create_connection(listener.getsockname()):
                while len(calls) < 3:
                    gevent.sleep(0.01)
            server.close()
    finally:
        del hub.print_exception


# prometheus_client


def test_prometheus_client_makes_its_files_by_this_class_in_this_module(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """common/observability/metric_files.py: install replaces it, and the class of values."""
    made = []

    class Made(MmapedDict):
        def __init__(self, filename: str, read_mode: bool = False) -> None:
            made.append(Path(filename).name)
            super().__init__(filename, read_mode)

    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    monkeypatch.setattr(values, "MmapedDict", Made)
    monkeypatch.setattr(values, "ValueClass", values.MultiProcessValue(lambda: 7))
    Histogram("seconds", "Time.", registry=CollectorRegistry()).observe(1)
    assert made == ["histogram_7.db"]
    values.close_all_multiprocess_files()


def test_prometheus_clients_file_doubles_when_it_has_no_room_for_a_value(tmp_path: Path) -> None:
    """common/observability/metric_files.py: these attributes say when, and the file's blocks."""
    file = tmp_path / "histogram_1.db"
    with closing(MmapedDict(str(file))) as made:
        capacity = made._capacity
        assert capacity == file.stat().st_size == os.fstat(made._f.fileno()).st_size
        while made._capacity == capacity:
            before = made._used
            made.write_value(f"{before:050}", 1, 0)
            assert made._used - before <= 50 + PADDING
        assert before + 50 + PADDING > capacity
        assert made._capacity == file.stat().st_size == 2 * capacity


# Django


class Backend(base.DatabaseWrapper):
    """Django's backend without a server."""

    Database = SimpleNamespace(**vars(psycopg2))

    def __init__(self) -> None:
        super().__init__(connection.settings_dict, "default")
        self.is_closed = False

    def _close(self) -> None:
        self.is_closed = True


def test_django_closes_a_connection_by_underscore_close_and_forgets_it() -> None:
    """common/database/base.py: _close gives it back to the pool."""
    backend = Backend()
    backend.connection = object()
    backend.close()
    assert backend.is_closed
    assert backend.connection is None


def test_django_opens_a_connection_by_get_new_connection_with_the_parameters_of_libpq(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """common/database/base.py: get_new_connection adds hostaddr."""
    given: dict[str, Any] = {}

    def connect(**parameters: Any) -> None:
        given.update(parameters)
        raise psycopg2.OperationalError

    def get_new_connection(parameters: dict[str, Any]) -> Any:
        added = {**parameters, "hostaddr": "127.0.0.1"}
        return base.DatabaseWrapper.get_new_connection(backend, added)

    backend = Backend()
    monkeypatch.setattr(backend.Database, "connect", connect)
    monkeypatch.setattr(backend, "get_new_connection", get_new_connection)
    with pytest.raises(psycopg2.OperationalError):
        backend.connect()
    assert (given["host"], given["hostaddr"]) == (connection.settings_dict["HOST"], "127.0.0.1")


def test_django_notes_in_errors_occurred_that_something_has_failed() -> None:
    """common/database/base.py: _close does not use the connection again."""
    backend = Backend()
    assert backend.errors_occurred is False
    with pytest.raises(OperationalError), backend.wrap_database_errors:
        raise psycopg2.OperationalError
    assert backend.errors_occurred is True


@pytest.mark.django_db
def test_psycopg2_names_a_nul_in_what_it_raises() -> None:
    """common/api/middleware.py: is_nul."""
    with pytest.raises(ValueError, match=r"NUL \(0x00\)"):
        User.objects.filter(name="\0").exists()


@pytest.mark.django_db
def test_django_says_by_in_atomic_block_whether_a_transaction_is_open() -> None:
    """common/database/pool.py, common/database/coalescing.py: it keeps its connection."""
    assert connection.in_atomic_block is True
    assert Backend().in_atomic_block is False


USERS = User.objects.order_by("id")


@pytest.mark.parametrize(
    ("rows", "name", "value"),
    [
        (USERS, "order_by", ("id",)),
        (USERS.extra(order_by=["name"]), "extra_order_by", ["name"]),
        (User.objects.all(), "default_ordering", True),
        (User.objects.order_by(), "default_ordering", False),
        (USERS, "is_sliced", False),
        (USERS[:1], "is_sliced", True),
        (USERS.distinct(), "distinct", True),
        (USERS, "combinator", None),
        (USERS.union(USERS), "combinator", "union"),
        (USERS, "standard_ordering", True),
        (USERS.reverse(), "standard_ordering", False),
        (USERS, "group_by", None),
        (USERS.annotate(number=Count("id")), "group_by", True),
    ],
    ids=lambda one: None if hasattr(one, "query") else str(one),
)
def test_djangos_query_says_how_rows_are_selected(rows: Any, name: str, value: Any) -> None:
    """common/api/pagination.py: require_keyset."""
    assert getattr(rows.query, name) == value


def test_djangos_query_knows_that_a_window_function_selects_rows() -> None:
    """common/api/pagination.py: require_keyset."""
    rows = USERS.annotate(row=Window(RowNumber())).filter(row__lt=3)
    assert rows.query.where.contains_over_clause
    assert not USERS.filter(name="ankur").query.where.contains_over_clause


def test_django_has_a_deferred_attribute_for_each_column() -> None:
    """common/fast/json_rows.py: find_columns."""
    assert isinstance(User.name, DeferredAttribute)


def test_django_keeps_a_models_primary_key_and_ordering_in_meta() -> None:
    """common/api/pagination.py: require_keyset."""
    assert User._meta.pk.name == "id"
    assert list(User._meta.ordering) == []


def test_djangos_query_returns_its_sql_and_parameters() -> None:
    """common/fast/lists.py: statement puts them into one of its own."""
    sql, parameters = USERS.filter(name="ankur").query.sql_with_params()
    assert '"name" = %s' in sql
    assert parameters == ("ankur",)


@pytest.mark.django_db
def test_djangos_migration_executor_plans_what_has_not_been_applied() -> None:
    """common/observability/health.py: pending_migrations."""
    executor = MigrationExecutor(connection)
    assert executor.migration_plan(executor.loader.graph.leaf_nodes()) == []
    executor.loader.applied_migrations.clear()
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    assert ("users", "0001_initial") in [(one.app_label, one.name) for one, _ in plan]


@pytest.mark.parametrize("receiver", [close_caches, reset_urlconf], ids=lambda one: one.__name__)
def test_django_connects_to_request_finished(receiver: Any) -> None:
    """common/serving/application.py: prepare disconnects it."""
    assert request_finished.disconnect(receiver)
    request_finished.connect(receiver)


def test_djangos_url_patterns_name_their_views() -> None:
    """common/api/checks.py: routed_views."""

    def view(request: Any) -> None: ...

    included = path("included/", include([path("it", view)]))
    assert [pattern.callback for pattern in included.url_patterns] == [view]


@pytest.mark.parametrize("option", ["check_unapplied", "plan", "database", "skip_checks"])
def test_djangos_migrate_has_an_option(option: str) -> None:
    """common/management/commands/migrate.py."""
    assert hasattr(migrate.Command().create_parser("manage.py", "migrate").parse_args([]), option)


def test_djangos_admin_gives_pagination_html_what_it_shows() -> None:
    """common/templates/admin/pagination.html."""
    assert "paginator_number" in admin_list.register.tags
    assert {"cl", "pagination_required", "page_range"} <= admin_list.pagination(
        SimpleNamespace(show_all=True, can_show_all=True, multi_page=False)
    ).keys()


def test_djangos_admin_shows_the_number_of_results_with_the_class_quiet() -> None:
    """common/templates/admin/base_site.html hides it."""
    source = get_template("admin/search_form.html").template.source
    assert 'class="small quiet"' in source
    assert 'id="changelist-search"' in source


# REST framework


class Sample(viewsets.GenericViewSet):
    """A view."""

    def list(self, request: Any) -> Response:
        return Response()


def test_rest_frameworks_views_name_their_class_options_and_actions() -> None:
    """common/api/checks.py: problems."""
    view: Any = Sample.as_view({"get": "list"}, queryset=USERS)
    assert (view.cls, view.actions) == (Sample, {"get": "list"})
    assert view.initkwargs == {"queryset": USERS}


def test_rest_framework_keeps_an_answer_in_response_after_authentication() -> None:
    """common/fast/viewsets.py: dispatch deletes it, perform_authentication does less."""
    authenticated = []
    view: Any = Sample()
    view.action_map = {"get": "list"}
    view.list = view.get = lambda request: Response()
    view.perform_authentication = authenticated.append
    response = view.dispatch(RequestFactory().get("/"))
    assert view.response is response
    assert authenticated == [view.request]


def test_rest_frameworks_views_say_which_methods_are_allowed() -> None:
    """common/api/errors.py: the sentence of a 405."""
    view = Sample()
    view.get = view.list  # type: ignore[attr-defined]
    assert view.allowed_methods == ["GET", "OPTIONS"]


def test_rest_framework_shows_the_errors_that_to_internal_value_raises() -> None:
    """common/api/renderers.py: get_rendered_html_form sets it on a serializer."""

    def refuse(entered: Any) -> None:
        raise serializers.ValidationError({"name": ["This name is taken."]})

    serializer: Any = UserSerializer(data={"name": "ankur"})
    serializer.to_internal_value = refuse
    assert not serializer.is_valid()
    assert serializer.errors == {"name": ["This name is taken."]}
    form = renderers.BrowsableAPIRenderer()
    form.accepted_media_type = "text/html"
    shown = form.render_form_for_serializer(serializer)
    assert "This name is taken." in shown
    assert 'value="ankur"' in shown


def test_rest_framework_makes_a_form_of_the_serializer_that_the_data_has() -> None:
    """common/api/renderers.py: get_rendered_html_form puts it there."""
    view: Any = UserViewSet()
    view.action_map = {"post": "create"}
    view.post = view.create
    view.request = view.initialize_request(RequestFactory().post("/users"))
    form = renderers.BrowsableAPIRenderer()
    form.accepted_media_type = "text/html"
    serializer = UserSerializer(data={"name": ""})
    data = ReturnDict({}, serializer=serializer)
    shown = form.get_rendered_html_form(data, view, "POST", view.request)
    assert "This field may not be blank." in shown


@pytest.mark.django_db
def test_rest_framework_writes_a_raw_form_by_the_parsers_renderer_and_indents_it() -> None:
    """common/api/parsers.py: renderer_class; common/api/renderers.py: JSONRenderer."""
    assert parsers.JSONParser.renderer_class is renderers.JSONRenderer
    page = Client(HTTP_ACCEPT="text/html").get("/users").content.decode()
    assert "{\n  &quot;name&quot;: &quot;&quot;\n}" in page


def test_rest_frameworks_fields_without_a_default_have_empty() -> None:
    """common/fast/json_rows.py: json_of."""
    assert serializers.CharField().default is serializers.empty


def test_rest_framework_replaces_and_removes_query_parameters() -> None:
    """common/api/pagination.py: the links to other pages."""
    assert replace_query_param("http://a/b?after=1&c=d", "after", 2) == "http://a/b?after=2&c=d"
    assert remove_query_param("http://a/b?after=1&c=d", "after") == "http://a/b?c=d"


@pytest.mark.parametrize(
    "name", ["__init__", "is_valid", "save", "to_representation", "get_fields", "data", "many_init"]
)
def test_rest_frameworks_serializers_have_the_hooks_that_are_refused(name: str) -> None:
    """common/fast/refusals.py, common/fast/json_rows.py: an override would be passed over."""
    assert any(name in vars(owner) for owner in serializers.ModelSerializer.__mro__[:-1])


def test_rest_framework_keeps_a_serializers_context_fields_and_validators_in_its_dict() -> None:
    """common/fast/mixins.py: make_serializer copies them, and sets the context of a request."""
    serializer = UserSerializer(context={"request": "a request"})
    assert serializer.fields["name"].run_validators("ankur") is None
    list(serializer.validators)
    kept = {"_context", "fields", "_validators", "instance"}
    assert kept <= vars(serializer).keys()
    copied = copy(serializer)
    vars(copied).update(_context={"request": "another request"}, initial_data={"name": "ankur"})
    assert copied.context == {"request": "another request"}
    assert serializer.context == {"request": "a request"}
    assert copied.fields is serializer.fields
    assert copied.run_validation({"name": "ankur"}) == {"name": "ankur"}


@pytest.mark.parametrize(
    "words",
    [
        "{% block title %}",
        "{% block meta %}",
        "{% block style %}",
        "{% block bodyclass %}",
        "{% block branding %}",
        "{% block userlinks %}",
        "in breadcrumblist",
        "request-info",
        "response-info",
        "tabbable",
        "navbar-nav",
    ],
)
def test_rest_frameworks_page_has_what_api_html_changes(words: str) -> None:
    """common/templates/rest_framework/api.html."""
    assert words in get_template("rest_framework/base.html").template.source


# The fence

# Names with an underscore that are documented all the same.
DOCUMENTED = {"_asdict", "_meta"}
TESTED = {name for _, _, name, _ in METHODS} | {"_capacity", "_f", "_used"}


def test_no_private_name_is_used_that_is_not_tested_above() -> None:
    folders = ("common", "users_project", "numbers_project")
    files = [file for folder in folders for file in (ROOT / folder).rglob("*.py")]
    used = {name for file in files for name in private_names(file.read_text())}
    assert used - TESTED == DOCUMENTED


def private_names(source: str) -> set[str]:
    """Return the names with a single underscore that a file takes from elsewhere.

    Its own are those that its classes define, except where a class may override what it inherits.
    """
    nodes = list(ast.walk(ast.parse(source)))
    classes = [node for node in nodes if isinstance(node, ast.ClassDef)]
    own = {name for node in classes if not inherits(node) for name in defined(node)}
    used = {name for node in classes if inherits(node) for name in defined(node)}
    used |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = [getattr(node, "module", None) or "", *(one.name for one in node.names)]
            used |= {part for module in modules for part in module.split(".")}
    return {name for name in used - own if name.startswith("_") and not name.startswith("__")}


def inherits(node: ast.ClassDef) -> bool:
    """Return whether a class has bases other than those that describe its type."""
    return any(not ast.unparse(one).startswith(("Generic", "NamedTuple")) for one in node.bases)


def defined(node: ast.ClassDef) -> set[str]:
    """Return the names of a class's methods, and of what it sets on its instances."""
    inside = list(ast.walk(node))
    methods = {one.name for one in inside if isinstance(one, ast.FunctionDef)}
    return methods | {
        one.attr
        for one in inside
        if isinstance(one, ast.Attribute)
        and isinstance(one.ctx, ast.Store)
        and ast.unparse(one.value) == "self"
    }


@pytest.mark.parametrize(
    "source",
    [
        "serializer._errors = {}",
        "from package import _private",
        "import package._private",
        "class Ours(Theirs):\n def _hook(self): ...",
        "class Ours(Theirs):\n def method(self): self._theirs = 1",
    ],
)
def test_a_private_name_is_found(source: str) -> None:
    assert len(private_names(source)) == 1


def test_a_name_of_ones_own_is_not_private() -> None:
    source = "class Ours:\n def _method(self): self._own = self._method()"
    assert private_names(source) == set()
