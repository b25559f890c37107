"""The GitHub workflows, checked by two linters that work offline."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_zizmor_reports_nothing() -> None:
    zizmor = Path(sys.executable).with_name("zizmor")
    result = run(zizmor, "--offline", "--pedantic", "--strict-collection", "--quiet", ".github")
    assert result.returncode == 0, result.stdout + result.stderr


def test_actionlint_reports_nothing() -> None:
    if shutil.which("actionlint") is None:
        pytest.skip("actionlint is not on the PATH; its package on PyPI fetches it from GitHub.")
    result = run("actionlint", *ROOT.glob(".github/workflows/*.yml"))
    assert result.returncode == 0, result.stdout + result.stderr
