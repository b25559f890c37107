"""The script of `./manage_all.sh test-cluster`, with a kubectl of the test's own."""

import os
import subprocess

from tests.chart.helm import ROOT

# Like the real one, it forwards until somebody ends it.
KUBECTL = """#!/usr/bin/env bash
case " $* " in
*" port-forward "*)
    sleep 0.3
    echo "Forwarding from 127.0.0.1:4711 -> 8000"
    exec sleep 20
    ;;
esac
"""
SCRIPT = """
. tests/cluster/run.sh
context=here
trap clean_up EXIT
forward users
"""


def test_no_port_is_forwarded_once_the_script_has_ended(tmp_path):
    (tmp_path / "kubectl").write_text(KUBECTL)
    (tmp_path / "kubectl").chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    # A kubectl that is left holds the pipe of the errors open, which then times out.
    result = subprocess.run(
        ["bash", "-c", SCRIPT],
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=10,
    )
    assert (result.returncode, result.stdout) == (0, "http://127.0.0.1:4711\n"), result
    assert result.stderr == ""
