#!/usr/bin/env -S bash -p --
#
# Runs the user service and the random number service on this machine.
#
#   ./manage_all.sh up            start all, and show both services' logs; Ctrl-C stops all
#   ./manage_all.sh up --detach   start all, and return when both are ready
#   ./manage_all.sh status        what runs, and where
#   ./manage_all.sh logs          follow both services' logs
#   ./manage_all.sh owners        who may do what in the database (--check: as it should be?)
#   ./manage_all.sh down          stop all; the data stays
#   ./manage_all.sh down --purge  stop all and remove the data, after asking (--yes: without)
#   ./manage_all.sh lint          style, imports and types
#   ./manage_all.sh test          these and all tests; with paths, only the tests below them
#   ./manage_all.sh bench         how fast the services are, beside others: 15 minutes (--quick: two)
#   ./manage_all.sh drill         that no number is lost, whatever breaks: five minutes (--quick: one)
#   ./manage_all.sh test-images   build both images, and test them as a cluster would run them
#   ./manage_all.sh test-cluster  test the chart on the cluster of the current kubectl context
#   ./manage_all.sh WORD …        python manage.py WORD …, for the user service, then the other:
#                                 ./manage_all.sh migrate, ./manage_all.sh check --deploy
#
# It needs Python 3.11 or newer. Without DB_HOST it brings a PostgreSQL of its own. With DB_HOST it
# uses that one: give DB_ADMIN_USER and DB_ADMIN_PASSWORD to have roles and schemas made there, or the
# roles' passwords when that has been done: USERS_DB_PASSWORD, USERS_OWNER_DB_PASSWORD, and the same
# for NUMBERS. SETTINGS.md lists all settings.

# The services and their tools get the caller's environment without what was meant for others: -p
# makes bash ignore it. The settings of PostgreSQL's clients and of Python, for example, would
# lead a login or an import elsewhere. local_environments.py handles those of pip.

set -euo pipefail

root=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")

help() {
    sed -n '3,/^$/s/^# \{0,1\}//p' "$root/manage_all.sh"
}

forget_what_is_for_others() {
    local name
    unset BASH_ENV ENV CDPATH GLOBIGNORE POSIXLY_CORRECT __PYVENV_LAUNCHER__
    for name in "${!PG@}" "${!PYTHON@}" "${!DJANGO_@}" "${!GUNICORN_@}" \
        "${!PROMETHEUS_@}" "${!prometheus_@}"; do
        case $name in
        PYTHON | PYTHON_IMAGE | DJANGO_SUPERUSER_*) ;; # read by this script, its tests, manage.py
        *) unset "$name" ;;
        esac
    done
}

# What everything that runs here relies on, whatever the caller's shell has.
set_what_is_ours() {
    umask u+rwx,go-w
    export PYTHONUTF8=1
    # No proxy reaches this machine's own addresses. Some programs read the one, some the other.
    export no_proxy="localhost,127.0.0.1,::1,${no_proxy-${NO_PROXY-}}"
    export NO_PROXY=$no_proxy
}

# The Python of the services' own environment comes first: it was found to be new enough when that
# was made, and it starts faster than the shims of version managers.
find_python() {
    local candidate candidates=(python3 python3.14 python3.13 python3.12 python3.11)
    if [ -n "${PYTHON:-}" ]; then
        candidates=("$PYTHON")
    elif "$root/.venv/bin/python" -c '' 2>/dev/null; then
        echo "$root/.venv/bin/python"
        return
    fi
    for candidate in "${candidates[@]}"; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "manage_all.sh: Python 3.11 or newer is needed; none of these is: ${candidates[*]}" >&2
    exit 1
}

case "${1:-help}" in
help | -h | --help)
    help
    ;;
*)
    forget_what_is_for_others
    set_what_is_ours
    python=$(find_python)
    # bash cannot unset these two, which would reach the shell scripts of version managers and tests.
    # Unbuffered, so that its lines and those of the commands that it runs stay in order.
    exec env -u SHELLOPTS -u BASHOPTS "$python" -u "$root/manage_all.py" "$@"
    ;;
esac
