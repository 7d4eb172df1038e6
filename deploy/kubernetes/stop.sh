#!/bin/sh
# Stops every process and keeps it stopped: KEDA would start the workers again by itself. The servers go on.
#   NAMESPACE=loctician deploy/kubernetes/stop.sh
set -eu
namespace=${NAMESPACE:-loctician}
ours=app.kubernetes.io/part-of=loctician

gone() { # waits until no pod has these labels: they have a minute to end
    for _ in $(seq 180); do
        if [ -z "$(kubectl -n "$namespace" get pods -l "$1" -o name)" ]; then return; fi
        sleep 1
    done
    echo "Pods still run after three minutes: kubectl -n $namespace get pods -l $1"
    exit 1
}

# The way in first: nothing new is asked for. A HorizontalPodAutoscaler leaves alone what has no replicas.
kubectl -n "$namespace" scale deployment --replicas=0 -l "$ours,app.kubernetes.io/component=gateway"
gone "$ours,app.kubernetes.io/component=gateway"
kubectl -n "$namespace" annotate scaledobject -l "$ours" --overwrite autoscaling.keda.sh/paused-replicas=0
kubectl -n "$namespace" scale deployment --replicas=0 -l "$ours"
gone "$ours,loctician.example/process=true"
