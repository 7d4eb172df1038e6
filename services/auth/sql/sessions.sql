-- Sessions: rotation of refresh tokens, listing, revocation.

-- Uses up a refresh token and adds its successor. p_old, p_new: hashes of both; p_client: key of the calling client.
-- Returns outcome rotated; repeated, for a second use within 10 s by the same client whose successor is unused (a
-- retry after a lost answer); superseded, if the successor was used too, by this client within 10 s (another tab: the
-- caller goes on with the successor); reused, for any other second use, which revokes the session; ended; or unknown. Raises
-- unique_violation when p_new is there already. Locks the token's row, then the session's: simultaneous uses wait.
CREATE OR REPLACE FUNCTION auth.rotate(p_old bytea, p_new bytea, p_expires timestamptz, p_client bytea)
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
    ELSIF token.used_by = p_client AND token.used_at > clock_timestamp() - interval '10 seconds' AND EXISTS (
        SELECT FROM auth.refresh_tokens t
        WHERE t.token_hash = p_new AND t.session_id = owner.id AND t.used_by = p_client
            AND t.used_at > clock_timestamp() - interval '10 seconds'
    ) THEN
        result := 'superseded';
    ELSE
        UPDATE auth.sessions s SET revoked_at = clock_timestamp() WHERE s.id = owner.id;
        result := 'reused';
    END IF;
    RETURN QUERY SELECT result, owner.id, owner.user_id, owner.role;
END $$;
REVOKE ALL ON FUNCTION auth.rotate FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.rotate TO loctician_auth;

-- rotate() and its event: session.refreshed.v1, or session.revoked.v1 for a reused token.
-- Arguments as of rotate(), with p_claims and p_event for the event. Raises and locks as rotate().
CREATE OR REPLACE FUNCTION auth.refresh(p_claims jsonb, p_event uuid, p_old bytea, p_new bytea, p_expires timestamptz,
    p_client bytea)
RETURNS TABLE (outcome text, session_id uuid, user_id uuid, role text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE done record;
BEGIN
    SELECT * INTO done FROM auth.rotate(p_old, p_new, p_expires, p_client);
    IF done.outcome = 'rotated' THEN
        PERFORM auth._emit_as(p_claims, p_event, 'session.refreshed.v1', done.session_id, done.user_id, done.role,
            done.session_id, 1, '{}');
    ELSIF done.outcome = 'reused' THEN
        PERFORM auth._emit_as(p_claims, p_event, 'session.revoked.v1', done.user_id, done.user_id, done.role,
            done.session_id, 2, '{"reason": "reused"}');
    END IF;
    RETURN QUERY SELECT done.outcome, done.session_id, done.user_id, done.role;
END $$;
REVOKE ALL ON FUNCTION auth.refresh FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.refresh TO loctician_auth;

-- Revokes the user's open sessions: p_only: this one only, or NULL; p_except: all but this one, or NULL.
-- Returns the ids of the revoked sessions. Raises nothing, locks these rows.
CREATE OR REPLACE FUNCTION auth.revoke_sessions(p_user uuid, p_only uuid, p_except uuid) RETURNS SETOF uuid
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE auth.sessions SET revoked_at = clock_timestamp()
    WHERE user_id = p_user AND revoked_at IS NULL AND (p_only IS NULL OR id = p_only)
        AND (p_except IS NULL OR id <> p_except)
    RETURNING id
$$;
REVOKE ALL ON FUNCTION auth.revoke_sessions FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.revoke_sessions TO loctician_auth;

-- The user's open sessions, at most 100, the last used first. Raises nothing, takes no lock.
CREATE OR REPLACE FUNCTION auth.list_sessions(p_user uuid)
RETURNS TABLE (
    id uuid, created_at timestamptz, last_used_at timestamptz, expires_at timestamptz, user_agent text, address text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT s.id, s.created_at, s.last_used_at, s.expires_at, s.user_agent, s.address FROM auth.sessions s
    WHERE s.user_id = p_user AND s.revoked_at IS NULL AND s.expires_at > clock_timestamp()
    ORDER BY s.last_used_at DESC, s.id LIMIT 100
$$;
REVOKE ALL ON FUNCTION auth.list_sessions FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.list_sessions TO loctician_auth;

-- How long ago an open session began; NULL when it has ended. Raises nothing, takes no lock.
CREATE OR REPLACE FUNCTION auth.session_age(p_user uuid, p_session uuid) RETURNS interval
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT clock_timestamp() - s.created_at FROM auth.sessions s JOIN auth.users u ON u.id = s.user_id
    WHERE s.id = p_session AND s.user_id = p_user AND s.revoked_at IS NULL AND s.expires_at > clock_timestamp()
        AND u.active
$$;
REVOKE ALL ON FUNCTION auth.session_age FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.session_age TO loctician_auth;

-- The open session of a refresh token, by the token's hash. Raises nothing, takes no lock.
CREATE OR REPLACE FUNCTION auth.session_of(p_token bytea) RETURNS TABLE (session_id uuid, user_id uuid, role text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT s.id, s.user_id, u.role FROM auth.refresh_tokens t
    JOIN auth.sessions s ON s.id = t.session_id JOIN auth.users u ON u.id = s.user_id
    WHERE t.token_hash = p_token AND t.expires_at > clock_timestamp() AND s.revoked_at IS NULL AND u.active
$$;
REVOKE ALL ON FUNCTION auth.session_of FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.session_of TO loctician_auth;

-- Notes that the session has shown a second factor, which its user has just added. Raises nothing, locks the session.
CREATE OR REPLACE FUNCTION auth.mark_second_factor(p_user uuid, p_session uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE auth.sessions SET second_factor = true WHERE id = p_session AND user_id = p_user
$$;
REVOKE ALL ON FUNCTION auth.mark_second_factor FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.mark_second_factor TO loctician_auth;
