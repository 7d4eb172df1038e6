-- The MACs of changes of address. A row counts only with its MAC, as in one_time_tokens.sql.

-- Fails on a schema without the column, so that the file is left out there.
SELECT mac FROM auth.email_changes LIMIT 0;

-- Adds the MAC to a change that was just requested. Raises nothing, locks its row.
CREATE OR REPLACE FUNCTION auth.sign_email_change(p_hash bytea, p_mac bytea) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE auth.email_changes SET mac = p_mac WHERE token_hash = p_hash AND mac IS NULL
$$;
REVOKE ALL ON FUNCTION auth.sign_email_change FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.sign_email_change TO loctician_auth;

-- A change that has not expired, with what its MAC covers. Raises nothing, takes no lock.
CREATE OR REPLACE FUNCTION auth.read_email_change(p_hash bytea)
RETURNS TABLE (user_id uuid, email text, expires_at timestamptz, mac bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT c.user_id, c.email, c.expires_at, c.mac FROM auth.email_changes c
    WHERE c.token_hash = p_hash AND c.expires_at > clock_timestamp()
$$;
REVOKE ALL ON FUNCTION auth.read_email_change FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.read_email_change TO loctician_auth;
