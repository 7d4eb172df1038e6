-- What the superuser sets in the database of an installation, as often as he likes: the owner's role makes and changes
-- the logins of the services through a function, and so needs no CREATEROLE (with which, before PostgreSQL 16, a role
-- could give itself pg_execute_server_program). Nobody but superusers uses large objects: they belong to no schema.
--
-- The services' roles are named after the owner of the database: <owner>_<service>. So one installation cannot touch
-- the roles of another on the same server. DATABASE_ROLE_PREFIX is the owner's name.

CREATE SCHEMA IF NOT EXISTS service_roles;

-- Makes the login role of a service where it is missing, and sets its password; it never has any other option.
-- role: <owner of the database>_<service>; password: the new one, in clear text.
-- Raises insufficient_privilege for any other role. Locks the role's row.
CREATE OR REPLACE FUNCTION service_roles.ensure(role text, password text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner text := (SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database());
BEGIN
    IF role IS NULL OR role <> ALL (ARRAY[owner || '_auth', owner || '_booking', owner || '_calendar',
        owner || '_gateway', owner || '_gdpr', owner || '_notifications']) THEN
        RAISE insufficient_privilege USING MESSAGE = 'not the role of a service',
            HINT = format('The owner of this database is %s: DATABASE_ROLE_PREFIX must be the same.', owner);
    END IF;
    IF EXISTS (SELECT FROM pg_database WHERE pg_get_userbyid(datdba) = role) THEN
        RAISE insufficient_privilege USING MESSAGE = 'the role of a service owns no database';
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
        EXECUTE format('CREATE ROLE %I', role);
    END IF;
    EXECUTE format('ALTER ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD %L',
        role, password);
END $$;

REVOKE ALL ON FUNCTION service_roles.ensure(text, text) FROM PUBLIC;

DO $$
DECLARE
    owner text := (SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database());
    large_object_function regprocedure;
BEGIN
    EXECUTE format('ALTER ROLE %I NOCREATEROLE NOREPLICATION', owner);
    EXECUTE format('GRANT USAGE ON SCHEMA service_roles TO %I', owner);
    EXECUTE format('GRANT EXECUTE ON FUNCTION service_roles.ensure(text, text) TO %I', owner);
    FOR large_object_function IN SELECT oid FROM pg_proc
        WHERE pronamespace = 'pg_catalog'::regnamespace
            AND (proname LIKE 'lo\_%' OR proname IN ('loread', 'lowrite'))
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', large_object_function);
    END LOOP;
END $$;
