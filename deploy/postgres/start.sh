#!/bin/sh
# PostgreSQL with settings that fit the container's memory limit, and with an archive if BACKUP_S3_URL is set.
# Without a limit, or with one above 1 TiB, it takes 2 GiB as the limit. What follows `postgres` on the command line wins.
set -eu
[ "${1:-postgres}" = postgres ] || exec "$@"
[ $# = 0 ] || shift
limit=$(cat "${MEMORY_LIMIT_FILE:-/sys/fs/cgroup/memory.max}" 2>/dev/null || echo max)
case $limit in '' | *[!0-9]*) limit=2147483648 ;; esac
[ "$limit" -le 1099511627776 ] || limit=2147483648
megabytes=$((limit / 1048576))
at_least() { if [ "$1" -gt "$2" ]; then echo "$1"; else echo "$2"; fi; }
settings="shared_buffers=$(at_least $((megabytes / 4)) 32)MB
effective_cache_size=$(at_least $((megabytes * 5 / 8)) 64)MB
work_mem=$(at_least $((megabytes * 2)) 1024)kB
maintenance_work_mem=$(at_least $((megabytes / 16)) 16)MB
autovacuum_work_mem=$(at_least $((megabytes / 32)) 16)MB
random_page_cost=1.1
max_connections=300
log_lock_waits=on
log_parameter_max_length=0
shared_preload_libraries=pg_stat_statements
pg_stat_statements.track_utility=off
idle_in_transaction_session_timeout=60s
archive_timeout=60s"
# Values never stand in a log, nor in pg_stat_statements: utility statements have passwords in them.
if [ -n "${BACKUP_S3_URL:-}" ]; then
    # shellcheck source=store.sh
    . "$(dirname "$0")/store.sh"
    settings="$settings
archive_mode=on
archive_command=pgbackrest archive-push %p"
fi
set -f
IFS='
'
for setting in $settings; do set -- -c "$setting" "$@"; done
unset IFS
exec docker-entrypoint.sh postgres "$@"
