#!/usr/bin/env bash
#
# Builds both images, runs them as a cluster would (read-only, uid 10001, no capabilities) against
# the PostgreSQL that DB_HOST names, and lets the contract tests run against them.
# `./manage_all.sh test-images` calls it with a database at hand; PYTHON names its Python.
#
# It builds with docker or podman. PYTHON_IMAGE replaces the Dockerfile's base; where that base
# cannot be fetched, one is made of Debian packages by debootstrap, which only root can do.

set -euo pipefail
cd "$(dirname "$0")/../.."

containers=()
log=$(mktemp -d)
hardened=(
    --network host --read-only --tmpfs /tmp --user 10001:10001
    --cap-drop ALL --security-opt no-new-privileges
)

skip() {
    echo "test-images: skipped: $*"
    exit 0
}

die() {
    echo "test-images: $*" >&2
    exit 1
}

clean_up() {
    local container
    for container in "${containers[@]}"; do
        "${engine[@]}" rm --force "$container" >/dev/null
    done
    rm -rf "$log"
}

# --- the engine and the base image ----------------------------------------------------------------

build_options=()
run_options=()

find_engine() {
    if docker info >/dev/null 2>&1; then
        engine=(docker)
    elif podman --cgroup-manager=cgroupfs info >/dev/null 2>&1; then
        # These need neither systemd, nor a cgroup of one's own, nor a raised limit.
        engine=(podman --cgroup-manager=cgroupfs)
        build_options=(--isolation chroot --network host)
        run_options=(--ulimit nofile=1024:1024 --ulimit nproc=1024:1024)
        build_options+=("${run_options[@]}")
        if command -v runc >/dev/null; then engine+=(--runtime "$(command -v runc)"); fi
        # What this machine needs to reach a package index, the build needs too.
        local path
        for path in /etc/pip.conf /etc/ssl/certs; do
            if [ -e "$path" ]; then build_options+=(--volume "$path:$path:ro"); fi
        done
    else
        skip "neither docker nor podman works here."
    fi
}

find_base() {
    base=${PYTHON_IMAGE:-$(sed -n 's/^ARG PYTHON_IMAGE=//p' Dockerfile)}
    "${engine[@]}" image inspect "$base" >/dev/null 2>&1 && return
    "${engine[@]}" pull --quiet "$base" >/dev/null 2>&1 && return
    local wanted=$base
    base=localhost/python-stand-in:bookworm
    if ! "${engine[@]}" image inspect "$base" >/dev/null 2>&1; then
        command -v debootstrap >/dev/null && [ "$(id -u)" = 0 ] ||
            skip "$wanted cannot be fetched, and root with debootstrap is needed to make one like it."
        make_stand_in || die "The stand-in for $wanted was not made."
    fi
    echo "test-images: $wanted cannot be fetched; $base of Debian packages stands in for it."
}

make_stand_in() {
    debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates \
        bookworm "$log/base" http://deb.debian.org/debian >"$log/debootstrap"
    rm -rf "$log/base/var/cache/apt/archives" "$log/base/var/lib/apt/lists"
    tar -C "$log/base" -c . | "${engine[@]}" import - "$base" >/dev/null
}

build() {
    "${engine[@]}" build "${build_options[@]}" --build-arg "PYTHON_IMAGE=$base" \
        --target "$1" --tag "$1:test" . >"$log/build" 2>&1 || {
        tail -n 20 "$log/build" >&2
        die "The image $1 was not built."
    }
    local size
    size=$("${engine[@]}" image inspect --format '{{.Size}}' "$1:test")
    echo "test-images: $1 built, $((size / 1000000)) MB."
}

# --- the containers -------------------------------------------------------------------------------

# Names only: the values come from this script's environment and stay out of the process list.
run() {
    local name names=()
    for name in "${!DB_@}" "${!USERS_DB_@}" "${!NUMBERS_DB_@}" BIND SECRET_KEY SECURE_SSL_REDIRECT; do
        names+=(--env "$name")
    done
    "${engine[@]}" run "${run_options[@]}" "${hardened[@]}" "${names[@]}" "$@"
}

