-- Passkeys (WebAuthn). What makes one count is its MAC, which needs auth's secret: the database alone can add rows, but
-- none that signs anybody in.

-- Closed to the runtime role, as the tables in access.sql: only the functions reach them.
DROP POLICY IF EXISTS passkeys_functions ON auth.passkeys;
CREATE POLICY passkeys_functions ON auth.passkeys USING ((SELECT auth.is_owner()));
DROP POLICY IF EXISTS used_challenges_functions ON auth.used_challenges;
CREATE POLICY used_challenges_functions ON auth.used_challenges USING ((SELECT auth.is_owner()));

-- Uses up a challenge. Returns false when it was used before. Raises nothing, locks the new row.
CREATE OR REPLACE FUNCTION auth._use_challenge(p_challenge bytea, p_expires timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO auth.used_challenges (challenge, expires_at) VALUES (p_challenge, p_expires) ON CONFLICT DO NOTHING;
    RETURN FOUND;
END $$;
REVOKE ALL ON FUNCTION auth._use_challenge FROM PUBLIC;

-- Adds a passkey. Returns added, used (the challenge), taken (the credential), or too_many (20 a user). Raises
-- foreign_key_violation for an unknown user. Locks used_challenges, then the user's row of users, then passkeys.
CREATE OR REPLACE FUNCTION auth.add_passkey(
    p_user uuid, p_id uuid, p_credential bytea, p_key bytea, p_count bigint, p_name text, p_mac bytea,
    p_challenge bytea, p_challenge_expires timestamptz) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT auth._use_challenge(p_challenge, p_challenge_expires) THEN RETURN 'used'; END IF;
    PERFORM FROM auth.users u WHERE u.id = p_user FOR UPDATE;
    IF 20 <= (SELECT count(*) FROM auth.passkeys k WHERE k.user_id = p_user) THEN RETURN 'too_many'; END IF;
    INSERT INTO auth.passkeys (id, user_id, credential_id, public_key, sign_count, name, mac)
    VALUES (p_id, p_user, p_credential, p_key, p_count, p_name, p_mac) ON CONFLICT (credential_id) DO NOTHING;
    RETURN CASE WHEN FOUND THEN 'added' ELSE 'taken' END;
END $$;
REVOKE ALL ON FUNCTION auth.add_passkey FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.add_passkey TO loctician_auth;

-- The user's passkeys, the oldest first. Raises nothing, takes no lock.
CREATE OR REPLACE FUNCTION auth.list_passkeys(p_user uuid)
RETURNS TABLE (id uuid, credential_id bytea, name text, created_at timestamptz, last_used_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT k.id, k.credential_id, k.name, k.created_at, k.last_used_at FROM auth.passkeys k
    WHERE k.user_id = p_user ORDER BY k.created_at, k.id LIMIT 20
$$;
REVOKE ALL ON FUNCTION auth.list_passkeys FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.list_passkeys TO loctician_auth;

-- The passkey with this credential, of an active user. Raises nothing, takes no lock.
CREATE OR REPLACE FUNCTION auth.find_passkey(p_credential bytea)
RETURNS TABLE (id uuid, user_id uuid, credential_id bytea, public_key bytea, sign_count bigint, mac bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT k.id, k.user_id, k.credential_id, k.public_key, k.sign_count, k.mac
    FROM auth.passkeys k JOIN auth.users u ON u.id = k.user_id
    WHERE k.credential_id = p_credential AND u.active
$$;
REVOKE ALL ON FUNCTION auth.find_passkey FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.find_passkey TO loctician_auth;

-- Names a passkey of the user. Returns whether there is one. Raises nothing, locks its row.
CREATE OR REPLACE FUNCTION auth.rename_passkey(p_user uuid, p_id uuid, p_name text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE auth.passkeys k SET name = p_name WHERE k.user_id = p_user AND k.id = p_id;
    RETURN FOUND;
END $$;
REVOKE ALL ON FUNCTION auth.rename_passkey FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.rename_passkey TO loctician_auth;

-- Removes a passkey of the user. Returns whether there was one. Raises nothing, locks its row.
CREATE OR REPLACE FUNCTION auth.remove_passkey(p_user uuid, p_id uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM auth.passkeys k WHERE k.user_id = p_user AND k.id = p_id;
    RETURN FOUND;
END $$;
REVOKE ALL ON FUNCTION auth.remove_passkey FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.remove_passkey TO loctician_auth;

-- Opens a session with a passkey whose signature was right. p_count: the new sign count, which must be greater than the
-- kept one unless both are 0; other arguments as of open_session(). Returns outcome opened, or refused when the
-- challenge or the count was used, or the user or the passkey is gone. Raises unique_violation when p_session or p_token
-- is there already. Locks used_challenges, users (share), passkeys, known_addresses, in this order.
CREATE OR REPLACE FUNCTION auth.open_passkey_session(
    p_session uuid, p_user uuid, p_id uuid, p_count bigint, p_challenge bytea, p_challenge_expires timestamptz,
    p_token bytea, p_expires timestamptz, p_address bytea, p_agent text, p_host text)
RETURNS TABLE (outcome text, role text, new_device boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE person auth.users;
BEGIN
    outcome := 'refused';
    IF NOT auth._use_challenge(p_challenge, p_challenge_expires) THEN RETURN NEXT; RETURN; END IF;
    SELECT * INTO person FROM auth.users u WHERE u.id = p_user AND u.active FOR SHARE;
    IF NOT FOUND THEN RETURN NEXT; RETURN; END IF;
    UPDATE auth.passkeys k SET sign_count = p_count, last_used_at = clock_timestamp()
    WHERE k.id = p_id AND k.user_id = p_user AND (p_count > k.sign_count OR (p_count = 0 AND k.sign_count = 0));
    IF NOT FOUND THEN RETURN NEXT; RETURN; END IF;
    PERFORM auth._remember_address(p_user, p_address);
    outcome := 'opened';
    role := person.role;
    new_device := auth._is_new_device(p_user, p_agent);
    INSERT INTO auth.sessions (id, user_id, user_agent, address, expires_at, second_factor)
    VALUES (p_session, p_user, p_agent, p_host, p_expires, true);
    INSERT INTO auth.refresh_tokens (token_hash, session_id, expires_at) VALUES (p_token, p_session, p_expires);
    RETURN NEXT;
END $$;
REVOKE ALL ON FUNCTION auth.open_passkey_session FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.open_passkey_session TO loctician_auth;

-- Retention, as in retention.sql: counts challenges that expired before p_before, and removes a batch of them.
CREATE OR REPLACE FUNCTION auth.due_used_challenges(p_before timestamptz) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT count(*) FROM (
        SELECT FROM auth.used_challenges AS t
        WHERE t.expires_at < least(p_before, now() - interval '1 day')
        LIMIT 1000000
    ) AS due
$$;
REVOKE ALL ON FUNCTION auth.due_used_challenges FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.due_used_challenges TO loctician_auth;

-- Removes them.
CREATE OR REPLACE FUNCTION auth.remove_used_challenges(p_before timestamptz, p_limit integer) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH removed AS (
        DELETE FROM auth.used_challenges WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM auth.used_challenges AS t
            WHERE t.expires_at < least(p_before, now() - interval '1 day')
            LIMIT p_limit FOR UPDATE SKIP LOCKED))
        RETURNING 1
    ) SELECT count(*) FROM removed
$$;
REVOKE ALL ON FUNCTION auth.remove_used_challenges FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.remove_used_challenges TO loctician_auth;
