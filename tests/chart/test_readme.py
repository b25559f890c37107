"""The chart's README, and the sentences that explain its values."""

import re

import yaml

from tests.chart.helm import CHART, EXAMPLES
from tests.chart.write_readme import README, leaves, sentences, written


def test_the_readme_shows_the_values_as_they_are():
    assert README.read_text() == written(), "Run `python tests/chart/write_readme.py`."


def test_every_value_has_one_sentence():
    explained = dict(sentences())
    for path, _ in leaves(yaml.safe_load((CHART / "values.yaml").read_text())):
        assert explained[path].endswith("."), path


def test_the_readme_names_values_and_examples_that_exist():
    text = README.read_text()
    named = set(re.findall(r"`ci/([a-z]+)\.yaml`", text))
    assert named == set(EXAMPLES)
    groups = {path.split(".")[0] for path, _ in sentences()}
    known = {path for path, _ in sentences()}
    for word in re.findall(r"`([a-zA-Z]+\.[a-zA-Z.]+?)(?:=[^`]*)?`", text):
        if word.split(".")[0] in groups:
            service = re.sub(r"^(users|numbers)\.", "defaults.", word)
            assert word in known or service in known, word
