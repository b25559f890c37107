"""The picture: requests per second as multiples of a peer's, as bars."""

from html import escape

from tests.load.report import FASTAPI, OURS, TEXTBOOK, Row

WIDTH, LABELS, RIGHT = 860, 410, 60
BAR, GAP, HEAD = 14, 16, 70
SUBJECTS = {OURS: "ours", FASTAPI: "peer", TEXTBOOK: "textbook"}

# The card and what is on it change together, so that they can be told apart in light and in dark.
STYLE = """
.card { fill: #ffffff; stroke: #d0d7de } text { fill: #1f2328; font: 13px system-ui, sans-serif }
.title { font-weight: 600; font-size: 15px } .ours { fill: #0969da } .peer { fill: #8c959f }
.textbook { fill: #d4a72c }
@media (prefers-color-scheme: dark) {
.card { fill: #0d1117; stroke: #30363d } text { fill: #e6edf3 } .ours { fill: #4493f8 } }
"""


def draw(rows: dict[str, Row]) -> str:
    """Return an SVG of the rows that all subjects have; FastAPI's bar is 1 long."""
    shown = {name: row for name, row in rows.items() if set(SUBJECTS) <= set(row.values)}
    group = len(SUBJECTS) * BAR + GAP
    height = HEAD + len(shown) * group + GAP
    lengths = {
        name: {subject: row.median(subject) / row.median(FASTAPI) for subject in SUBJECTS}
        for name, row in shown.items()
    }
    longest = max((max(bars.values()) for bars in lengths.values()), default=1.0)
    unit = (WIDTH - LABELS - RIGHT) / longest
    parts = [legend()]
    for index, (name, bars) in enumerate(lengths.items()):
        parts.append(draw_group(HEAD + index * group, name, bars, unit))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"'
        f' aria-label="Requests per second, as multiples of {FASTAPI}">'
        f"<style>{STYLE}</style>"
        f'<rect class="card" x="1" y="1" width="{WIDTH - 2}" height="{height - 2}" rx="8"/>'
        f"{''.join(parts)}</svg>\n"
    )


def legend() -> str:
    """Return the title and what the colours mean."""
    marks = [text(20, 28, f"Requests per second, as multiples of {FASTAPI}", "title")]
    for index, (subject, kind) in enumerate(SUBJECTS.items()):
        x = 20 + index * 170
        marks.append(bar(x, 40, 12, kind) + text(x + 20, 51, subject))
    return "".join(marks)


def draw_group(y: int, name: str, bars: dict[str, float], unit: float) -> str:
    """Return a row's name and its bars."""
    parts = [text(20, y + 2 * BAR - 3, name)]
    for index, (subject, length) in enumerate(bars.items()):
        top = y + index * BAR
        parts.append(bar(LABELS, top, length * unit, SUBJECTS[subject]))
        parts.append(text(LABELS + length * unit + 6, top + BAR - 3, f"{length:.2f}"))
    return "".join(parts)


def bar(x: float, y: float, width: float, kind: str) -> str:
    """Return one bar."""
    return f'<rect class="{kind}" x="{x}" y="{y}" width="{width:.1f}" height="{BAR - 2}" rx="2"/>'


def text(x: float, y: float, words: str, kind: str = "") -> str:
    """Return a piece of text."""
    attribute = f' class="{kind}"' if kind else ""
    return f'<text{attribute} x="{x:.1f}" y="{y}">{escape(words)}</text>'
