#!/bin/bash
# Every process in one container: the gateway on LISTEN_PORT (8000), the services on 127.0.0.1, ports 8001 to 8005, where the gateway's defaults
# look for them. When one ends, the others are told to end, and the container ends with that one's code, or with 1.
# A process takes its secrets from the file /run/secrets/<service> where it is there. With SECRET_KEY, as in development, it migrates first; in
# production Compose's container `migrate` has done it, and SECRET_KEY is not here.
set -u
secrets=${SECRETS_FOLDER:-/run/secrets}
stop() { trap '' TERM INT; kill -TERM $(jobs -p) 2>/dev/null; }

run() { # run SERVICE HOST PORT; in the background, where exec makes the program the job that gets the signals
    if [ -e "$secrets/$1" ]; then export SECRETS_FILE="$secrets/$1"; fi
    SERVICE=$1 LISTEN_HOST=$2 LISTEN_PORT=$3 exec start
}

if [ -n "${SECRET_KEY:-}" ]; then python -m cli.main migrate || exit; fi
trap stop TERM INT
port=${SERVICES_PORT:-8001}
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
