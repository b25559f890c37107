#!/usr/bin/env -S bash -p --
#
# Builds all images, runs them as the chart does (read-only root, non-root uid, no capabilities)
# with the PostgreSQL at DB_PORT of this machine, and runs the contract tests against them.
# `./manage_all.sh test-images` calls it with a running database; PYTHON is the interpreter.
#
# It builds with docker or podman. PYTHON_IMAGE replaces the Dockerfile's base image; if that cannot
# be pulled, debootstrap makes one of Debian packages, for which it needs root.

set -euo pipefail
cd "$(dirname "$0")/../.."

log=$(mktemp -d)

skip() {
    echo "test-images: skipped: $*"
    exit 0
}

die() {
    echo "test-images: $*" >&2
    exit 1
}

# --- the engine and the base image ----------------------------------------------------------------

build_options=()
run_options=()

find_engine() {
    if docker info >/dev/null 2>&1; then
        engine=(docker)
    elif podman --cgroup-manager=cgroupfs info >/dev/null 2>&1; then
        # With these options podman needs no systemd, no cgroup of its own and no raised limits.
        engine=(podman --cgroup-manager=cgroupfs)
        build_options=(--isolation chroot --network host)
        build_options+=(--ulimit nofile=1024:1024 --ulimit nproc=1024:1024)
        run_options=(--ulimit nofile=1024:1024 --ulimit nproc=1024:1024 --read-only-tmpfs=false)
        if command -v runc >/dev/null; then engine+=(--runtime "$(command -v runc)"); fi
        # The build reaches the package index with this machine's pip configuration and CAs.
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
            skip "$wanted cannot be pulled, and a stand-in needs root and debootstrap."
        make_stand_in || die "The stand-in for $wanted could not be made."
    fi
    echo "test-images: $wanted cannot be pulled; using $base, made of Debian packages, instead."
}

make_stand_in() {
    debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates \
        bookworm "$log/base" http://deb.debian.org/debian >"$log/debootstrap"
    rm -rf "$log/base/var/cache/apt/archives" "$log/base/var/lib/apt/lists"
    tar -C "$log/base" -c . | "${engine[@]}" import - "$base" >"$log/import" 2>&1
}

# A checkout under umask 077: its modes must not decide what the images' account can read.
copy_context() {
    mkdir "$log/context"
    (umask 077 && cp -R Dockerfile .dockerignore requirements.txt common ./*_project "$log/context")
}

build() {
    "${engine[@]}" build "${build_options[@]}" --build-arg "PYTHON_IMAGE=$base" \
        --target "$1" --tag "$1:test" "$log/context" >"$log/build" 2>&1 || {
        tail -n 20 "$log/build" >&2
        die "The image $1 could not be built."
    }
    local size
    size=$("${engine[@]}" image inspect --format '{{.Size}}' "$1:test")
    echo "test-images: $1 built, $((size / 1000000)) MB."
}

# --- the tests ------------------------------------------------------------------------------------

free_port() {
    "$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

trap 'rm -rf "$log"' EXIT
find_engine
"$PYTHON" -c 'from tests.chart.helm import programs as p; p()[4]' 2>/dev/null ||
    skip "Helm is not on the PATH and cannot be downloaded, and the chart defines how to run the images."
find_base
echo "test-images: building and running with ${engine[0]} $("${engine[@]}" version --format '{{.Client.Version}}')"
copy_context
targets=$(sed -n 's/^FROM runtime AS //p' Dockerfile)
for target in $targets; do build "$target"; done

export ENGINE="${engine[*]}" RUN_OPTIONS="${run_options[*]}"
export DB_ADMIN_PASSWORD=${DB_ADMIN_PASSWORD:-$(cat "$DB_ADMIN_PASSWORD_FILE")}
prefixes=$("$PYTHON" -c 'from common.services import SERVICES as s; print(*(one.prefix for one in s))')
for prefix in $prefixes; do export "${prefix}_URL=http://127.0.0.1:$(free_port)"; done
"$PYTHON" -m pytest -p no:django tests/images tests/contract
