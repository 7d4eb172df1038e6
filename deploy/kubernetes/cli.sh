#!/bin/sh
# Runs the operator's command in the cluster, with all logins, in a pod that lives as long as the command:
#   NAMESPACE=loctician deploy/kubernetes/cli.sh status
# Exit code: the command's, or 1 when the pod does not start.
set -eu
namespace=${NAMESPACE:-loctician}
name="cli-$(date +%s)-$$"
quoted=""
for argument in "$@"; do
    quoted="$quoted,\"$(printf '%s' "$argument" | sed 's/\\/\\\\/g; s/"/\\"/g')\""
done
terminal=false
if [ -t 0 ]; then terminal=true; fi
container=/spec/template/spec/containers/0
trap 'kubectl -n "$namespace" delete job "$name" --ignore-not-found --wait=false > /dev/null' EXIT
kubectl -n "$namespace" create job "$name" --from=cronjob/cli --dry-run=client -o json |
    kubectl patch --local -f - --type=json -o json -p \
        "[{\"op\":\"add\",\"path\":\"$container/args\",\"value\":[${quoted#,}]},
          {\"op\":\"add\",\"path\":\"$container/stdin\",\"value\":$terminal},
          {\"op\":\"add\",\"path\":\"$container/tty\",\"value\":$terminal}]" |
    kubectl -n "$namespace" create -f - > /dev/null
pod=""
for _ in $(seq 60); do
    pod=$(kubectl -n "$namespace" get pods -l "job-name=$name" -o name)
    if [ -n "$pod" ]; then break; fi
    sleep 1
done
kubectl -n "$namespace" wait --for=jsonpath='{.status.containerStatuses[0].state.running}' "$pod" --timeout=2m > /dev/null 2>&1 || true
if [ "$terminal" = false ] || ! kubectl -n "$namespace" attach -it "$pod"; then
    kubectl -n "$namespace" logs -f "$pod"
fi
kubectl -n "$namespace" wait --for=jsonpath='{.status.containerStatuses[0].state.terminated}' "$pod" --timeout=1m > /dev/null
exit "$(kubectl -n "$namespace" get "$pod" -o jsonpath='{.status.containerStatuses[0].state.terminated.exitCode}')"
