-- One-time tokens that are mailed: to verify an address (verify), to set a new password (reset).
-- A row counts only with its MAC, which the service makes with a key that the database does not have. The service
-- reads the row, checks the MAC, and passes it on to the function that uses the token up.

-- Stores a one-time token. p_email: address asked for; p_hash: hash of the token. Returns the user to mail it to; no
-- row for an unknown address, a verified one (purpose verify), or after five tokens within an hour. A row is written
-- for an unknown address too, so that both cost the same. Older tokens stay valid, so that a stranger's request does
-- not end the owner's. Raises unique_violation when p_hash is there already. Locks the new row only.
CREATE OR REPLACE FUNCTION auth.issue_token(p_email text, p_purpose text, p_hash bytea, p_expires timestamptz)
RETURNS TABLE (user_id uuid, email text, full_name text, language text, version integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE person auth.users;
BEGIN
    SELECT * INTO person FROM auth.users u
    WHERE u.email = p_email AND u.active AND (p_purpose = 'reset' OR NOT u.email_verified)
        AND 5 > (SELECT count(*) FROM auth.one_time_tokens t
                 WHERE t.user_id = u.id AND t.purpose = p_purpose
                     AND t.created_at > clock_timestamp() - interval '1 hour');
    INSERT INTO auth.one_time_tokens (token_hash, user_id, email, purpose, expires_at)
    VALUES (p_hash, person.id, person.email, p_purpose, p_expires);
    RETURN QUERY SELECT person.id, person.email, person.full_name, person.language, person.version
                 WHERE person.id IS NOT NULL;
END $$;
REVOKE ALL ON FUNCTION auth.issue_token FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.issue_token TO loctician_auth;

-- Adds the MAC to a token that was just issued. Raises nothing, locks its row.
CREATE OR REPLACE FUNCTION auth.sign_token(p_hash bytea, p_mac bytea) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE auth.one_time_tokens SET mac = p_mac WHERE token_hash = p_hash AND mac IS NULL
$$;
REVOKE ALL ON FUNCTION auth.sign_token FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.sign_token TO loctician_auth;

-- A token that has not expired, with what its MAC covers. Raises nothing, takes no lock.
CREATE OR REPLACE FUNCTION auth.read_token(p_hash bytea)
RETURNS TABLE (user_id uuid, email text, purpose text, expires_at timestamptz, mac bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT t.user_id, t.email, t.purpose, t.expires_at, t.mac FROM auth.one_time_tokens t
    WHERE t.token_hash = p_hash AND t.user_id IS NOT NULL AND t.expires_at > clock_timestamp()
$$;
REVOKE ALL ON FUNCTION auth.read_token FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.read_token TO loctician_auth;

-- Uses up a one-time token, and all others of its purpose. p_mac: the MAC that the service has checked. Returns the
-- user, or NULL when the token is unknown, expired, or was mailed to an address that is no longer the user's. Raises nothing.
-- Locks one_time_tokens, then users.
CREATE OR REPLACE FUNCTION auth._use_token(p_hash bytea, p_purpose text, p_mac bytea) RETURNS auth.users
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE token auth.one_time_tokens; person auth.users;
BEGIN
    DELETE FROM auth.one_time_tokens t WHERE t.token_hash = p_hash AND t.purpose = p_purpose AND t.mac = p_mac
    RETURNING * INTO token;
    IF token.user_id IS NULL OR token.expires_at <= clock_timestamp() THEN RETURN NULL; END IF;
    SELECT * INTO person FROM auth.users u WHERE u.id = token.user_id AND u.email = token.email AND u.active FOR UPDATE;
    IF NOT FOUND THEN RETURN NULL; END IF;
    DELETE FROM auth.one_time_tokens t WHERE t.user_id = person.id AND t.purpose = p_purpose;
    RETURN person;
END $$;
REVOKE ALL ON FUNCTION auth._use_token FROM PUBLIC;

-- Marks the user's address as verified. Returns the new version; newly: it was not verified before.
-- Raises nothing, locks the user's row.
CREATE OR REPLACE FUNCTION auth._mark_verified(p_user uuid) RETURNS TABLE (user_id uuid, version integer, newly boolean)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH before AS (SELECT u.id, u.email_verified FROM auth.users u WHERE u.id = p_user)
    UPDATE auth.users u SET email_verified = true, version = u.version + (NOT u.email_verified)::integer,
        updated_at = CASE WHEN u.email_verified THEN u.updated_at ELSE clock_timestamp() END
    FROM before WHERE u.id = before.id
    RETURNING u.id, u.version, NOT before.email_verified
$$;
REVOKE ALL ON FUNCTION auth._mark_verified FROM PUBLIC;

-- Uses up a token of purpose verify and marks the address as verified. Returns as _mark_verified(); no row for an
-- invalid token. Raises nothing, locks as _use_token().
CREATE OR REPLACE FUNCTION auth.verify_email(p_hash bytea, p_mac bytea) RETURNS TABLE (user_id uuid, version integer, newly boolean)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT v.* FROM auth._use_token(p_hash, 'verify', p_mac) AS p CROSS JOIN LATERAL auth._mark_verified(p.id) AS v
$$;
REVOKE ALL ON FUNCTION auth.verify_email FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.verify_email TO loctician_auth;
