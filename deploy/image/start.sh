#!/bin/sh
# The image's program, chosen by SERVICE; exec makes it the process that gets the signals.
set -eu
host=${LISTEN_HOST:-0.0.0.0} port=${LISTEN_PORT:-8000}
case ${SERVICE:?names no program: give it when the image is built, or in the environment} in
    gateway) exec python -m gateway --host "$host" --port "$port" ;;
    cli) exec python -m cli.main "$@" ;;
    all) exec start-all ;;
    # FORWARDED_ALLOW_IPS are the gateway's addresses: what these say of the caller's address is believed. Calls that run when it is told to end have
    # 20 s, then the consumer 10 s for the messages it has: whoever stops it waits longer than both.
    *) exec uvicorn --factory "services.$SERVICE.main:create" --host "$host" --port "$port" --no-access-log \
        --no-server-header --forwarded-allow-ips "${FORWARDED_ALLOW_IPS:-127.0.0.1}" --timeout-graceful-shutdown 20 ;;
esac
