#!/bin/bash
# Every process in one container, after the migration: the gateway on LISTEN_PORT (8000), the services on 127.0.0.1, ports 8001 to 8005, where the
# gateway's defaults look for them. When one ends, the others are told to end and the container ends with that one's code, or with 1.
# What the migration and the services are given: SECRET_KEY and the operator's addresses in development; in production files as Compose mounts
# them: /run/secrets/secret_key, owner_database_url, amqp_url, amqp_management_url for the migration, /run/secrets/<service> for a service.
set -u
secrets=${SECRETS_FOLDER:-/run/secrets}
stop() { trap '' TERM INT; kill -TERM $(jobs -p) 2>/dev/null; }

migrate() (
    for name in SECRET_KEY SECRET_KEY_PREVIOUS DATABASE_URL AMQP_URL AMQP_MANAGEMENT_URL; do
        file=$secrets/$(echo "$name" | tr '[:upper:]' '[:lower:]')
        [ "$name" = DATABASE_URL ] && file=$secrets/owner_database_url
        if [ -e "$file" ]; then unset "$name"; export "${name}_FILE=$file"; fi
    done
    exec python -m cli.main migrate
)

run() ( # run SERVICE HOST PORT
    if [ -e "$secrets/$1" ]; then export SECRETS_FILE="$secrets/$1"; fi
    SERVICE=$1 LISTEN_HOST=$2 LISTEN_PORT=$3 exec start
)

migrate || exit
trap stop TERM INT
port=8001
for service in auth booking calendar notifications gdpr; do
    run "$service" 127.0.0.1 $port &
    port=$((port + 1))
done
run gateway "${LISTEN_HOST:-0.0.0.0}" "${LISTEN_PORT:-8000}" &
wait -n
code=$?
stop
wait
[ $code = 0 ] && code=1
exit $code
