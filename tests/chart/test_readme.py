"""The chart's README, and the descriptions of its values."""

import os
import re
import subprocess
import textwrap

import pytest
import yaml

from tests.chart.helm import CHART, EXAMPLES, MAJORS, ROOT, helm, programs
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


DOCUMENTS = "\n".join(path.read_text() for path in (ROOT / "README.md", README))
# Renders what it should install; other words fail, since there is no cluster.
SHIM = """#!/usr/bin/env bash
if [ "$1" = upgrade ] && [ "$2" = --install ]; then
    exec {helm} template "${{@:3}}"
fi
exec {helm} "$@" --kube-apiserver http://127.0.0.1:1
"""


def shell(folder, major, command):
    """Run a shell command from the root of the project with Helm of a major version."""
    if major not in programs():
        pytest.skip("This version of Helm is not available.")
    (folder / "helm").write_text(SHIM.format(helm=programs()[major]))
    (folder / "helm").chmod(0o755)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    environ = {**os.environ, "PATH": path, "KUBECONFIG": os.devnull}
    return subprocess.run(
        ["bash", "-c", command], cwd=ROOT, env=environ, capture_output=True, text=True
    )


def check(result):
    """Pass if a command succeeded, or failed only because it needs a cluster."""
    needs_cluster = re.search(r"helm (test|uninstall)", result.args[-1])
    assert result.returncode == 0 or (needs_cluster and "unreachable" in result.stderr), result


def blocks(language):
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", DOCUMENTS, re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(block) for _, block in found]


COMMANDS = [
    line if line.startswith("cd ") else f"cd helm/random && {line}"
    for line in "\n".join(blocks("sh")).splitlines()
    if re.search(r"(^|&& )helm ", line)
] + re.findall(r"`(helm (?:test|uninstall) app[^`]*)`", DOCUMENTS)


@pytest.mark.parametrize("major", MAJORS)
@pytest.mark.parametrize("command", COMMANDS)
def test_every_helm_command_in_a_readme_runs(command, major, tmp_path):
    check(shell(tmp_path, major, command))


@pytest.mark.parametrize("major", MAJORS)
@pytest.mark.parametrize("option", re.findall(r"--set[a-z-]* [^`]+?(?=`)", DOCUMENTS))
def test_every_set_option_in_a_readme_is_accepted(option, major, tmp_path):
    check(shell(tmp_path, major, f"helm upgrade --install app helm/random {option}"))


def test_every_helm_command_in_the_notes_runs(tmp_path):
    notes = helm(4, "install", "app", str(CHART), "--dry-run=client").stdout.split("NOTES:")[1]
    commands = re.findall(r"^ *(helm .*)$", notes, re.MULTILINE)
    assert commands
    for command in commands:
        check(shell(tmp_path, 4, command))


VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
EXAMPLES_OF_VALUES = [
    block
    for block in blocks("yaml")
    if isinstance(found := yaml.safe_load(block), dict) and found.keys() & VALUES.keys()
]


@pytest.mark.parametrize("major", MAJORS)
@pytest.mark.parametrize("block", EXAMPLES_OF_VALUES)
def test_every_example_of_values_in_the_readme_renders(block, major, tmp_path):
    (tmp_path / "values.yaml").write_text(block)
    result = helm(major, "template", "app", str(CHART), "--values", str(tmp_path / "values.yaml"))
    assert result.returncode == 0, result.stderr


def test_the_readmes_have_commands_options_and_examples():
    assert len(COMMANDS) >= 3
    assert "--set defaults.image.tag=2" in DOCUMENTS
    assert len(EXAMPLES_OF_VALUES) == 3
