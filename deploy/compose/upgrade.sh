#!/bin/sh
# Brings a running installation to the images that docker-compose.yml now names, one replica at a time:
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

label() { docker inspect --format '{{index .Config.Labels "com.docker.compose.config-hash"}} {{.Image}}' "$1"; }

state() { docker inspect --format '{{if .State.Health}}{{.State.Health.Status}}{{else}}{{.State.Status}}{{end}}' "$1"; }

# Makes one replica more as docker-compose.yml says, without starting it; prints its id.
make_one() {
    before=$(compose "$@" ps --all --quiet "$service")
    count=$(($(echo "$before" | wc -w) + 1))
    compose "$@" up --no-start --no-deps --no-recreate --no-build --scale "$service=$count" "$service" >&2
    for id in $(compose "$@" ps --all --quiet "$service"); do echo "$before" | grep -q "$id" || echo "$id"; done
}

# Starts a replica and waits until it is healthy. Removes it if it does not become so.
start() {
    docker start "$1" > /dev/null
    waited=0
    until [ "$(state "$1")" = healthy ]; do
        if [ "$waited" -ge "$wait_seconds" ] || ! docker inspect --format '{{.State.Running}}' "$1" | grep -q true; then
            say "$service: the new replica is not healthy after $waited s; its last lines:" >&2
            docker logs --tail 20 "$1" >&2
            docker rm --force "$1" > /dev/null
            return 1
        fi
        sleep 1
        waited=$((waited + 1))
    done
}

replace() {
    old=$(replicas "$@")
    [ -n "$old" ] || { say "$service: none runs"; return 0; }
    for id in $old; do
        new=$(make_one "$@")
        [ -n "$new" ] || { say "$service: no new replica could be made" >&2; return 1; }
        if [ "$(label "$id")" = "$(label "$new")" ]; then
            docker rm "$new" > /dev/null
            say "$service: a replica is up to date"
            continue
        fi
        start "$new" || return 1
        # Others learn of the new one from DNS: the edge within a second, the gateways within ten.
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
    for id in $(replicas "$@"); do
        new=$(make_one "$@" 2> /dev/null) || new=
        [ -n "$new" ] || continue
        [ "$(label "$id")" = "$(label "$new")" ] \
            || say "$service differs from docker-compose.yml: docker compose up --detach --no-deps $service"
        docker rm "$new" > /dev/null
    done
done
say "done"
