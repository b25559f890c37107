"""The chart's README, and the descriptions of its values."""

import re

import yaml

from tests.chart.helm import CHART, EXAMPLES
from tests.chart.write_readme import README, leaves, sentences, written


def test_the_table_of_values_is_up_to_date():
    assert README.read_text() == written(), "Run `python tests/chart/write_readme.py`."


def test_every_value_has_a_description():
    explained = dict(sentences())
    for path, _ in leaves(yaml.safe_load((CHART / "values.yaml").read_text())):
        assert explained[path].endswith("."), path


def test_the_values_and_examples_in_the_readme_exist():
    text = README.read_text()
    named = set(re.findall(r"`ci/([a-z]+)\.yaml`", text))
    assert named == set(EXAMPLES)
    groups = {path.split(".")[0] for path, _ in sentences()}
    known = {path for path, _ in sentences()}
    for word in re.findall(r"`([a-zA-Z]+\.[a-zA-Z.]+?)(?:=[^`]*)?`", text):
        if word.split(".")[0] in groups:
            service = re.sub(r"^(users|numbers)\.", "defaults.", word)
            assert word in known or service in known, word
