"""SQL of passwords and of the one-time tokens that are mailed: to verify an address, to set a new password."""

FUNCTIONS = """
CREATE FUNCTION auth.begin_change(p_user uuid, p_session uuid, p_account bytea, p_address bytea, p_pair bytea)
RETURNS TABLE (password_hash text, changed_at timestamptz)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN NOT auth._locked(p_user, p_account, p_address, p_pair) THEN c.password_hash END, c.changed_at
    FROM auth.credentials c
    WHERE c.user_id = p_user AND auth.session_age(p_user, p_session) IS NOT NULL
$$;
-- False when the password was changed, the user deactivated or the session ended since `begin_change`.
CREATE FUNCTION auth.change_password(p_user uuid, p_session uuid, p_changed_at timestamptz, p_hash text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM auth.users u WHERE u.id = p_user AND u.active FOR UPDATE;
    IF NOT FOUND OR auth.session_age(p_user, p_session) IS NULL THEN RETURN false; END IF;
    UPDATE auth.credentials c SET password_hash = p_hash, changed_at = clock_timestamp()
    WHERE c.user_id = p_user AND c.changed_at = p_changed_at;
    RETURN FOUND;
END $$;
-- A row is written for an unknown address too, bound to nobody, so that both cost the same. At most five an hour go out
-- to one person; an older one stays good, lest a stranger's request take the owner's away.
CREATE FUNCTION auth.issue_token(p_email text, p_purpose text, p_hash bytea, p_expires timestamptz)
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
CREATE FUNCTION auth.token_holds(p_hash bytea, p_purpose text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (SELECT FROM auth.one_time_tokens t
                   WHERE t.token_hash = p_hash AND t.purpose = p_purpose AND t.user_id IS NOT NULL
                       AND t.expires_at > clock_timestamp())
$$;
-- Uses a token up, and all others of its kind with it. Only good while the address it was mailed to is the user's.
CREATE FUNCTION auth._redeem(p_hash bytea, p_purpose text) RETURNS auth.users
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
-- The user's new version, or nothing; `newly` tells whether the address was not verified before.
CREATE FUNCTION auth._verify(p_user uuid) RETURNS TABLE (user_id uuid, version integer, newly boolean)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH before AS (SELECT u.id, u.email_verified FROM auth.users u WHERE u.id = p_user)
    UPDATE auth.users u SET email_verified = true, version = u.version + (NOT u.email_verified)::integer,
        updated_at = CASE WHEN u.email_verified THEN u.updated_at ELSE clock_timestamp() END
    FROM before WHERE u.id = before.id
    RETURNING u.id, u.version, NOT before.email_verified
$$;
CREATE FUNCTION auth.verify_email(p_hash bytea) RETURNS TABLE (user_id uuid, version integer, newly boolean)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT v.* FROM auth._redeem(p_hash, 'verify') AS p CROSS JOIN LATERAL auth._verify(p.id) AS v
$$;
-- Whoever holds the token reads the mail: the address counts as verified, the place as known, and old failures as past.
CREATE FUNCTION auth.reset_password(p_hash bytea, p_password text, p_address bytea)
RETURNS TABLE (user_id uuid, version integer, newly boolean, email text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE person auth.users;
BEGIN
    person := auth._redeem(p_hash, 'reset');
    IF person.id IS NULL THEN RETURN; END IF;
    INSERT INTO auth.credentials AS c (user_id, password_hash) VALUES (person.id, p_password)
    ON CONFLICT ON CONSTRAINT credentials_pkey
    DO UPDATE SET password_hash = excluded.password_hash, changed_at = clock_timestamp();
    PERFORM auth._remember(person.id, p_address);
    RETURN QUERY SELECT v.user_id, v.version, v.newly, person.email FROM auth._verify(person.id) AS v;
END $$;
CREATE FUNCTION auth.forgive(p_account bytea, p_pair bytea) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DELETE FROM auth.login_attempts WHERE key IN (p_account, p_pair)
$$;
"""
