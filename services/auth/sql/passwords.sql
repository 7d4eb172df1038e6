-- Passwords: changing one, and setting one with a mailed token.

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

-- Sealed password hashes by user, from the one after p_after on. Raises nothing, takes no lock.
CREATE OR REPLACE FUNCTION auth.password_hashes(p_after uuid, p_limit integer)
RETURNS TABLE (user_id uuid, password_hash text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT c.user_id, c.password_hash FROM auth.credentials c
    WHERE p_after IS NULL OR c.user_id > p_after ORDER BY c.user_id LIMIT p_limit
$$;
REVOKE ALL ON FUNCTION auth.password_hashes FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.password_hashes TO loctician_auth;

-- Replaces a sealed hash by the same one sealed with a new key, unless it was changed meanwhile.
-- Raises nothing. Locks the user's row of credentials.
CREATE OR REPLACE FUNCTION auth.replace_password_hash(p_user uuid, p_old text, p_new text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE auth.credentials SET password_hash = p_new WHERE user_id = p_user AND password_hash = p_old
$$;
REVOKE ALL ON FUNCTION auth.replace_password_hash FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.replace_password_hash TO loctician_auth;

-- Uses up a token of purpose reset and sets a password hash. Whoever holds the token reads the mail: the address
-- counts as verified, after which _mark_verified() may remove what was set before, and the place (p_address) as known. A change of address that is not confirmed ends. Returns as
-- _mark_verified(), with the address, and whether this is the user's first password; no row for an invalid token.
-- Raises nothing. Locks one_time_tokens, users, credentials, known_addresses, email_changes, in this order.
CREATE OR REPLACE FUNCTION auth.reset_password(
    p_hash bytea, p_mac bytea, p_password text, p_address bytea, p_browser bytea)
RETURNS TABLE (user_id uuid, version integer, newly boolean, reset boolean, email text, first boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE person auth.users; proven record;
BEGIN
    person := auth._use_token(p_hash, 'reset', p_mac);
    IF person.id IS NULL THEN RETURN; END IF;
    SELECT * INTO proven FROM auth._mark_verified(person.id, p_browser);
    first := NOT EXISTS (SELECT FROM auth.credentials c WHERE c.user_id = person.id);
    INSERT INTO auth.credentials AS c (user_id, password_hash) VALUES (person.id, p_password)
    ON CONFLICT ON CONSTRAINT credentials_pkey
    DO UPDATE SET password_hash = excluded.password_hash, changed_at = clock_timestamp();
    PERFORM auth._remember_address(person.id, p_address);
    PERFORM auth.end_email_changes(person.id);
    RETURN QUERY SELECT proven.user_id, proven.version, proven.newly, proven.reset, person.email, first;
END $$;
REVOKE ALL ON FUNCTION auth.reset_password FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.reset_password TO loctician_auth;
