"""Clients in another process, as in a pod of a cluster."""

import sys
from uuid import uuid4

from tests.conftest import Services
from tests.drill.comparison import compare
from tests.drill.ledger import Ledger
from tests.drill.load import QUICK
from tests.drill.remote import RemoteLoad
from tests.drill.system import ROWS
from tests.postgres import execute


def test_clients_of_another_process_are_led_by_lines(services: Services) -> None:
    ledger = Ledger(f"remote {uuid4()}/".replace(" ", "-"))
    python = [sys.executable, "-I"]
    with RemoteLoad(python, services.users, services.numbers, ledger, QUICK) as load:
        start = load.now()
        assert load.wait_until_served(start, 60)
        assert load.last_failure(start) == 0
        assert load.lateness >= 0
    assert {answer.status for _, answer in ledger.draws} == {201}
    assert {answer.status for answer in ledger.lists} == {200}
    assert ledger.hidden == []
    assert services.state
    rows = execute(services.state, ROWS, ledger.users)
    assert len(rows) >= len({draw for draw, _ in ledger.draws}) > 12
    compared = compare(ledger, rows)
    assert (compared.lost, compared.doubled) == (0, 0)
