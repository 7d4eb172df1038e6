"""SQL of coming in and staying in, each in one statement that tells of it too.

A function in SQL that runs as the owner is planned again at every call; in PL/pgSQL its plan is kept. Logins and
refreshes are the calls that everybody makes, so theirs are.
"""

KEPT = """
CREATE OR REPLACE FUNCTION auth.as_owner() RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT pg_catalog.pg_get_userbyid(c.relowner) = current_user
        FROM pg_catalog.pg_class c WHERE c.oid = 'auth.users'::pg_catalog.regclass);
END $$;
CREATE OR REPLACE FUNCTION auth._locked(p_user uuid, p_account bytea, p_address bytea, p_pair bytea) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM auth.login_attempts a
        WHERE a.locked_until > clock_timestamp()
            AND (a.key = p_pair OR (a.key IN (p_account, p_address) AND NOT EXISTS (
                SELECT FROM auth.known_addresses k
                WHERE k.user_id = p_user AND k.address = p_address
                    AND k.seen_at > clock_timestamp() - interval '90 days'
            ))));
END $$;
CREATE OR REPLACE FUNCTION auth._remember(p_user uuid, p_address bytea) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO auth.known_addresses AS k (user_id, address, seen_at)
    VALUES (p_user, p_address, clock_timestamp())
    ON CONFLICT (user_id, address) DO UPDATE SET seen_at = excluded.seen_at
    WHERE k.seen_at < excluded.seen_at - interval '1 hour';
END $$;
CREATE OR REPLACE FUNCTION auth.begin_login(p_email text, p_account bytea, p_address bytea, p_pair bytea)
RETURNS TABLE (user_id uuid, password_hash text, changed_at timestamptz, mfa_secret bytea, locked boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SELECT u.id, c.password_hash, c.changed_at, m.secret INTO user_id, password_hash, changed_at, mfa_secret
    FROM auth.users u
    LEFT JOIN auth.credentials c ON c.user_id = u.id
    LEFT JOIN auth.mfa m ON m.user_id = u.id AND m.confirmed_at IS NOT NULL
    WHERE u.email = p_email AND u.active;
    locked := auth._locked(user_id, p_account, p_address, p_pair);
    password_hash := CASE WHEN NOT locked THEN password_hash END;
    RETURN NEXT;
END $$;
-- As before, but that of a person's sessions none is read that need not be: there may be many.
CREATE OR REPLACE FUNCTION auth.open_session(p_session uuid, p_user uuid, p_changed_at timestamptz, p_rehash text,
    p_token bytea, p_expires timestamptz, p_account bytea, p_address bytea, p_pair bytea,
    p_step bigint, p_recovery bytea, p_agent text, p_host text)
RETURNS TABLE (outcome text, role text, new_device boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE person auth.users; unlike text := '[0-9.]+'; program text;
BEGIN
    SELECT * INTO person FROM auth.users u WHERE u.id = p_user AND u.active FOR SHARE;
    IF NOT FOUND OR NOT EXISTS (SELECT FROM auth.credentials c WHERE c.user_id = p_user AND c.changed_at = p_changed_at)
        OR auth._locked(p_user, p_account, p_address, p_pair)
    THEN RETURN QUERY SELECT 'refused', NULL::text, NULL::boolean; RETURN; END IF;
    outcome := auth._use_code(p_user, p_step, p_recovery);
    IF outcome <> 'right' THEN RETURN QUERY SELECT outcome, NULL::text, NULL::boolean; RETURN; END IF;
    IF p_rehash IS NOT NULL THEN
        UPDATE auth.credentials c SET password_hash = p_rehash WHERE c.user_id = p_user;
    END IF;
    DELETE FROM auth.login_attempts a WHERE a.key = p_pair;
    PERFORM auth._remember(p_user, p_address);
    program := regexp_replace(coalesce(p_agent, ''), unlike, '', 'g');
    outcome := 'opened';
    role := person.role;
    new_device := EXISTS (SELECT FROM auth.sessions s WHERE s.user_id = p_user) AND NOT EXISTS (
        SELECT FROM auth.sessions s
        WHERE s.user_id = p_user AND regexp_replace(coalesce(s.user_agent, ''), unlike, '', 'g') = program);
    INSERT INTO auth.sessions (id, user_id, user_agent, address, expires_at)
    VALUES (p_session, p_user, p_agent, p_host, p_expires);
    INSERT INTO auth.refresh_tokens (token_hash, session_id, expires_at) VALUES (p_token, p_session, p_expires);
    RETURN NEXT;
END $$;
"""

