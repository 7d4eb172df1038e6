#!/bin/sh
# Brings a running installation to the images that docker-compose.yml now names, without an outage:
#   deploy/compose/upgrade.sh [--no-build] [docker compose's options, such as -f or --project-name]
# Migrates first, while the old replicas go on; a migration that takes long or fails changes nothing for them. Then one replica
# after another: a new one starts, and when it is healthy an old one is told to end, which finishes what it has.
# The order is that of the calls: services, then the gateway. PostgreSQL, RabbitMQ and the edge are left alone; at the end
# those that differ from docker-compose.yml are named, since replacing them interrupts calls for seconds.
set -eu
cd "$(dirname "$0")/../.."
build=yes
[ "${1:-}" != --no-build ] || { build=no; shift; }
compose() { docker compose "$@"; }
say() { echo "$(date -u +%H:%M:%S) $*"; }
wait_seconds=${UPGRADE_WAIT_SECONDS:-180} # for a new replica to become healthy

replicas() { compose "$@" ps --quiet --status running "$service"; }

state() { docker inspect --format '{{if .State.Health}}{{.State.Health.Status}}{{else}}{{.State.Status}}{{end}}' "$1"; }

# Starts one replica more and waits until it is healthy; prints its id. Ends it again if it does not become healthy.
start_one() {
    before=$(replicas "$@")
    count=$(($(echo "$before" | wc -w) + 1))
    compose "$@" up --detach --no-deps --no-recreate --scale "$service=$count" "$service" >&2
    new=$(for id in $(replicas "$@"); do echo "$before" | grep -q "$id" || echo "$id"; done)
    [ -n "$new" ] || { say "$service: no new replica started" >&2; return 1; }
    waited=0
    until [ "$(state "$new")" = healthy ]; do
        if [ "$waited" -ge "$wait_seconds" ] || [ "$(state "$new")" = exited ]; then
            say "$service: the new replica is not healthy after $waited s; its last lines:" >&2
            docker logs --tail 20 "$new" >&2
            docker rm --force "$new" > /dev/null
            return 1
        fi
        sleep 1
        waited=$((waited + 1))
    done
    echo "$new"
}

# Whether a container is what docker-compose.yml says, of the image that has its name now.
is_current() {
    id=$1
    shift
    wanted=$(compose "$@" config --hash "$service" | cut -d ' ' -f 2)
    [ "$(docker inspect --format '{{index .Config.Labels "com.docker.compose.config-hash"}}' "$id")" = "$wanted" ] || return 1
    image=$(docker inspect --format '{{.Config.Image}}' "$id")
    [ "$(docker inspect --format '{{.Image}}' "$id")" = "$(docker image inspect --format '{{.Id}}' "$image")" ]
}

replace() {
    old=$(replicas "$@")
    [ -n "$old" ] || { say "$service: none runs"; return 0; }
    for id in $old; do
        if is_current "$id" "$@"; then
            say "$service: a replica is up to date"
            continue
        fi
        new=$(start_one "$@") || return 1
        # Others learn of the new one from DNS: the edge within a second, the gateway within ten.
        sleep "${UPGRADE_SETTLE_SECONDS:-12}"
        docker stop --time 60 "$id" > /dev/null
        docker rm "$id" > /dev/null
        say "$service: $(echo "$new" | cut -c 1-12) has replaced $(echo "$id" | cut -c 1-12)"
    done
}

if [ $build = yes ]; then
    say "building"
    compose "$@" build --quiet
fi
say "migrating"
compose "$@" run --rm --no-deps migrate || { say "the migration failed: nothing was replaced" >&2; exit 1; }
for service in auth booking calendar notifications gdpr gateway; do
    replace "$@" || { say "stopped at $service: the replicas before it are new, it and those after it are old. Run this again" >&2; exit 1; }
done
for service in postgres rabbitmq edge backup; do
    id=$(replicas "$@")
    [ -n "$id" ] || continue
    is_current "$id" "$@" || say "$service differs from docker-compose.yml: docker compose up --detach --no-deps $service"
done
say "done"
