"""The table that sums up: what each optional room buys, beside the peers."""

from tests.load.report import FASTAPI, OURS, PLAIN, SERVING, TEXTBOOK, Report, markdown, number
from tests.load.rounds import GENERATE, LATENCY, RATE
from tests.load.stages import LISTED, LISTS, LONG_LISTS, MEMORY, POSTED, REST

SUBJECTS = {
    PLAIN: "plain: without `fast` and `serving`",
    SERVING: "+ `serving` and the database engine",
    OURS: "+ `fast`: as it is",
    FASTAPI: FASTAPI,
    TEXTBOOK: TEXTBOOK,
}
# Each column's head, the rows of the tables that it shows, and their unit.
COLUMNS = (
    (
        "numbers drawn, 16 / 64 connections",
        [(RATE, POSTED.format(GENERATE, connections)) for connections in (16, 64)],
        "/s",
    ),
    ("p99 at 64", [(LATENCY, POSTED.format(GENERATE, 64))], "ms"),
    (
        "lists of 100,000 users / numbers",
        [(RATE, LONG_LISTS.format(path)) for path in LISTS.values()],
        "/s",
    ),
    ("memory at rest", [(MEMORY, REST)], "MiB"),
    ("a list of 100,000 adds", [(MEMORY, LISTED.format("100,000"))], "MiB"),
)


def table(report: Report) -> str:
    """Return the table, where anything of it was measured."""
    lines = [["The ladder", *(head for head, _, _ in COLUMNS)]]
    for subject, name in SUBJECTS.items():
        cells = [cell(report, subject, rows, unit) for _, rows, unit in COLUMNS]
        lines.append([name, *cells])
    return markdown(lines) if any(any(cells) for _, *cells in lines[1:]) else ""


def cell(report: Report, subject: str, rows: list[tuple[str, str]], unit: str) -> str:
    """Return a subject's medians in some rows."""
    found = [report.tables.get(table, {}).get(row) for table, row in rows]
    medians = [number(row.median(subject)) for row in found if row and subject in row.values]
    return f"{' / '.join(medians)} {unit}" if medians else ""
