#!/bin/sh
# Backups of Compose's database and of the broker's definitions: docs/backup.md.
#   backup.sh schedule            one each day at BACKUP_AT (UTC), and at once if there is none; after a failure again in an hour
#   backup.sh now                 one now: a dump, and with BACKUP_S3_URL a backup in the object store
#   backup.sh check               exits with 1 unless the last one succeeded within 26 hours
#   backup.sh list                the dumps, oldest first, and what the object store has
#   backup.sh restore NAME        the database as dumped; the one that is there is kept under another name. No service may run
#   backup.sh restore-to TIME     the whole server as it was then, from the object store, into its data folder. It may not run
# PostgreSQL is reached as its programs are told to (PGHOST), as a superuser. Dumps older than BACKUP_KEEP_DAYS are removed.
set -eu
umask 077
dumps=${BACKUPS:-/backups} metrics=${BACKUP_METRICS:-/backup-metrics} database=${BACKUP_DATABASE:-loctician}
rights=${BACKUP_RIGHTS:-/etc/loctician/rights.sql} keep=${BACKUP_KEEP_DAYS:-30} at=${BACKUP_AT:-02:30}
owner=${DATABASE_OWNER:-loctician}
export PGUSER="${PGUSER:-postgres}" PGHOST="${PGHOST:-/var/run/postgresql}"
case $keep in '' | 0 | *[!0-9]*) echo "BACKUP_KEEP_DAYS: a number of days above 0 is needed" >&2; exit 2 ;; esac
case $at in [0-2][0-9]:[0-5][0-9]) ;; *) echo "BACKUP_AT: HH:MM is needed" >&2; exit 2 ;; esac
# shellcheck source=store.sh
[ -z "${BACKUP_S3_URL:-}" ] || . "$(dirname "$0")/store.sh"

say() { echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) $*"; }
all() { find "$dumps" -mindepth 1 -maxdepth 1 -type d ! -name '*.part' -exec basename {} ';' | sort; }
value() { cat "$metrics/$1" 2>/dev/null || echo 0; }
kinds() { if [ -n "${BACKUP_S3_URL:-}" ]; then echo dump store; else echo dump; fi; }

