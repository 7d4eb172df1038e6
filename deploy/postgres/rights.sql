-- What the superuser sets in the database `loctician`, as often as he likes: the owner's role makes and changes the
-- logins of the services through a function, and so needs no CREATEROLE (with which, before PostgreSQL 16, a role
-- could give itself pg_execute_server_program). Nobody but superusers uses large objects: they belong to no schema.

ALTER ROLE loctician NOCREATEROLE NOREPLICATION;

CREATE SCHEMA IF NOT EXISTS service_roles;

-- Makes the login role of a service where it is missing, and sets its password; it never has any other option.
-- role: loctician_<service>; password: the new one, in clear text.
-- Raises insufficient_privilege for any other role. Locks the role's row.
CREATE OR REPLACE FUNCTION service_roles.ensure(role text, password text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF role IS NULL OR role NOT IN ('loctician_auth', 'loctician_booking', 'loctician_calendar', 'loctician_gateway',
        'loctician_gdpr', 'loctician_notifications') THEN
        RAISE insufficient_privilege USING MESSAGE = 'not the role of a service';
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
        EXECUTE format('CREATE ROLE %I', role);
    END IF;
    EXECUTE format('ALTER ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD %L',
        role, password);
END $$;

REVOKE ALL ON FUNCTION service_roles.ensure(text, text) FROM PUBLIC;
GRANT USAGE ON SCHEMA service_roles TO loctician;
GRANT EXECUTE ON FUNCTION service_roles.ensure(text, text) TO loctician;

DO $$
DECLARE
    large_object_function regprocedure;
BEGIN
    FOR large_object_function IN SELECT oid FROM pg_proc
        WHERE pronamespace = 'pg_catalog'::regnamespace
            AND (proname LIKE 'lo\_%' OR proname IN ('loread', 'lowrite'))
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', large_object_function);
    END LOOP;
END $$;
