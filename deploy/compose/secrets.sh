#!/bin/sh
# Makes what docker-compose.yml hands over as secrets, one file each: deploy/compose/secrets.sh [folder]. What is there already stays,
# but what follows from secret_key (a folder for each service) is written again.
# The folder is closed to others; the files are readable, since the containers run as users the host does not know.
set -eu
folder=${1:-.secrets}
mkdir -p "$folder" && chmod 700 "$folder"
umask 022
random() { openssl rand -hex 32; }
keep() { [ -s "$folder/$1" ] || cat > "$folder/$1"; }

random | keep secret_key
random | keep postgres_password
random | keep owner_password
random | keep rabbitmq_password
random | keep monitor_password
random | keep grafana_password
random | keep backup_passphrase
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 2>/dev/null | keep jwt_private_key
owner=$(cat "$folder/owner_password") broker=$(cat "$folder/rabbitmq_password")
echo "postgresql://loctician:$owner@postgres:5432/loctician" | keep owner_database_url
echo "amqp://loctician:$broker@rabbitmq:5672/" | keep amqp_url
echo "http://loctician:$broker@rabbitmq:15672" | keep amqp_management_url
printf 'default_user = loctician\ndefault_pass = %s\n' "$broker" | keep rabbitmq.conf
# Yours to fill in: a mail server is needed, the others may stay empty.
for yours in smtp_url sms_api_key instagram_access_token audit_anchor_token secret_key_previous backup_s3_key backup_s3_secret; do [ -e "$folder/$yours" ] || : > "$folder/$yours"; done
# The secrets and logins of each service, by `loctician secrets`: as LOCTICIAN names it, or in a container.
if [ -n "${LOCTICIAN:-}" ]; then
    set -- $LOCTICIAN secrets "$folder"
else
    docker build --quiet --tag loctician/cli --file deploy/Dockerfile --build-arg SERVICE=cli . > /dev/null
    set -- docker run --rm --network none --user "$(id -u):$(id -g)" --volume "$(cd "$folder" && pwd):/secrets" loctician/cli secrets /secrets
fi
"$@" --database-url postgresql://postgres:5432/loctician --amqp-url amqp://rabbitmq:5672/
