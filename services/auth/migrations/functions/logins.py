"""SQL of coming in: beginning a login, counting failures, locking out, opening a session.

Each function runs as the owner, with a pinned search path. Attempts are counted under keys that say
nothing: HMACs of the account, of the address, and of both together.
"""

FUNCTIONS = """
-- How long the p_failures-th failure in a row locks its key: nothing at first, then doubling, up to a bound.
CREATE FUNCTION auth._delay(p_scope text, p_failures integer) RETURNS interval
LANGUAGE sql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN p_failures >= free
                THEN make_interval(secs => least(15 * 2 ^ least(p_failures - free, 20), longest)) END
    FROM (VALUES ('pair', 5, 900), ('account', 20, 300), ('address', 50, 900)) AS bounds (scope, free, longest)
    WHERE scope = p_scope
$$;
-- How many failures in a row it is with this one; a day without any begins anew.
CREATE FUNCTION auth._failures(p_attempt auth.login_attempts) RETURNS integer
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN p_attempt.last_failure_at < clock_timestamp() - interval '1 day' THEN 1
                ELSE p_attempt.failures + 1 END
$$;
-- An address from which the account came in lately is held to the narrowest count alone, so that what strangers do
-- elsewhere cannot shut its owner out.
CREATE FUNCTION auth._locked(p_user uuid, p_account bytea, p_address bytea, p_pair bytea) RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM auth.login_attempts a
        WHERE a.locked_until > clock_timestamp()
            AND (a.key = p_pair OR (a.key IN (p_account, p_address) AND NOT EXISTS (
                SELECT FROM auth.known_addresses k
                WHERE k.user_id = p_user AND k.address = p_address
                    AND k.seen_at > clock_timestamp() - interval '90 days'
            ))))
$$;
CREATE FUNCTION auth._remember(p_user uuid, p_address bytea) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO auth.known_addresses AS k (user_id, address, seen_at)
    VALUES (p_user, p_address, clock_timestamp())
    ON CONFLICT (user_id, address) DO UPDATE SET seen_at = excluded.seen_at
    WHERE k.seen_at < excluded.seen_at - interval '1 hour'
$$;
-- Always one row: what is unknown, deactivated, locked or without a password has no hash.
CREATE FUNCTION auth.begin_login(p_email text, p_account bytea, p_address bytea, p_pair bytea)
RETURNS TABLE (user_id uuid, password_hash text, changed_at timestamptz, mfa_secret bytea, locked boolean)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT u.id, CASE WHEN NOT l.locked THEN c.password_hash END, c.changed_at, m.secret, l.locked
    FROM (SELECT 1) AS one
    LEFT JOIN auth.users u ON u.email = p_email AND u.active
    LEFT JOIN auth.credentials c ON c.user_id = u.id
    LEFT JOIN auth.mfa m ON m.user_id = u.id AND m.confirmed_at IS NOT NULL
    CROSS JOIN LATERAL (SELECT auth._locked(u.id, p_account, p_address, p_pair) AS locked) AS l
$$;
-- Attempts on a locked key are not counted: nobody makes a lock longer by knocking on it. Keys are taken in one order,
-- so that two failures never wait for each other. Answers until when the failure locks something, if it does.
CREATE FUNCTION auth.record_failure(p_user uuid, p_account bytea, p_address bytea, p_pair bytea) RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE one record; until timestamptz; longest timestamptz;
BEGIN
    IF auth._locked(p_user, p_account, p_address, p_pair) THEN RETURN NULL; END IF;
    FOR one IN SELECT * FROM (VALUES ('pair', p_pair), ('account', p_account), ('address', p_address))
               AS keys (scope, key) ORDER BY key LOOP
        INSERT INTO auth.login_attempts AS a (key, scope, failures, last_failure_at)
        VALUES (one.key, one.scope, 1, clock_timestamp())
        ON CONFLICT (key) DO UPDATE SET
            failures = auth._failures(a),
            locked_until = clock_timestamp() + auth._delay(a.scope, auth._failures(a)),
            last_failure_at = clock_timestamp()
        WHERE a.locked_until IS NULL OR a.locked_until <= clock_timestamp()
        RETURNING a.locked_until INTO until;
        longest := greatest(longest, until);
    END LOOP;
    RETURN longest;
END $$;
-- The last word on a login whose password was right. What may have changed meanwhile is looked at again under locks:
-- whether the user is active, has that password still, and is not locked; and a code is used up here.
CREATE FUNCTION auth.open_session(p_session uuid, p_user uuid, p_changed_at timestamptz, p_rehash text,
    p_token bytea, p_expires timestamptz, p_account bytea, p_address bytea, p_pair bytea,
    p_step bigint, p_recovery bytea, p_agent text, p_host text)
RETURNS TABLE (outcome text, role text, new_device boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE person auth.users; unlike text := '[0-9.]+'; known boolean; any_before boolean;
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
    SELECT count(*) > 0, coalesce(bool_or(regexp_replace(coalesce(s.user_agent, ''), unlike, '', 'g')
                                          = regexp_replace(coalesce(p_agent, ''), unlike, '', 'g')), false)
    INTO any_before, known FROM auth.sessions s WHERE s.user_id = p_user;
    INSERT INTO auth.sessions (id, user_id, user_agent, address, expires_at)
    VALUES (p_session, p_user, p_agent, p_host, p_expires);
    INSERT INTO auth.refresh_tokens (token_hash, session_id, expires_at) VALUES (p_token, p_session, p_expires);
    RETURN QUERY SELECT 'opened', person.role, any_before AND NOT known;
END $$;
"""
