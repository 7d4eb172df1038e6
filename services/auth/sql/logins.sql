-- Logins: counting failures, locking, opening a session.
-- Failures are counted under keys that are HMACs of the account, of the address, and of both together (the pair).
-- A function in SQL that runs as the owner is planned again at every call; the plan of one in PL/pgSQL is kept.

-- How long the p_failures-th failure in a row locks a key of this scope (pair, account or address): NULL at first, then
-- from 15 s doubling up to 15 minutes (account: 5 minutes). Raises nothing, takes no lock.
CREATE OR REPLACE FUNCTION auth._lock_duration(p_scope text, p_failures integer) RETURNS interval
LANGUAGE sql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN p_failures >= free
                THEN make_interval(secs => least(15 * 2 ^ least(p_failures - free, 20), longest)) END
    FROM (VALUES ('pair', 5, 900), ('account', 20, 300), ('address', 50, 900)) AS bounds (scope, free, longest)
    WHERE scope = p_scope
$$;
REVOKE ALL ON FUNCTION auth._lock_duration FROM PUBLIC;

-- The number of failures in a row, with this one. After a day without a failure it begins at 1 again.
-- Raises nothing, takes no lock.
CREATE OR REPLACE FUNCTION auth._count_failures(p_attempt auth.login_attempts) RETURNS integer
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN p_attempt.last_failure_at < clock_timestamp() - interval '1 day' THEN 1
                ELSE p_attempt.failures + 1 END
$$;
REVOKE ALL ON FUNCTION auth._count_failures FROM PUBLIC;

-- Whether the account, the address or the pair is locked. An address from which the user logged in within 90 days is
-- held to the pair's lock only, so that failures elsewhere cannot lock the owner out. Raises nothing, takes no lock.
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
REVOKE ALL ON FUNCTION auth._locked FROM PUBLIC;

-- The same, for the service's role. Raises nothing, takes no lock.
CREATE OR REPLACE FUNCTION auth.is_locked(p_user uuid, p_account bytea, p_address bytea, p_pair bytea) RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT auth._locked(p_user, p_account, p_address, p_pair)
$$;
REVOKE ALL ON FUNCTION auth.is_locked FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.is_locked TO loctician_auth;

-- Notes that the user logged in from this address, at most once an hour. Raises nothing, locks that row.
CREATE OR REPLACE FUNCTION auth._remember_address(p_user uuid, p_address bytea) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO auth.known_addresses AS k (user_id, address, seen_at)
    VALUES (p_user, p_address, clock_timestamp())
    ON CONFLICT (user_id, address) DO UPDATE SET seen_at = excluded.seen_at
    WHERE k.seen_at < excluded.seen_at - interval '1 hour';
END $$;
REVOKE ALL ON FUNCTION auth._remember_address FROM PUBLIC;

