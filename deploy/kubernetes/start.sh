#!/bin/sh
# Starts every process again after stop.sh, each with the fewest replicas that its scaling allows.
#   NAMESPACE=loctician deploy/kubernetes/start.sh
set -eu
namespace=${NAMESPACE:-loctician}
ours=app.kubernetes.io/part-of=loctician

kubectl -n "$namespace" annotate scaledobject -l "$ours" autoscaling.keda.sh/paused-replicas-
# KEDA's own autoscalers are not among them: they belong to the ScaledObjects.
{
    kubectl -n "$namespace" get scaledobject -l "$ours" \
        -o jsonpath='{range .items[*]}{.spec.scaleTargetRef.name} {.spec.minReplicaCount}{"\n"}{end}'
    kubectl -n "$namespace" get hpa -l "$ours,app.kubernetes.io/managed-by!=keda-operator" \
        -o jsonpath='{range .items[*]}{.spec.scaleTargetRef.name} {.spec.minReplicas}{"\n"}{end}'
} | while read -r name replicas; do
    kubectl -n "$namespace" scale deployment "$name" --replicas="$replicas"
done
for deployment in $(kubectl -n "$namespace" get deployments -l "$ours" -o name); do
    kubectl -n "$namespace" rollout status "$deployment" --timeout=10m
done
