#!/bin/sh
# Installs an overlay, or brings it to a new release: the servers first, then the migration, then the processes.
#   deploy/kubernetes/install.sh [overlay]   # default: overlays/production beside this file
set -eu
overlay=${1:-$(dirname "$0")/overlays/production}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
kubectl kustomize "$overlay" > "$work/all.yaml"
namespace=$(awk '/^kind: Namespace/ { found = 1 } found && /^  name:/ { print $2; exit }' "$work/all.yaml")

apply() { kubectl apply --server-side --field-manager=loctician --force-conflicts -f "$work/all.yaml" "$@"; }

echo "The servers ..."
apply -l loctician.example/stage=servers
kubectl -n "$namespace" wait --for=condition=Ready clusters.postgresql.cnpg.io/database --timeout=20m
kubectl -n "$namespace" wait --for=condition=AllReplicasReady rabbitmqcluster/broker --timeout=20m

echo "The migration ..."
kubectl -n "$namespace" delete job migrate --ignore-not-found
apply -l loctician.example/stage=migration
until kubectl -n "$namespace" wait --for=condition=complete job/migrate --timeout=10s 2> /dev/null; do
    if kubectl -n "$namespace" wait --for=condition=failed job/migrate --timeout=1s 2> /dev/null; then
        kubectl -n "$namespace" logs job/migrate --tail=20 || true
        echo "The migration failed. The processes are as they were."
        exit 1
    fi
done

echo "The processes ..."
apply -l 'loctician.example/stage notin (servers, migration)'
for deployment in $(kubectl -n "$namespace" get deployments -l app.kubernetes.io/part-of=loctician -o name); do
    kubectl -n "$namespace" rollout status "$deployment" --timeout=15m
done