-- Whether the user has sessions, none of this program (user agents without version numbers). Raises nothing, takes no
-- lock.
CREATE OR REPLACE FUNCTION auth._is_new_device(p_user uuid, p_agent text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE unlike text := '[0-9.]+'; program text := regexp_replace(coalesce(p_agent, ''), unlike, '', 'g');
BEGIN
    RETURN EXISTS (SELECT FROM auth.sessions s WHERE s.user_id = p_user) AND NOT EXISTS (
        SELECT FROM auth.sessions s
        WHERE s.user_id = p_user AND regexp_replace(coalesce(s.user_agent, ''), unlike, '', 'g') = program);
END $$;
REVOKE ALL ON FUNCTION auth._is_new_device FROM PUBLIC;

-- The first step of a login. p_email: the address in lower case; p_account, p_address, p_pair: keys of the attempts.
-- Returns always one row: password_hash is NULL for a user who is unknown, deactivated, locked, without a password, or
-- whose address is not verified: that password may be a stranger's, who has registered the address.
-- Raises nothing, takes no lock.
CREATE OR REPLACE FUNCTION auth.begin_login(p_email text, p_account bytea, p_address bytea, p_pair bytea)
RETURNS TABLE (user_id uuid, password_hash text, changed_at timestamptz, mfa_secret bytea, locked boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SELECT u.id, c.password_hash, c.changed_at, m.secret INTO user_id, password_hash, changed_at, mfa_secret
    FROM auth.users u
    LEFT JOIN auth.credentials c ON c.user_id = u.id AND u.email_verified
    LEFT JOIN auth.mfa m ON m.user_id = u.id AND m.confirmed_at IS NOT NULL
    WHERE u.email = p_email AND u.active;
    locked := auth._locked(user_id, p_account, p_address, p_pair);
    password_hash := CASE WHEN NOT locked THEN password_hash END;
    RETURN NEXT;
END $$;
REVOKE ALL ON FUNCTION auth.begin_login FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.begin_login TO loctician_auth;

-- Counts a failed attempt under the three keys. Returns until when that locks something, else NULL. Attempts while
-- locked are not counted, so that nobody can make a lock longer. Raises nothing. Locks the rows of login_attempts in
-- the order of their keys, so that two failures do not wait for each other in a circle.
CREATE OR REPLACE FUNCTION auth.record_failure(p_user uuid, p_account bytea, p_address bytea, p_pair bytea)
RETURNS timestamptz LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE attempt record; until timestamptz; longest timestamptz;
BEGIN
    IF auth._locked(p_user, p_account, p_address, p_pair) THEN RETURN NULL; END IF;
    FOR attempt IN SELECT * FROM (VALUES ('pair', p_pair), ('account', p_account), ('address', p_address))
               AS keys (scope, key) ORDER BY key LOOP
        INSERT INTO auth.login_attempts AS a (key, scope, failures, last_failure_at)
        VALUES (attempt.key, attempt.scope, 1, clock_timestamp())
        ON CONFLICT (key) DO UPDATE SET
            failures = auth._count_failures(a),
            locked_until = clock_timestamp() + auth._lock_duration(a.scope, auth._count_failures(a)),
            last_failure_at = clock_timestamp()
        WHERE a.locked_until IS NULL OR a.locked_until <= clock_timestamp()
        RETURNING a.locked_until INTO until;
        longest := greatest(longest, until);
    END LOOP;
    RETURN longest;
END $$;
REVOKE ALL ON FUNCTION auth.record_failure FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.record_failure TO loctician_auth;

-- The last step of a login whose password was right, or of one by a mailed token (p_changed_at: NULL). Checks again,
-- under locks, that the user is active and verified, still has the password of p_changed_at and is not locked (by a mailed token: where a code is asked for), and uses up the code (p_step: TOTP step; p_recovery: hash of a
-- recovery code). p_rehash: a new hash of the password, or NULL; p_agent, p_host: user agent and address of the
-- session. Returns outcome opened, refused, code_needed or code_wrong; new_device: the user has sessions, none of
-- this program. Raises unique_violation when p_session or p_token is there already. Locks users (share), mfa,
-- recovery_codes, credentials, login_attempts, known_addresses, in this order.
CREATE OR REPLACE FUNCTION auth.open_session(p_session uuid, p_user uuid, p_changed_at timestamptz, p_rehash text,
    p_token bytea, p_expires timestamptz, p_account bytea, p_address bytea, p_pair bytea,
    p_step bigint, p_recovery bytea, p_agent text, p_host text)
RETURNS TABLE (outcome text, role text, new_device boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE person auth.users;
BEGIN
    SELECT * INTO person FROM auth.users u WHERE u.id = p_user AND u.active AND u.email_verified FOR SHARE;
    IF NOT FOUND OR NOT (p_changed_at IS NULL OR EXISTS (
            SELECT FROM auth.credentials c WHERE c.user_id = p_user AND c.changed_at = p_changed_at))
        OR auth._locked(p_user, p_account, p_address, p_pair) AND (
            p_changed_at IS NOT NULL
            OR EXISTS (SELECT FROM auth.mfa m WHERE m.user_id = p_user AND m.confirmed_at IS NOT NULL))
    THEN RETURN QUERY SELECT 'refused', NULL::text, NULL::boolean; RETURN; END IF;
    outcome := auth._use_code(p_user, p_step, p_recovery);
    IF outcome <> 'right' THEN RETURN QUERY SELECT outcome, NULL::text, NULL::boolean; RETURN; END IF;
    IF p_rehash IS NOT NULL THEN
        UPDATE auth.credentials c SET password_hash = p_rehash WHERE c.user_id = p_user;
    END IF;
    DELETE FROM auth.login_attempts a WHERE a.key = p_pair;
    PERFORM auth._remember_address(p_user, p_address);
    outcome := 'opened';
    role := person.role;
    new_device := auth._is_new_device(p_user, p_agent);
    INSERT INTO auth.sessions (id, user_id, user_agent, address, expires_at, second_factor)
    VALUES (p_session, p_user, p_agent, p_host, p_expires,
        EXISTS (SELECT FROM auth.mfa m WHERE m.user_id = p_user AND m.confirmed_at IS NOT NULL));
    INSERT INTO auth.refresh_tokens (token_hash, session_id, expires_at) VALUES (p_token, p_session, p_expires);
    RETURN NEXT;
END $$;
REVOKE ALL ON FUNCTION auth.open_session FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.open_session TO loctician_auth;

-- Emits an event with the user as its actor. p_claims: claims of the transaction; p_subject: id of what it is about.
-- Raises what emit() raises, locks nothing but the new row.
CREATE OR REPLACE FUNCTION auth._emit_as(
    p_claims jsonb, p_event uuid, p_type text, p_subject uuid, p_user uuid, p_role text,
    p_session uuid, p_version integer, p_data jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM set_config('request.jwt.claims',
        (p_claims || jsonb_build_object('actor_id', p_user, 'actor_role', p_role))::text, true);
    PERFORM auth.emit(p_event, p_type, p_subject::text, p_version,
        jsonb_build_object('version', p_version, 'session_id', p_session, 'user_id', p_user) || p_data);
END $$;
REVOKE ALL ON FUNCTION auth._emit_as FROM PUBLIC;

-- Counts a failure and emits login.failed.v1, and login.locked.v1 where it locks something. p_reason: password,
-- code or locked. Raises what emit() raises. Locks as record_failure() does.
CREATE OR REPLACE FUNCTION auth._record_failed_login(
    p_claims jsonb, p_event uuid, p_user uuid, p_account bytea, p_address bytea,
    p_pair bytea, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE until timestamptz := auth.record_failure(p_user, p_account, p_address, p_pair);
BEGIN
    PERFORM set_config('request.jwt.claims', p_claims::text, true);
    PERFORM auth.emit(p_event, 'login.failed.v1', p_user::text, 1,
        jsonb_build_object('version', 1, 'user_id', p_user, 'reason', p_reason));
    IF until IS NOT NULL THEN
        PERFORM auth.emit(auth._new_id(), 'login.locked.v1', p_user::text, 1, jsonb_build_object('version', 1,
            'user_id', p_user, 'expires_at', to_char(until AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')));
    END IF;
END $$;
REVOKE ALL ON FUNCTION auth._record_failed_login FROM PUBLIC;

-- open_session() and its event session.started.v1, or the count of a wrong code, in one transaction.
-- Arguments as of open_session(), with p_claims and p_event for the event. Returns outcome and role.
-- Raises and locks as open_session(), then record_failure().
CREATE OR REPLACE FUNCTION auth.log_in(
    p_claims jsonb, p_event uuid, p_session uuid, p_user uuid, p_changed_at timestamptz,
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
        PERFORM auth._record_failed_login(p_claims, p_event, p_user, p_account, p_address, p_pair,
            CASE opened.outcome WHEN 'code_wrong' THEN 'code' ELSE 'locked' END);
    END IF;
    RETURN QUERY SELECT opened.outcome, opened.role;
END $$;
REVOKE ALL ON FUNCTION auth.log_in FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.log_in TO loctician_auth;

-- Removes the failures of an account and of a pair, after a password was set anew. Raises nothing, locks these rows.
CREATE OR REPLACE FUNCTION auth.clear_failures(p_account bytea, p_pair bytea) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DELETE FROM auth.login_attempts WHERE key IN (p_account, p_pair)
$$;
REVOKE ALL ON FUNCTION auth.clear_failures FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.clear_failures TO loctician_auth;
