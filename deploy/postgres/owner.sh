#!/bin/sh
# Run once by the PostgreSQL image: the role that owns the database, and may nothing else on the server (rights.sql).
# DATABASE_OWNER: its name, with which the names of the services' roles begin; default: loctician.
set -eu
psql -v ON_ERROR_STOP=1 -v owner="${DATABASE_OWNER:-loctician}" -v password="$(cat /run/secrets/owner_password)" \
    -v monitor="$(cat /run/secrets/monitor_password)" -U postgres <<'SQL'
CREATE ROLE :"owner" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';
CREATE DATABASE loctician OWNER :"owner";
REVOKE CONNECT, TEMPORARY ON DATABASE postgres, template1 FROM PUBLIC;
CREATE EXTENSION pg_stat_statements;
CREATE ROLE monitor LOGIN CONNECTION LIMIT 5 PASSWORD :'monitor';
GRANT pg_monitor TO monitor;
GRANT CONNECT ON DATABASE postgres TO monitor;
SQL
psql -v ON_ERROR_STOP=1 -U postgres -d loctician -f /etc/loctician/rights.sql