TOLD = """
-- As the user who has just been found to be at the other end: what is emitted names them.
CREATE FUNCTION auth._emit_as(p_claims jsonb, p_event uuid, p_type text, p_subject uuid, p_user uuid, p_role text,
    p_session uuid, p_version integer, p_data jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM set_config('request.jwt.claims',
        (p_claims || jsonb_build_object('actor_id', p_user, 'actor_role', p_role))::text, true);
    PERFORM auth.emit(p_event, p_type, p_subject::text, p_version,
        jsonb_build_object('version', p_version, 'session_id', p_session, 'user_id', p_user) || p_data);
END $$;
-- A failure, and what is told of it: login.failed.v1, and login.locked.v1 where it locks something.
CREATE FUNCTION auth._fail(p_claims jsonb, p_event uuid, p_user uuid, p_account bytea, p_address bytea, p_pair bytea,
    p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE until timestamptz := auth.record_failure(p_user, p_account, p_address, p_pair);
BEGIN
    PERFORM set_config('request.jwt.claims', p_claims::text, true);
    PERFORM auth.emit(p_event, 'login.failed.v1', p_user::text, 1,
        jsonb_build_object('version', 1, 'user_id', p_user, 'reason', p_reason));
    IF until IS NOT NULL THEN
        PERFORM auth.emit(auth._new_id(), 'login.locked.v1', p_user::text, 1, jsonb_build_object('version', 1,
            'user_id', p_user, 'until', to_char(until AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')));
    END IF;
END $$;
-- open_session, and what is told of it. A wrong code is counted here, in one transaction with its trial.
CREATE FUNCTION auth.log_in(p_claims jsonb, p_event uuid, p_session uuid, p_user uuid, p_changed_at timestamptz,
    p_rehash text, p_token bytea, p_expires timestamptz, p_account bytea, p_address bytea, p_pair bytea,
    p_step bigint, p_recovery bytea, p_agent text, p_host text)
RETURNS TABLE (outcome text, role text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE opened record;
BEGIN
    SELECT * INTO opened FROM auth.open_session(p_session, p_user, p_changed_at, p_rehash, p_token, p_expires,
        p_account, p_address, p_pair, p_step, p_recovery, p_agent, p_host);
    IF opened.outcome = 'opened' THEN
        PERFORM auth._emit_as(p_claims, p_event, 'session.started.v1', p_session, p_user, opened.role, p_session, 1,
            jsonb_build_object('new_device', opened.new_device));
    ELSIF opened.outcome <> 'code_needed' THEN
        PERFORM auth._fail(p_claims, p_event, p_user, p_account, p_address, p_pair,
            CASE opened.outcome WHEN 'code_wrong' THEN 'code' ELSE 'locked' END);
    END IF;
    RETURN QUERY SELECT opened.outcome, opened.role;
END $$;
-- rotate, and session.refreshed.v1 with it; or, when somebody else has the token too, session.revoked.v1.
CREATE FUNCTION auth.refresh(p_claims jsonb, p_event uuid, p_old bytea, p_new bytea, p_expires timestamptz,
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
"""

OPEN = (
    "auth.log_in(jsonb, uuid, uuid, uuid, timestamptz, text, bytea, timestamptz, bytea, bytea, bytea, bigint, bytea,"
    " text, text)",
    "auth.refresh(jsonb, uuid, bytea, bytea, timestamptz, bytea)",
)
INNER = (
    "auth._emit_as(jsonb, uuid, text, uuid, uuid, text, uuid, integer, jsonb)",
    "auth._fail(jsonb, uuid, uuid, bytea, bytea, bytea, text)",
)