provision() {
    (
        DB_ADMIN_PASSWORD=${DB_ADMIN_PASSWORD:-$(cat "$DB_ADMIN_PASSWORD_FILE")}
        unset DB_ADMIN_PASSWORD_FILE
        export DB_ADMIN_PASSWORD USERS_DB_PASSWORD NUMBERS_DB_PASSWORD
        run --rm user_service:test python -m common.provision
    )
}

migrate() {
    as_service "$2" run --rm "$1:test" python "$2_project/manage.py" migrate --verbosity 0
}

start() {
    local image=$1 service=$2
    containers+=("test-$service")
    BIND=127.0.0.1:$3 as_service "$service" run --detach --name "test-$service" "$image:test" >/dev/null
}

as_service() {
    (
        local password=${1^^}_DB_PASSWORD
        DB_USER=${1}_service DB_PASSWORD=${!password}
        SECRET_KEY=$(random_word) SECURE_SSL_REDIRECT=false
        export DB_USER DB_PASSWORD SECRET_KEY SECURE_SSL_REDIRECT BIND=${BIND:-}
        unset "${!DB_ADMIN_@}" "${!USERS_DB_@}" "${!NUMBERS_DB_@}"
        shift
        "$@"
    )
}

random_word() {
    "$PYTHON" -c 'import secrets; print(secrets.token_urlsafe(40))'
}

free_port() {
    "$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

wait_until_ready() {
    "$PYTHON" - "$1/readyz" <<'PYTHON' && return
import sys, time, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
end = time.monotonic() + 30
while time.monotonic() < end:
    try:
        opener.open(sys.argv[1], timeout=5)
        sys.exit()
    except OSError:
        time.sleep(0.05)
sys.exit(1)
PYTHON
    "${engine[@]}" logs "$2" >&2
    die "$2 did not become ready."
}

# What the image promises, seen from inside its own container.
look_inside() {
    "${engine[@]}" exec -i "test-$1" python - "$1" <<'PYTHON'
import os, pathlib, shutil, sys
app = {path.name for path in pathlib.Path("/app").iterdir()}
assert app == {"common", f"{sys.argv[1]}_project", ".static"}, app
status = pathlib.Path("/proc/1/status").read_text()
assert "CapEff:\t0000000000000000\n" in status, status
assert "Uid:\t10001\t" in status, status
assert b"gunicorn" in pathlib.Path("/proc/1/cmdline").read_bytes(), "PID 1 is not gunicorn"
assert not [tool for tool in ("cc", "gcc", "pip") if shutil.which(tool)]
try:
    pathlib.Path("/app/file").touch()
except OSError:
    sys.exit()
sys.exit("The root file system can be written.")
PYTHON
}

# gunicorn gets the signal itself, and ends by it within the graceful timeout.
stop_in_order() {
    "${engine[@]}" stop --time 30 "test-$1" >/dev/null
    local code
    code=$("${engine[@]}" inspect --format '{{.State.ExitCode}}' "test-$1")
    [ "$code" = 0 ] || die "test-$1 ended with $code when it was asked to stop."
}

trap clean_up EXIT
find_engine
find_base
echo "test-images: built and run by ${engine[0]} $("${engine[@]}" version --format '{{.Client.Version}}')"
build user_service
build random_service

USERS_DB_PASSWORD=$(random_word) NUMBERS_DB_PASSWORD=$(random_word)
provision
migrate user_service users
migrate random_service numbers
users_port=$(free_port) numbers_port=$(free_port)
start user_service users "$users_port"
start random_service numbers "$numbers_port"
export USERS_URL=http://127.0.0.1:$users_port NUMBERS_URL=http://127.0.0.1:$numbers_port
wait_until_ready "$USERS_URL" test-users
wait_until_ready "$NUMBERS_URL" test-numbers
look_inside users
look_inside numbers
"$PYTHON" -m pytest -p no:django tests/contract
stop_in_order users
stop_in_order numbers
