"""What a schema needs before its first revision: extensions, the service's login role, the schema itself."""

from collections.abc import Iterator

from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url

from keys.logins import role_password
from shared.settings import Settings, runtime_role, runtime_url

EXTENSIONS = ("btree_gist", "pg_trgm", "unaccent")
ROLE_OPTIONS = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS"
# Made by deploy/postgres/rights.sql, where the owner has no CREATEROLE.
ENSURE_ROLE = text("SELECT service_roles.ensure(:role, :password)")
CAN_ENSURE_ROLE = text("""
    SELECT coalesce(has_function_privilege(to_regprocedure('service_roles.ensure(text, text)'), 'EXECUTE'), false)
    AND has_schema_privilege(to_regnamespace('service_roles'), 'USAGE')""")
OTHER_ROLE = text("""
    SELECT pg_get_userbyid(grantee) FROM pg_namespace, aclexplode(nspacl)
    WHERE nspname = :schema AND grantee <> nspowner AND pg_get_userbyid(grantee) <> :role
        AND pg_get_userbyid(grantee) LIKE :named""")
IS_CLOSED = text("""
    SELECT has_database_privilege(:role, oid, 'CONNECT') AND NOT EXISTS (
        SELECT FROM aclexplode(coalesce(datacl, acldefault('d', datdba))) WHERE grantee = 0)
    FROM pg_database WHERE datname = current_database()""")
OWNS_DATABASE = "(SELECT pg_has_role(datdba, 'USAGE') FROM pg_database WHERE datname = current_database())"
CLOSE_DATABASE = (
    f"DO $$ BEGIN IF {OWNS_DATABASE} THEN"
    " EXECUTE format('REVOKE CONNECT, TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());"
    " EXECUTE format('GRANT CONNECT ON DATABASE %I TO {role}', current_database()); END IF; END $$"
)


class NotMigratedError(Exception):
    """The migration could not run or did not finish. Nothing is half done: each revision is one transaction."""


def prepare(connection: Connection, service: str, settings: Settings) -> None:
    """Make them where they are missing, and set the role's password. Raises NotMigratedError where the schema is used
    by a role of another prefix."""
    role = runtime_role(service)
    _refuse_other_prefix(connection, service, role)
    for extension in EXTENSIONS:
        connection.execute(text(f"CREATE EXTENSION IF NOT EXISTS {extension} SCHEMA public"))
    _ensure_role(connection, role, _password(settings, service, role))
    _close_database(connection, role)
    connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {service}"))
    connection.execute(text(f"GRANT USAGE ON SCHEMA {service} TO {role}"))
    connection.execute(text("REVOKE CREATE ON SCHEMA public FROM PUBLIC")) if _owns_public(connection) else None


def preparation(service: str) -> Iterator[str]:
    """The same as statements, for offline mode: a role made by them has no password yet."""
    role = runtime_role(service)
    for extension in EXTENSIONS:
        yield f"CREATE EXTENSION IF NOT EXISTS {extension} SCHEMA public"
    missing = f"NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}')"
    yield f"DO $$ BEGIN IF {missing} THEN CREATE ROLE {role} {ROLE_OPTIONS}; END IF; END $$"
    yield CLOSE_DATABASE.format(role=role)
    yield f"CREATE SCHEMA IF NOT EXISTS {service}"
    yield f"GRANT USAGE ON SCHEMA {service} TO {role}"


def _refuse_other_prefix(connection: Connection, service: str, role: str) -> None:
    """A second role would have no rights on the tables, since revisions grant them once."""
    named = f"%\\_{service}"
    other = connection.execute(OTHER_ROLE, {"schema": service, "role": role, "named": named}).scalar()
    if other:
        prefix = str(other).removesuffix(f"_{service}")
        raise NotMigratedError(
            f"the schema {service} is used by the role {other}, not by {role}: set DATABASE_ROLE_PREFIX={prefix}, or"
            f" rename it as the superuser (ALTER ROLE {other} RENAME TO {role})"
        )


def _owns_public(connection: Connection) -> bool:
    statement = "SELECT pg_has_role(nspowner, 'USAGE') FROM pg_namespace WHERE nspname = 'public'"
    return bool(connection.execute(text(statement)).scalar())


def _password(settings: Settings, service: str, role: str) -> str:
    url = make_url(runtime_url(settings, service))
    if url.username == role and url.password:
        return url.password
    return role_password(settings.root_key, role)


def _close_database(connection: Connection, role: str) -> None:
    """Let the service connect and nobody unnamed; no service makes temporary tables. Left alone where another role
    than the migration's owns the database."""
    if not connection.execute(IS_CLOSED, {"role": role}).scalar():
        connection.exec_driver_sql(CLOSE_DATABASE.format(role=role))


def _ensure_role(connection: Connection, role: str, password: str) -> None:
    if connection.execute(CAN_ENSURE_ROLE).scalar():
        connection.execute(ENSURE_ROLE, {"role": role, "password": password})
        return
    exists = connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}).scalar()
    verb, options = ("ALTER", "LOGIN") if exists else ("CREATE", ROLE_OPTIONS)
    quoted = password.replace("'", "''")
    connection.execute(text(f"{verb} ROLE {role} {options} PASSWORD '{quoted}'".replace(":", r"\:")))
