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
#   ./manage_all.sh test          lint, types and all tests
#   ./manage_all.sh bench         how fast the services are, beside others: ten minutes (--quick: two)
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
state=${STATE_DIR:-$root/.state}
[[ $state == /* ]] || state=$PWD/$state
venv=$root/.venv
python=$venv/bin/python
dev=$root/.venv-dev/bin
users_port=${USERS_PORT:-8081}
numbers_port=${NUMBERS_PORT:-8080}
services=(users numbers)

die() {
    echo "manage_all.sh: $*" >&2
    exit 1
}

help() {
    sed -n '3,/^$/s/^# \{0,1\}//p' "$root/manage_all.sh"
}

# --- what has to be there before anything runs -----------------------------------------------

find_python() {
    local candidate candidates=${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}
    for candidate in $candidates; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    die "Python 3.11 or newer is needed; none of these is: $candidates"
}

# The stamp is written last: an environment without it, or for another lock, is made anew. The old
# one, from which something may run, is put back where that fails.
make_venv() {
    local folder=$root/$1 requirements=$root/$2 base lock stamp log=$state/logs/install.log
    lock=$(cksum <"$requirements")
    stamp=$folder/lock
    if [ "$(cat "$stamp" 2>/dev/null)" = "$lock" ]; then
        return
    fi
    base=$(find_python) || exit 1
    echo "Installing into $1; this happens once…"
    if [ ! -e "$folder.old" ] && [ -e "$folder" ]; then mv "$folder" "$folder.old"; fi
    rm -rf "$folder"
    "$base" -m venv "$folder" >"$log" 2>&1 ||
        not_installed "$folder" "python3 -m venv failed. On Debian and Ubuntu: apt install python3-venv"
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes \
        --requirement "$requirements" >"$log" 2>&1 ||
        not_installed "$folder" "The packages could not be installed; is there a network?"
    [ "$folder" != "$venv" ] || rm -rf "$root/.static"
    rm -rf "$folder.old" # before the stamp, so that a whole environment never stands beside it
    echo "$lock" >"$stamp"
}

not_installed() {
    tail -n 5 "$state/logs/install.log" >&2
    rm -rf "$1"
    if [ -e "$1.old" ]; then mv "$1.old" "$1"; fi
    die "$2"
}

prepare() {
    (mkdir -p "$state" "$state/logs" && umask 077 && mkdir -p "$state/secrets") 2>/dev/null ||
        die "$state cannot be written by $(id -un)."
    [ -O "$state/secrets" ] || die "$state belongs to another account than $(id -un)."
    if command -v flock >/dev/null; then
        exec 9>"$state/lock"
        flock --nonblock 9 || {
            echo "Waiting for another manage_all.sh to end…" >&2
            flock 9
        }
    fi
    make_venv .venv requirements-local.txt
    local name
    for name in postgres users_db numbers_db users_secret_key numbers_secret_key admin; do
        make_secret "$name"
    done
    [ -e "$root/.static/staticfiles.json" ] ||
        manage users collectstatic --noinput >"$state/logs/install.log" 2>&1 ||
        die "The static files could not be collected. See $state/logs/install.log"
}

make_secret() {
    local file=$state/secrets/$1
    [ -s "$file" ] ||
        (umask 077 && "$python" -c 'import secrets; print(secrets.token_urlsafe(40))' >"$file")
}

# --- the database ------------------------------------------------------------------------------

use_database() {
    export DB_NAME=${DB_NAME:-random}
    if [ -z "${DB_HOST:-}" ]; then
        DB_PORT=$("$python" "$root/local_postgres.py" start "$state" 9>&-) || exit 1
        export DB_HOST=127.0.0.1 DB_PORT
        export DB_ADMIN_USER=postgres DB_ADMIN_PASSWORD_FILE=$state/secrets/postgres
        unset DB_ADMIN_PASSWORD
    fi
    if [ -n "${DB_ADMIN_USER:-}" ]; then
        [ -n "${USERS_DB_PASSWORD:-}" ] ||
            export USERS_DB_PASSWORD_FILE=${USERS_DB_PASSWORD_FILE:-$state/secrets/users_db}
        [ -n "${NUMBERS_DB_PASSWORD:-}" ] ||
            export NUMBERS_DB_PASSWORD_FILE=${NUMBERS_DB_PASSWORD_FILE:-$state/secrets/numbers_db}
    fi
}

provision() {
    if [ -n "${DB_ADMIN_USER:-}" ]; then
        (cd "$root" && "$python" -m common.provision) || exit 1
    fi
}

migrate_all() {
    local service
    for service in "${services[@]}"; do
        manage "$service" migrate --verbosity 0 || die "The $service service cannot be started; see above."
    done
}

# --- the services --------------------------------------------------------------------------------

# Runs in a subshell of its own, since the two services' settings have the same names.
service_environment() {
    local upper password password_file
    upper=$(echo "$1" | tr '[:lower:]' '[:upper:]')
    password=${upper}_DB_PASSWORD
    password_file=${upper}_DB_PASSWORD_FILE
    export DJANGO_SETTINGS_MODULE=${1}_project.settings
    export DB_USER=${1}_service
    export DB_PASSWORD=${!password:-}
    export DB_PASSWORD_FILE=${!password_file:-$state/secrets/${1}_db}
    export SECRET_KEY_FILE=${SECRET_KEY_FILE:-$state/secrets/${1}_secret_key}
}

manage() {
    local service=$1
    shift
    (
        service_environment "$service"
        exec "$python" "$root/${service}_project/manage.py" "$@" 9>&-
    )
}

# A service that runs already keeps the port that it was started on.
port_of() {
    local name=${1}_port
    if is_running "$1"; then cat "$state/$1.port"; else echo "${!name}"; fi
}

pid_of() {
    cat "$state/$1.pid" 2>/dev/null || echo none
}

# A number in a pid file may be another program's by now.
is_running() {
    local pid
    pid=$(pid_of "$1")
    kill -0 "$pid" 2>/dev/null || return 1
    [ ! -d /proc/self ] || grep -q "${1}_project.wsgi" "/proc/$pid/cmdline" 2>/dev/null
}

require_free_ports() {
    local service
    [ "$users_port" != "$numbers_port" ] || die "USERS_PORT and NUMBERS_PORT are both $users_port."
    for service in "${services[@]}"; do
        is_running "$service" || "$python" - "$(port_of "$service")" <<'PYTHON' ||
import socket, sys, time
port = sys.argv[1]
if not (port.isdecimal() and 0 < int(port) < 65536):
    sys.exit(f"manage_all.sh: {port!r} is no port; a port is a number from 1 to 65535.")
end = time.monotonic() + 3  # the workers of a service that was killed take a second to notice
while time.monotonic() < end:
    with socket.socket() as candidate:
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind(("127.0.0.1", int(port)))
            sys.exit(0)
        except OSError:
            time.sleep(0.1)
sys.exit(
    f"manage_all.sh: Port {port} is taken; free it, or set USERS_PORT or NUMBERS_PORT to another."
)
PYTHON
            exit 1
    done
}

start_service() {
    is_running "$1" && return
    port_of "$1" >"$state/$1.port"
    (
        service_environment "$1"
        BIND=127.0.0.1:$(cat "$state/$1.port")
        # Nothing in front of it ends TLS here.
        SECURE_SSL_REDIRECT=${SECURE_SSL_REDIRECT:-false}
        export BIND SECURE_SSL_REDIRECT
        unset "${!DB_ADMIN_@}" "${!USERS_DB_@}" "${!NUMBERS_DB_@}" # not for a service to know
        cd "$root"
        # A process group of its own: Ctrl-C is for this script, which then stops all in order.
        set -m
        nohup "$python" -m gunicorn --config common/serving/gunicorn.conf.py "${1}_project.wsgi" \
            >"$state/logs/$1.log" 2>&1 </dev/null 9>&- &
        echo $! >"$state/$1.pid"
    )
}

wait_until_ready() {
    local service
    for service in "${services[@]}"; do
        "$python" - "http://127.0.0.1:$(port_of "$service")/readyz" "$(pid_of "$service")" <<'PYTHON' ||
import os, sys, time, urllib.request
url, pid = sys.argv[1], int(sys.argv[2])
end = time.monotonic() + 30
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
while time.monotonic() < end:
    try:
        os.kill(pid, 0)
        opener.open(url, timeout=5)
        sys.exit(0)
    except ProcessLookupError:
        break
    except OSError:
        time.sleep(0.05)
sys.exit(1)
PYTHON
        {
            tail -n 5 "$state/logs/$service.log" >&2
            die "The $service service did not become ready; its log ends as above."
        }
    done
}

make_admin_accounts() {
    local service output database=${DB_HOST}:$DB_NAME
    grep -qxF "$database" "$state/admin_made_in" 2>/dev/null && return
    for service in "${services[@]}"; do
        if output=$(
            DJANGO_SUPERUSER_PASSWORD=$(cat "$state/secrets/admin") \
                manage "$service" createsuperuser --noinput --username admin --email '' 2>&1
        ); then
            echo "Admin account of $service: admin, password: $(cat "$state/secrets/admin")"
        elif [[ $output == *"already taken"* ]]; then
            echo "Admin account of $service: admin, with the password that it had."
        else
            die "The admin account was not made: $output"
        fi
    done
    echo "$database" >>"$state/admin_made_in"
}

stop_services() {
    local service pid
    for service in "${services[@]}"; do
        if is_running "$service"; then
            kill -TERM "$(pid_of "$service")"
        fi
    done
    # gunicorn itself ends requests that take longer than 25 seconds.
    local end=$((SECONDS + 30))
    for service in "${services[@]}"; do
        while is_running "$service"; do
            [ $SECONDS -lt $end ] || kill -KILL "$(pid_of "$service")"
            sleep 0.1
        done
        rm -f "$state/$service.pid" "$state/$service.port"
    done
}

# --- commands --------------------------------------------------------------------------------------

up() {
    [[ ${1:---detach} == --detach ]] || die "up takes --detach, and not $1."
    prepare
    require_free_ports
    # A start that fails leaves nothing running that it has started.
    is_running users || is_running numbers || trap stop_all EXIT
    use_database
    provision
    migrate_all
    make_admin_accounts
    local service
    for service in "${services[@]}"; do start_service "$service"; done
    wait_until_ready
    greet
    { exec 9>&-; } 2>/dev/null
    if [ "${1:-}" = --detach ]; then
        trap - EXIT
        return
    fi
    trap stop_all EXIT
    trap 'exit 0' INT TERM HUP
    follow_logs &
    while is_running users && is_running numbers; do sleep 0.5; done
    die "A service ended by itself; its log is in $state/logs."
}

greet() {
    local users numbers
    users=$(port_of users)
    numbers=$(port_of numbers)
    cat <<TEXT

User service            http://localhost:$users     admin: /admin/  API docs: /docs
Random number service   http://localhost:$numbers     admin: /admin/  API docs: /docs
The admin's password is in $state/secrets/admin

curl --request GET  --url http://localhost:$users/users
curl --request POST --url http://localhost:$users/users \\
     --header 'Content-Type: application/json' --data '{"name":"ankur"}'
curl --request GET  --url http://localhost:$numbers/get-saved-numbers
curl --request POST --url http://localhost:$numbers/generate-random-number \\
     --header 'Content-Type: application/json' --data '{"user":"ankur"}'

TEXT
}

# Each line is marked with its service.
follow_logs() {
    [ -f "$state/logs/numbers.log" ] || die "There are no logs yet: nothing has been started."
    # In the place of this shell, whose end it would not notice.
    exec "$python" - "$state/logs" "${services[@]}" <<'PYTHON'
import os, signal, sys, time
signal.signal(signal.SIGINT, signal.SIG_DFL)
folder, *names = sys.argv[1:]
files = {name: open(f"{folder}/{name}.log", errors="replace") for name in names}
parent = os.getppid()
while os.getppid() == parent:
    quiet = True
    for name, file in files.items():
        for line in file:
            quiet = False
            print(f"{name:7} | {line}", end="", flush=True)
    if quiet:
        time.sleep(0.1)
PYTHON
}

status() {
    local service all=0
    for service in "${services[@]}"; do
        if is_running "$service"; then
            echo "$service: running on http://localhost:$(port_of "$service"), process $(pid_of "$service")"
        else
            echo "$service: stopped"
            all=3
        fi
    done
    if [ -z "${DB_HOST:-}" ] && [ -x "$python" ]; then
        echo "postgres: $("$python" "$root/local_postgres.py" status "$state")"
    fi
    return $all
}

stop_all() {
    stop_services
    if [ -x "$python" ] && [ -d "$state" ]; then
        "$python" "$root/local_postgres.py" stop "$state"
    fi
}

down() {
    [[ ${1:---purge} == --purge ]] || die "down takes --purge, and not $1."
    if [ "${1:-}" = --purge ] && [ "${2:-}" != --yes ]; then
        local answer
        read -r -p "Stop all, and remove all data in $state? [y/N] " answer || true
        [[ $answer == [yY]* ]] || die "Nothing was stopped or removed."
    fi
    stop_all
    [ "${1:-}" != --purge ] || purge
}

purge() {
    [ -d "$state" ] || return 0
    "$python" "$root/local_postgres.py" purge "$state"
    # By their names: STATE_DIR may be a folder with other things in it.
    (cd "$state" && rm -rf secrets logs pytest lock admin_made_in ./*.pid ./*.port postgres_home postgres.lock)
    rmdir "$state" 2>/dev/null || echo "$state holds other files too, and was left."
}

# A word for manage.py needs the database; one that was not running is stopped again.
manage_both() {
    prepare
    is_running users || is_running numbers || trap stop_all EXIT
    use_database
    local service
    for service in "${services[@]}"; do
        echo "--- $service"
        manage "$service" "$@"
    done
}

# --- tests -----------------------------------------------------------------------------------------

in_project() {
    local service=$1
    shift
    (
        service_environment "$service"
        cd "$root"
        "$dev/python" -m "$@"
    )
}

# Tests have a database of their own, and leave nothing behind. Their tools are apart from what the
# services run with.
prepare_tests() {
    unset "${!DB_@}" "${!USERS_@}" "${!NUMBERS_@}"
    state=$(mktemp -d)
    trap 'stop_all; purge' EXIT
    prepare
    make_venv .venv-dev requirements-dev.txt
    cd "$root"
}

test_images() {
    prepare_tests
    use_database
    PYTHON=$dev/python tests/images/run.sh
}

test_cluster() {
    prepare_tests
    PYTHON=$dev/python tests/cluster/run.sh "$@"
}

test_all() {
    prepare_tests
    export DB_NAME=test_random
    "$dev/python" -m ruff check
    "$dev/python" -m ruff format --check
    "$dev/shellcheck" manage_all.sh .ci/run tests/images/run.sh tests/cluster/run.sh
    "$dev/python" -c 'from importlinter.cli import lint_imports_command as run; run()'
    use_database
    provision
    migrate_all
    local service
    for service in "${services[@]}"; do
        in_project "$service" mypy common "${service}_project"
        manage "$service" makemigrations --check --dry-run
        manage "$service" spectacular --validate --fail-on-warn --file /dev/null
    done
    export PYTEST_ADDOPTS="--basetemp='$state/pytest'"
    SECURE_SSL_REDIRECT=false in_project users pytest tests/common tests/users
    SECURE_SSL_REDIRECT=false in_project numbers pytest tests/numbers
    "$dev/python" -m pytest -p no:django tests/chart
    "$dev/python" -m pytest -p no:django tests/contract tests/plain tests/front_script tests/browser
}

# --- measurements ----------------------------------------------------------------------------------

bench() {
    command -v wrk >/dev/null ||
        die "wrk is missing, which makes the load. On Debian and Ubuntu: apt install wrk"
    [ -d /proc/self ] || die "bench reads times and memory from /proc, which only Linux has."
    unset "${!DB_@}" "${!USERS_@}" "${!NUMBERS_@}" "${!WEB_@}"
    prepare
    make_venv .venv-bench tests/load/peers/requirements.txt
    { exec 9>&-; } 2>/dev/null
    cd "$root"
    STATE_DIR=$state exec "$python" -m tests.load.bench "$@"
}

case "${1:-help}" in
up | status | down)
    "$@"
    ;;
logs) follow_logs ;;
test) test_all ;;
bench)
    shift
    bench "$@"
    ;;
test-images) test_images ;;
test-cluster)
    shift
    test_cluster "$@"
    ;;
help | -h | --help) help ;;
*) manage_both "$@" ;;
esac
