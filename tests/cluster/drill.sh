#!/usr/bin/env bash
#
# Installs the chart in a namespace of its own, as run.sh does, and breaks it in all ways of
# tests/drill/cluster_faults.py while clients draw numbers. `./manage_all.sh drill --cluster` calls it;
# PYTHON is the interpreter. --yes comes first; all other words are for tests/drill.

set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/cluster/run.sh
. tests/cluster/run.sh
word=drill

# Who asks for it wants to know that nothing was drilled.
skip() {
    die "$*"
}

find_cluster
ask "$@"
[ "${1:-}" != --yes ] || shift
load_images
make_namespace
# The autoscaler would undo what the drill does.
install --set defaults.autoscaling.enabled=false
start_load 3600 'import time; time.sleep(3600)'
"$PYTHON" -m tests.drill --release "$context" "$namespace" "$release" "$@"
