"""What was measured, as tables of medians, spreads and ratios."""

from dataclasses import dataclass, field
from statistics import median

OURS = "ours"
OLD = "old"
PLAIN = "plain"
SERVING = "+ serving"
RUNGS = (PLAIN, SERVING)  # ours without some of the optional rooms
FASTAPI = "FastAPI + asyncpg"
TEXTBOOK = "textbook DRF"
POSTGRES = "pgbench"  # one row for each statement
FEW_ROWS = "ours, few rows"
NO_KEY = "ours, no key"
COMPARED = (OLD, FASTAPI, TEXTBOOK, POSTGRES, FEW_ROWS, NO_KEY)  # with a column for ours by theirs


@dataclass
class Row:
    """One thing that was measured: for each subject a value of each round."""

    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, subject: str, value: float) -> None:
        """Take down a round's value."""
        self.values.setdefault(subject, []).append(value)

    def median(self, subject: str) -> float:
        """Return the middle one of a subject's values."""
        return median(self.values[subject])

    def ratio(self, peer: str) -> float | None:
        """Return ours by a peer's: of the rounds' ratios, as what hits both then cancels out."""
        mine, theirs = self.values.get(OURS), self.values.get(peer)
        if not mine or not theirs:
            return None
        if len(mine) != len(theirs):
            return median(mine) / median(theirs)
        return median(one / other for one, other in zip(mine, theirs, strict=True))


@dataclass
class Report:
    """Tables by title, each of rows by name, in the order in which they were begun."""

    tables: dict[str, dict[str, Row]] = field(default_factory=dict)

    def row(self, table: str, name: str) -> Row:
        """Return a row, which is begun where it is not there yet."""
        return self.tables.setdefault(table, {}).setdefault(name, Row())

    def markdown(self) -> str:
        """Return all tables."""
        return "\n".join(self.table(title, rows) for title, rows in self.tables.items())

    def table(self, title: str, rows: dict[str, Row]) -> str:
        """Return a table with a column for each subject that has values in it."""
        seen = {subject for row in rows.values() for subject in row.values}
        subjects = [subject for subject in (OURS, *RUNGS, *COMPARED) if subject in seen]
        peers = [peer for peer in COMPARED if peer in seen]
        lines = [[title, *subjects, *(f"{OURS} ÷ {peer}" for peer in peers)]]
        for name, row in rows.items():
            cells = [cell(row, subject) for subject in subjects]
            lines.append([name, *cells, *(times(row.ratio(peer)) for peer in peers)])
        return markdown(lines)


def markdown(lines: list[list[str]]) -> str:
    """Return a table of Markdown, with figures on the right; the first line is its head."""
    head, *rows = lines
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, rule, *rows))


def cell(row: Row, subject: str) -> str:
    """Return median and spread."""
    values = row.values.get(subject)
    if not values:
        return ""
    if len(values) == 1:
        return number(values[0])
    return f"{number(median(values))} ({number(min(values))}–{number(max(values))})"


def number(value: float) -> str:
    """Return a number with the digits that mean something."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def times(ratio: float | None) -> str:
    """Return a ratio in bold."""
    return "" if ratio is None else f"**{ratio:.3f}**" if ratio < 0.1 else f"**{ratio:.2f}**"
