"""SQL of staying in and leaving: rotating refresh tokens, listing and revoking sessions."""

FUNCTIONS = """
-- The row lock makes simultaneous uses of one token wait for each other: the second one finds it used. A second use
-- within ten seconds by the same client, whose successor nobody has used, is a retry of a lost answer.
CREATE FUNCTION auth.rotate(p_old bytea, p_new bytea, p_expires timestamptz, p_client bytea)
RETURNS TABLE (outcome text, session_id uuid, user_id uuid, role text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE token auth.refresh_tokens; owner record; result text;
BEGIN
    SELECT * INTO token FROM auth.refresh_tokens t WHERE t.token_hash = p_old FOR UPDATE;
    IF NOT FOUND THEN RETURN QUERY SELECT 'unknown', NULL::uuid, NULL::uuid, NULL::text; RETURN; END IF;
    SELECT s.id, s.user_id, s.revoked_at, u.role, u.active INTO owner
    FROM auth.sessions s JOIN auth.users u ON u.id = s.user_id WHERE s.id = token.session_id FOR UPDATE OF s;
    IF owner.revoked_at IS NOT NULL OR NOT owner.active OR token.expires_at <= clock_timestamp() THEN
        result := 'ended';
    ELSIF token.used_at IS NULL THEN
        UPDATE auth.refresh_tokens t SET used_at = clock_timestamp(), used_by = p_client WHERE t.token_hash = p_old;
        INSERT INTO auth.refresh_tokens (token_hash, session_id, expires_at) VALUES (p_new, owner.id, p_expires);
        UPDATE auth.sessions s SET last_used_at = clock_timestamp(), expires_at = p_expires WHERE s.id = owner.id;
        result := 'rotated';
    ELSIF token.used_by = p_client AND token.used_at > clock_timestamp() - interval '10 seconds' AND EXISTS (
        SELECT FROM auth.refresh_tokens t
        WHERE t.token_hash = p_new AND t.session_id = owner.id AND t.used_at IS NULL
    ) THEN
        result := 'repeated';
    ELSE
        UPDATE auth.sessions s SET revoked_at = clock_timestamp() WHERE s.id = owner.id;
        result := 'reused';
    END IF;
    RETURN QUERY SELECT result, owner.id, owner.user_id, owner.role;
END $$;
CREATE FUNCTION auth.revoke_sessions(p_user uuid, p_only uuid, p_except uuid) RETURNS SETOF uuid
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE auth.sessions SET revoked_at = clock_timestamp()
    WHERE user_id = p_user AND revoked_at IS NULL AND (p_only IS NULL OR id = p_only)
        AND (p_except IS NULL OR id <> p_except)
    RETURNING id
$$;
CREATE FUNCTION auth.list_sessions(p_user uuid)
RETURNS TABLE (id uuid, created_at timestamptz, last_used_at timestamptz, user_agent text, address text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT s.id, s.created_at, s.last_used_at, s.user_agent, s.address FROM auth.sessions s
    WHERE s.user_id = p_user AND s.revoked_at IS NULL AND s.expires_at > clock_timestamp()
    ORDER BY s.last_used_at DESC, s.id LIMIT 100
$$;
-- How long ago an open session began; NULL when it has ended.
CREATE FUNCTION auth.session_age(p_user uuid, p_session uuid) RETURNS interval
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT clock_timestamp() - s.created_at FROM auth.sessions s JOIN auth.users u ON u.id = s.user_id
    WHERE s.id = p_session AND s.user_id = p_user AND s.revoked_at IS NULL AND s.expires_at > clock_timestamp()
        AND u.active
$$;
-- Whose open session a refresh token belongs to.
CREATE FUNCTION auth.session_of(p_token bytea) RETURNS TABLE (session_id uuid, user_id uuid, role text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT s.id, s.user_id, u.role FROM auth.refresh_tokens t
    JOIN auth.sessions s ON s.id = t.session_id JOIN auth.users u ON u.id = s.user_id
    WHERE t.token_hash = p_token AND t.expires_at > clock_timestamp() AND s.revoked_at IS NULL AND u.active
$$;
-- One batch of what is of no use any more. Used refresh tokens stay until they expire: they tell a thief.
CREATE FUNCTION auth.purge(p_limit integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE gone integer; total integer := 0;
BEGIN
    DELETE FROM auth.refresh_tokens t WHERE t.token_hash IN (
        SELECT token_hash FROM auth.refresh_tokens WHERE expires_at < clock_timestamp() - interval '1 day'
        ORDER BY expires_at LIMIT p_limit FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS gone = ROW_COUNT; total := greatest(total, gone);
    DELETE FROM auth.sessions s WHERE s.id IN (
        SELECT id FROM auth.sessions WHERE expires_at < clock_timestamp() - interval '1 day'
        ORDER BY expires_at LIMIT p_limit FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS gone = ROW_COUNT; total := greatest(total, gone);
    DELETE FROM auth.one_time_tokens t WHERE t.token_hash IN (
        SELECT token_hash FROM auth.one_time_tokens WHERE expires_at < clock_timestamp()
        ORDER BY expires_at LIMIT p_limit FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS gone = ROW_COUNT; total := greatest(total, gone);
    DELETE FROM auth.login_attempts a WHERE a.key IN (
        SELECT key FROM auth.login_attempts WHERE last_failure_at < clock_timestamp() - interval '1 day'
        ORDER BY last_failure_at LIMIT p_limit FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS gone = ROW_COUNT; total := greatest(total, gone);
    DELETE FROM auth.known_addresses k WHERE (k.user_id, k.address) IN (
        SELECT user_id, address FROM auth.known_addresses WHERE seen_at < clock_timestamp() - interval '90 days'
        ORDER BY seen_at LIMIT p_limit FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS gone = ROW_COUNT; total := greatest(total, gone);
    RETURN total;
END $$;
"""
