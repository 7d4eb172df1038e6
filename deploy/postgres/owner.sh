#!/bin/sh
# Run once by the PostgreSQL image: the role that owns the database and makes the services' roles, but is no superuser.
set -eu
psql -v ON_ERROR_STOP=1 -v password="$(cat /run/secrets/owner_password)" -U postgres <<'SQL'
CREATE ROLE loctician LOGIN NOSUPERUSER CREATEDB CREATEROLE PASSWORD :'password';
CREATE DATABASE loctician OWNER loctician;
SQL
