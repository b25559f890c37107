"""Write the table of values into the chart's README: `python tests/chart/write_readme.py`."""

import re
from collections.abc import Iterator
from pathlib import Path

import yaml

CHART = Path(__file__).resolve().parents[2] / "helm" / "random"
README = CHART / "README.md"
START, END = "<!-- values: written by tests/chart/write_readme.py -->", "<!-- end of values -->"
KEY = re.compile(r"( *)([A-Za-z]+):")


def sentences() -> Iterator[tuple[str, str]]:
    """Yield the path of each value in values.yaml, and the `# --` sentence above it."""
    path: list[str] = []
    sentence = ""
    for line in (CHART / "values.yaml").read_text().splitlines():
        key = KEY.match(line)
        if line.lstrip().startswith("# -- "):
            sentence = line.split("# -- ", 1)[1]
        elif key:
            path[len(key[1]) // 2 :] = [key[2]]
            yield ".".join(path), sentence
            sentence = ""


def leaves(values: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Yield the path and the default of each value; an empty mapping is a value too."""
    if isinstance(values, dict) and values:
        for key, value in values.items():
            yield from leaves(value, f"{path}.{key}".lstrip("."))
    else:
        yield path, values


def table() -> str:
    """Return the table of values."""
    explained = dict(sentences())
    defaults = leaves(yaml.safe_load((CHART / "values.yaml").read_text()))
    rows = [
        f"| `{path}` | `{yaml.safe_dump(value, default_flow_style=True).splitlines()[0]}` "
        f"| {explained[path]} |"
        for path, value in defaults
    ]
    return "\n".join(["| value | default | description |", "| --- | --- | --- |", *rows])


def written() -> str:
    """Return the README with an up-to-date table."""
    before, rest = README.read_text().split(START)
    return f"{before}{START}\n\n{table()}\n\n{END}{rest.split(END)[1]}"


if __name__ == "__main__":
    README.write_text(written())
