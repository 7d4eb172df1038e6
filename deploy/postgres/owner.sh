#!/bin/sh
# Run once by the PostgreSQL image: the role that owns the database, and may nothing else on the server (rights.sql).
set -eu
psql -v ON_ERROR_STOP=1 -v password="$(cat /run/secrets/owner_password)" -U postgres <<'SQL'
CREATE ROLE loctician LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';
CREATE DATABASE loctician OWNER loctician;
REVOKE CONNECT, TEMPORARY ON DATABASE postgres, template1 FROM PUBLIC;
CREATE EXTENSION pg_stat_statements;
SQL
psql -v ON_ERROR_STOP=1 -U postgres -d loctician -f /etc/loctician/rights.sql