dump() {
    name=$(date -u +%Y%m%dT%H%M%SZ)
    rm -rf "$dumps"/*.part
    part=$dumps/$name.part
    mkdir "$part" || return
    pg_dumpall --roles-only --file "$part/roles.sql" || return
    pg_dump --format custom --exclude-schema service_roles --dbname "$database" --file "$part/loctician.dump" || return
    pg_restore --list "$part/loctician.dump" > /dev/null || return
    if [ -n "${AMQP_MANAGEMENT_URL_FILE:-}" ]; then
        # By standard input: the command line, which others can read, has no password.
        echo "url = \"$(cat "$AMQP_MANAGEMENT_URL_FILE")/api/definitions\"" \
            | curl --config - --silent --show-error --fail --max-time 60 --output "$part/broker.json" || return
    fi
    mv "$part" "$dumps/$name" || return
    find "$dumps" -mindepth 1 -maxdepth 1 -type d -mtime "+$((keep - 1))" ! -name "$name" -exec rm -rf {} +
    say "dumped $name, $(du -sk "$dumps/$name" | cut -f 1) KiB"
}

store() {
    mkdir -p "$PGBACKREST_LOCK_PATH"
    pgbackrest stanza-create || return
    # A full one on Sundays, and where there is none; else what changed since. Old ones are removed with it.
    if [ "$(date -u +%u)" = 7 ]; then type=full; else type="diff"; fi
    pgbackrest --type=$type backup || return
    say "stored a backup in $BACKUP_S3_URL"
}

note() { # note FILE VALUE: for the next runs and for the metrics
    echo "$2" > "$metrics/$1.part" && mv "$metrics/$1.part" "$metrics/$1"
}

write_metrics() (
    umask 022
    {
        echo '# HELP backup_last_success_timestamp_seconds When the last backup succeeded; 0: never.'
        echo '# TYPE backup_last_success_timestamp_seconds gauge'
        for kind in $(kinds); do echo "backup_last_success_timestamp_seconds{kind=\"$kind\"} $(value "success.$kind")"; done
        echo '# HELP backup_failed Whether the last attempt failed.'
        echo '# TYPE backup_failed gauge'
        for kind in $(kinds); do echo "backup_failed{kind=\"$kind\"} $(value "failed.$kind")"; done
        echo '# HELP backup_duration_seconds How long the last attempt took.'
        echo '# TYPE backup_duration_seconds gauge'
        for kind in $(kinds); do echo "backup_duration_seconds{kind=\"$kind\"} $(value "seconds.$kind")"; done
    } > "$metrics/backup.part"
    mv "$metrics/backup.part" "$metrics/backup.prom"
)

now() {
    result=0
    for kind in $(kinds); do
        started=$(date +%s)
        if $kind; then
            note "success.$kind" "$(date +%s)"
            note "failed.$kind" 0
        else
            say "FAILED: the $kind" >&2
            note "failed.$kind" 1
            result=1
        fi
        note "seconds.$kind" $(($(date +%s) - started))
    done
    write_metrics
    return $result
}

check() {
    for kind in $(kinds); do
        if [ "$(value "failed.$kind")" != 0 ] || [ $(($(date +%s) - $(value "success.$kind"))) -gt 93600 ]; then
            echo "the $kind: none within 26 hours, or the last one failed" >&2
            return 1
        fi
    done
}

is_due() {
    hours=${at%:*} minutes=${at#*:} time=$(date +%s)
    offset=$((${hours#0} * 3600 + ${minutes#0} * 60))
    slot=$(((time - offset) / 86400 * 86400 + offset))
    for kind in $(kinds); do
        if [ "$(value "success.$kind")" -lt "$slot" ] && [ $((time - attempted)) -ge 3600 ]; then return 0; fi
    done
    return 1
}

schedule() {
    trap 'exit 0' TERM INT
    attempted=0
    write_metrics
    while true; do
        if is_due; then
            attempted=$(date +%s)
            now || true
        fi
        sleep 20 & wait $!
    done
}

restore() {
    [ "$1" != newest ] || set -- "$(all | tail -n 1)"
    source=$dumps/$1
    [ -s "$source/loctician.dump" ] || { echo "no dump $1: see backup.sh list" >&2; exit 2; }
    started=$(date +%s)
    others=$(psql -d postgres -Atc "SELECT count(*) FROM pg_stat_activity WHERE datname = '$database'")
    [ "$others" = 0 ] || { echo "$others connections are open: stop the services first" >&2; exit 1; }
    if [ -n "$(psql -d postgres -Atc "SELECT 1 FROM pg_database WHERE datname = '$database'")" ]; then
        kept=${database}_before_$(date -u +%Y%m%d%H%M%S)
        psql -q -v ON_ERROR_STOP=1 -d postgres -c "ALTER DATABASE $database RENAME TO $kept"
        say "what was there is now the database $kept"
    fi
    psql -q -v ON_ERROR_STOP=1 -d postgres -c "CREATE DATABASE $database OWNER $owner"
    psql -q -v ON_ERROR_STOP=1 -d "$database" -f "$rights"
    roles=$(grep "^CREATE ROLE ${owner}_" "$source/roles.sql" || true)
    for role in $(echo "$roles" | sed 's/CREATE ROLE \([a-z0-9_]*\);/\1/'); do
        psql -d postgres -Atc "SELECT 1 FROM pg_roles WHERE rolname = '$role'" | grep -q 1 \
            || psql -q -v ON_ERROR_STOP=1 -d postgres -c "CREATE ROLE $role"
    done
    grep "^ALTER ROLE ${owner}_" "$source/roles.sql" | psql -q -v ON_ERROR_STOP=1 -d postgres -f -
    pg_restore --exit-on-error --jobs 2 --dbname "$database" "$source/loctician.dump"
    psql -q -d "$database" -c ANALYZE
    say "restored $1 in $(($(date +%s) - started)) s"
}

restore_to() {
    [ -n "${BACKUP_S3_URL:-}" ] || { echo "BACKUP_S3_URL is not set" >&2; exit 2; }
    mkdir -p "$PGBACKREST_LOCK_PATH"
    pgbackrest --delta --type=time --target="$1" --target-action=promote restore
    say "restored the files; start PostgreSQL, which replays the archive up to $1"
}

case ${1:-} in
    schedule | now | check) "$1" ;;
    list)
        all
        [ -z "${BACKUP_S3_URL:-}" ] || pgbackrest info
        ;;
    restore) restore "${2:?the name of a dump, or newest}" ;;
    restore-to) restore_to "${2:?a time, such as 2026-11-24 14:05:00+01}" ;;
    *) sed -n '2,/^set/{/^#/p}' "$0" >&2; exit 2 ;;
esac
