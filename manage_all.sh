#!/usr/bin/env bash
#
# Runs the user service and the random number service on this machine.
#
#   ./manage_all.sh up            start all, and show both services' logs; Ctrl-C stops all
#   ./manage_all.sh up --detach   start all, and return when both are ready
#   ./manage_all.sh status        what runs, and where
#   ./manage_all.sh logs          follow both services' logs
#   ./manage_all.sh down          stop all; the data stays
#   ./manage_all.sh down --purge  stop all and remove the data, after asking (--yes: without)
#   ./manage_all.sh lint          style, imports and types
#   ./manage_all.sh test          these and all tests; with paths, only the tests below them
#   ./manage_all.sh bench         how fast the services are, beside others: ten minutes (--quick: two)
#   ./manage_all.sh drill         that no number is lost, whatever breaks: five minutes (--quick: one)
#   ./manage_all.sh test-images   build both images, and test them as a cluster would run them
#   ./manage_all.sh test-cluster  test the chart on the cluster of the current kubectl context
#   ./manage_all.sh WORD …        python manage.py WORD …, for the user service, then the other:
#                                 ./manage_all.sh migrate, ./manage_all.sh check --deploy
#
# It needs Python 3.11 or newer. Without DB_HOST it brings a PostgreSQL of its own. With DB_HOST it
# uses that one: give DB_ADMIN_USER and DB_ADMIN_PASSWORD to have roles and schemas made there, or
# USERS_DB_PASSWORD and NUMBERS_DB_PASSWORD when that has been done. README.md lists all settings.

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)

help() {
    sed -n '3,/^$/s/^# \{0,1\}//p' "$root/manage_all.sh"
}

# The Python of the services' own environment comes first: it was found to be new enough when that
# was made, and it starts faster than the shims of version managers.
find_python() {
    local candidate candidates=${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}
    if [ -z "${PYTHON:-}" ] && [ -x "$root/.venv/bin/python" ]; then
        echo "$root/.venv/bin/python"
        return
    fi
    for candidate in $candidates; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "manage_all.sh: Python 3.11 or newer is needed; none of these is: $candidates" >&2
    exit 1
}

case "${1:-help}" in
help | -h | --help)
    help
    ;;
*)
    python=$(find_python)
    # Unbuffered, so that its lines and those of the commands that it runs stay in order.
    exec "$python" -u -X utf8 "$root/manage_all.py" "$@"
    ;;
esac
