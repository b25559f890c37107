#!/usr/bin/env bash
#
# Asks the API server whether it accepts what each file of helm/random/ci makes. Then installs the
# chart with the bundled database, in a namespace of its own that enforces restricted Pod Security,
# and tells its whole story: helm test, the contract tests, a rolling upgrade and scaling under load,
# a rollback, pods that are killed, an upgrade that changes nothing, and what an uninstall leaves.
# `./manage_all.sh test-cluster` calls it; PYTHON names its Python.
#
# The images have to be where the nodes find them: on kind and minikube this script loads those that
# are called user_service and random_service. HELM_OPTIONS names others, for example
# HELM_OPTIONS="--set users.image.repository=…,numbers.image.repository=…".
# A cluster that is not on this machine is touched only after a yes, or with --yes.

set -euo pipefail
cd "$(dirname "$0")/../.."

release=app
operators='cnpg\.io\|gateway\.networking\.k8s\.io\|envoyproxy\.io\|coreos\.com'
namespace=random-test-$RANDOM
log=$(mktemp -d)
read -r -a options <<<"${HELM_OPTIONS:-}"

skip() {
    echo "test-cluster: skipped: $*"
    exit 0
}

die() {
    echo "test-cluster: $*" >&2
    exit 1
}

say() {
    echo "test-cluster: $*"
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
        skip "Helm is neither on the PATH nor to be had from a package index."
    context=$(kubectl config current-context 2>/dev/null) || skip "kubectl has no current context."
    kubectl --context "$context" version >/dev/null 2>&1 || skip "the cluster $context does not answer."
}

is_local() {
    local server
    server=$(kubectl config view --minify --context "$context" --output 'jsonpath={.clusters[0].cluster.server}')
    [[ $server =~ ^https?://(127\.|localhost[:/]|\[::1\]|0\.0\.0\.0) ]] || [ "$context" = minikube ]
}

ask() {
    is_local || [ "${1:-}" = --yes ] && return
    local answer
    read -r -p "$context is not on this machine. Make and remove the namespace $namespace there? [y/N] " answer
    [[ $answer == [yY]* ]] || die "Nothing was done."
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

# --- the story --------------------------------------------------------------------------------------

dry_run() {
    local file
    for file in helm/random/ci/*.yaml; do
        h template --no-hooks --values "$file" "$release" helm/random |
            k apply --dry-run=server --validate=strict --filename - >/dev/null 2>"$log/refused" ||
            true # What it refused is looked through below.
        # A cluster knows the kinds of the operators that it has.
        if grep -v -e "no matches for kind .* in version \"[a-z.]*\($operators\)/" \
            -e 'ensure CRDs are installed first' "$log/refused" >&2; then
            die "The API server does not accept what $file makes."
        fi
    done
    say "the API server accepts what the files of helm/random/ci make."
}

install() {
    # Without --reset-values an upgrade without values takes over those of the last one.
    h upgrade --install --reset-values --wait --timeout 5m "${options[@]}" "$@" "$release" helm/random >"$log/helm" ||
        die "$(cat "$log/helm")"
}

run_helm_test() {
    h test "$release" --logs --timeout 2m >"$log/helm" || die "$(cat "$log/helm")"
}

# A port of this machine that leads to a service; kubectl says which it took.
forward() {
    k port-forward "service/$release-$1" :80 >"$log/$1" &
    local end=$((SECONDS + 30))
    until grep -q '^Forwarding' "$log/$1"; do
        [ "$SECONDS" -lt "$end" ] || die "The port of $1 was not forwarded."
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

# The release's own test pod, with another script: it has the labels that the NetworkPolicies let in.
start_load() {
    k delete pod load --ignore-not-found >/dev/null
    h get hooks "$release" | "$PYTHON" -c '
import json, pathlib, sys, yaml
pod = next(found for found in yaml.safe_load_all(sys.stdin) if found and found["kind"] == "Pod")
pod["metadata"] = {"name": "load", "labels": pod["metadata"]["labels"]}
container = pod["spec"]["containers"][0]
container["command"] = ["python", "-c", pathlib.Path("tests/cluster/load.py").read_text()]
container["env"].append({"name": "SECONDS", "value": sys.argv[1]})
json.dump(pod, sys.stdout)' "$1" | k apply --filename - >/dev/null
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
        say "a killed pod of $component was replaced."
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
    # The pods of Deployments end after their Deployment; the one of helm test stays.
    k wait --for=delete --timeout 90s pod \
        --selector 'app.kubernetes.io/component in (users, numbers, postgresql, provision)' >/dev/null
    [ -z "$(k get deployments,statefulsets,jobs,services --output name)" ] ||
        die "The uninstall left a part of the release."
}

# Without their database the services answer 503, and heal when its name leads to the new pod.
wait_until_healed() {
    local end=$((SECONDS + 60))
    until h test "$release" --timeout 1m >"$log/helm" 2>&1; do
        [ "$SECONDS" -lt "$end" ] || die "$(cat "$log/helm")"
    done
}

# What an upgrade that changes nothing leaves as it is.
state_of_release() {
    k get secrets --selector "app.kubernetes.io/instance=$release" --output 'jsonpath={.items[*].data}' | cksum
    k get replicasets,jobs --output name
}

find_cluster
ask "$@"
load_images
make_namespace
dry_run

start=$SECONDS
install
say "ready $((SECONDS - start)) seconds after the install began."
[ $((SECONDS - start)) -le 90 ] || die "That is more than 90 seconds."
run_helm_test
contract

start_load 90
install --set users.podAnnotations.rolled=once
install --set users.podAnnotations.rolled=once,numbers.podAnnotations.rolled=once
end_load "a rolling upgrade of each service"

start_load 90
new_password
end_load "a new password of a service's role"

h rollback "$release" --wait --timeout 5m >/dev/null
run_helm_test
say "a rollback gave the old password back."

start_load 90
install --set defaults.autoscaling.enabled=false,defaults.replicas=3
install --set defaults.autoscaling.enabled=false,defaults.replicas=2
end_load "scaling up and down"

install
kill_pods

k wait --for=condition=complete --timeout 60s job --all >/dev/null
before=$(state_of_release)
install
[ "$(state_of_release)" = "$before" ] || die "An upgrade that changes nothing changed pods or Secrets."

uninstall
[ -n "$(k get persistentvolumeclaims --output name)" ] || die "The uninstall took the data."
install
run_helm_test
say "an install after the uninstall went on with the data that was left."

uninstall
k delete pod,persistentvolumeclaim,secret --selector "app.kubernetes.io/instance=$release" >/dev/null
[ -z "$(k get all,persistentvolumeclaims,secrets --output name)" ] || die "Something was left for good."
say "all is well on $context."
