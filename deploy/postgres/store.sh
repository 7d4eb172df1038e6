# Sourced: pgBackRest's settings from BACKUP_S3_URL, https://HOST[:PORT]/BUCKET[/FOLDER]. Any other is set as pgBackRest
# itself names it, PGBACKREST_*. The two keys and the passphrase come by file.
address=${BACKUP_S3_URL#https://}
[ "$address" != "$BACKUP_S3_URL" ] || { echo "BACKUP_S3_URL: https://HOST/BUCKET[/FOLDER] is needed" >&2; exit 2; }
endpoint=${address%%/*} path=${address#*/}
bucket=${path%%/*} folder=${path#"$bucket"}
case $endpoint/$bucket in
    "$address"/* | /* | */) echo "BACKUP_S3_URL: https://HOST/BUCKET[/FOLDER] is needed" >&2; exit 2 ;;
esac
from_file() { # from_file SETTING FILE
    [ -s "$2" ] || { echo "$1: the file $2 is missing or empty" >&2; exit 2; }
    cat "$2"
}
secrets=${BACKUP_SECRETS:-/run/secrets}
PGBACKREST_REPO1_S3_KEY=$(from_file backup_s3_key "$secrets/backup_s3_key")
PGBACKREST_REPO1_S3_KEY_SECRET=$(from_file backup_s3_secret "$secrets/backup_s3_secret")
PGBACKREST_REPO1_CIPHER_PASS=$(from_file backup_passphrase "$secrets/backup_passphrase")
export PGBACKREST_REPO1_S3_KEY PGBACKREST_REPO1_S3_KEY_SECRET PGBACKREST_REPO1_CIPHER_PASS
export PGBACKREST_STANZA=loctician PGBACKREST_PG1_PATH="${PGDATA:-/var/lib/postgresql/data}" \
    PGBACKREST_PG1_USER=postgres PGBACKREST_PG1_SOCKET_PATH="${PGHOST:-/var/run/postgresql}" \
    PGBACKREST_REPO1_TYPE=s3 PGBACKREST_REPO1_S3_ENDPOINT="$endpoint" PGBACKREST_REPO1_S3_BUCKET="$bucket" \
    PGBACKREST_REPO1_PATH="${folder%/}/loctician" PGBACKREST_REPO1_S3_URI_STYLE=path \
    PGBACKREST_REPO1_S3_REGION="${BACKUP_S3_REGION:-us-east-1}" PGBACKREST_REPO1_CIPHER_TYPE=aes-256-cbc \
    PGBACKREST_REPO1_RETENTION_FULL_TYPE=time PGBACKREST_REPO1_RETENTION_FULL="${BACKUP_KEEP_DAYS:-30}" \
    PGBACKREST_LOG_PATH=/tmp PGBACKREST_LOG_LEVEL_FILE=off PGBACKREST_LOG_LEVEL_STDERR=off \
    PGBACKREST_LOG_LEVEL_CONSOLE=warn PGBACKREST_LOCK_PATH="${PGBACKREST_LOCK_PATH:-/tmp/pgbackrest}" \
    PGBACKREST_START_FAST=y
