-- Passwords, and one-time tokens that are mailed: to verify an address (verify), to set a new password (reset).

-- The first step of a change of password. Returns the current hash, NULL while locked; no row when the session has
-- ended. Raises nothing, takes no lock.
CREATE OR REPLACE FUNCTION auth.begin_password_change(
    p_user uuid, p_session uuid, p_account bytea, p_address bytea, p_pair bytea)
RETURNS TABLE (password_hash text, changed_at timestamptz)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN NOT auth._locked(p_user, p_account, p_address, p_pair) THEN c.password_hash END, c.changed_at
    FROM auth.credentials c
    WHERE c.user_id = p_user AND auth.session_age(p_user, p_session) IS NOT NULL
$$;
REVOKE ALL ON FUNCTION auth.begin_password_change FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.begin_password_change TO loctician_auth;

-- Sets a new password hash. Returns false when the password was changed, the user deactivated or the session ended
-- since begin_password_change(). A change of address that is not confirmed ends, for it may be a thief's.
-- Raises nothing. Locks users, then email_changes, then credentials.
CREATE OR REPLACE FUNCTION auth.change_password(p_user uuid, p_session uuid, p_changed_at timestamptz, p_hash text)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM auth.users u WHERE u.id = p_user AND u.active FOR UPDATE;
    IF NOT FOUND OR auth.session_age(p_user, p_session) IS NULL THEN RETURN false; END IF;
    PERFORM auth.end_email_changes(p_user);
    UPDATE auth.credentials c SET password_hash = p_hash, changed_at = clock_timestamp()
    WHERE c.user_id = p_user AND c.changed_at = p_changed_at;
    RETURN FOUND;
END $$;
REVOKE ALL ON FUNCTION auth.change_password FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.change_password TO loctician_auth;

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

-- Whether a one-time token is valid. Raises nothing, takes no lock.
CREATE OR REPLACE FUNCTION auth.is_token_valid(p_hash bytea, p_purpose text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (SELECT FROM auth.one_time_tokens t
                   WHERE t.token_hash = p_hash AND t.purpose = p_purpose AND t.user_id IS NOT NULL
                       AND t.expires_at > clock_timestamp())
$$;
REVOKE ALL ON FUNCTION auth.is_token_valid FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.is_token_valid TO loctician_auth;

-- Uses up a one-time token, and all others of its purpose. Returns the user, or NULL when the token is unknown,
-- expired, or was mailed to an address that is no longer the user's. Raises nothing. Locks one_time_tokens, then
-- users.
CREATE OR REPLACE FUNCTION auth._use_token(p_hash bytea, p_purpose text) RETURNS auth.users
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE token auth.one_time_tokens; person auth.users;
BEGIN
    DELETE FROM auth.one_time_tokens t WHERE t.token_hash = p_hash AND t.purpose = p_purpose RETURNING * INTO token;
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
CREATE OR REPLACE FUNCTION auth.verify_email(p_hash bytea) RETURNS TABLE (user_id uuid, version integer, newly boolean)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT v.* FROM auth._use_token(p_hash, 'verify') AS p CROSS JOIN LATERAL auth._mark_verified(p.id) AS v
$$;
REVOKE ALL ON FUNCTION auth.verify_email FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.verify_email TO loctician_auth;

-- Uses up a token of purpose reset and sets a password hash. Whoever holds the token reads the mail: the address
-- counts as verified, and the place (p_address) as known. A change of address that is not confirmed ends. Returns as
-- _mark_verified(), with the address, and whether this is the user's first password; no row for an invalid token.
-- Raises nothing. Locks one_time_tokens, users, credentials, known_addresses, email_changes, in this order.
CREATE OR REPLACE FUNCTION auth.reset_password(p_hash bytea, p_password text, p_address bytea)
RETURNS TABLE (user_id uuid, version integer, newly boolean, email text, first boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE person auth.users;
BEGIN
    person := auth._use_token(p_hash, 'reset');
    IF person.id IS NULL THEN RETURN; END IF;
    first := NOT EXISTS (SELECT FROM auth.credentials c WHERE c.user_id = person.id);
    INSERT INTO auth.credentials AS c (user_id, password_hash) VALUES (person.id, p_password)
    ON CONFLICT ON CONSTRAINT credentials_pkey
    DO UPDATE SET password_hash = excluded.password_hash, changed_at = clock_timestamp();
    PERFORM auth._remember_address(person.id, p_address);
    PERFORM auth.end_email_changes(person.id);
    RETURN QUERY SELECT v.user_id, v.version, v.newly, person.email, first FROM auth._mark_verified(person.id) AS v;
END $$;
REVOKE ALL ON FUNCTION auth.reset_password FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.reset_password TO loctician_auth;
