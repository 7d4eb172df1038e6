-- Retention: for each policy a function that counts what is due, and one that removes a batch of it. p_before: older
-- than this is due; p_limit: rows of one batch. Whatever the caller asks for, nothing younger than the policy's
-- least age is taken, so that the runtime role cannot end a session or remove a failure with them. Counts stop at a
-- million. They raise nothing, unless said below; removal locks the rows it takes and skips rows that others have
-- locked.

-- Counts sessions that ended before p_before.
CREATE OR REPLACE FUNCTION auth.due_sessions(p_before timestamptz) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT count(*) FROM (
        SELECT FROM auth.sessions AS t
        WHERE least(t.revoked_at, t.expires_at) < least(p_before, now() - interval '1 day')
        LIMIT 1000000
    ) AS due
$$;
REVOKE ALL ON FUNCTION auth.due_sessions FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.due_sessions TO loctician_auth;

-- Removes them.
CREATE OR REPLACE FUNCTION auth.remove_sessions(p_before timestamptz, p_limit integer) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH removed AS (
        DELETE FROM auth.sessions WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM auth.sessions AS t
            WHERE least(t.revoked_at, t.expires_at) < least(p_before, now() - interval '1 day')
            LIMIT p_limit FOR UPDATE SKIP LOCKED))
        RETURNING 1
    ) SELECT count(*) FROM removed
$$;
REVOKE ALL ON FUNCTION auth.remove_sessions FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.remove_sessions TO loctician_auth;

-- Counts refresh tokens that expired before p_before. Used ones stay until they expire, because their reuse shows a
-- thief.
CREATE OR REPLACE FUNCTION auth.due_refresh_tokens(p_before timestamptz) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT count(*) FROM (
        SELECT FROM auth.refresh_tokens AS t
        WHERE t.expires_at < least(p_before, now() - interval '1 day')
        LIMIT 1000000
    ) AS due
$$;
REVOKE ALL ON FUNCTION auth.due_refresh_tokens FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.due_refresh_tokens TO loctician_auth;

-- Removes them.
CREATE OR REPLACE FUNCTION auth.remove_refresh_tokens(p_before timestamptz, p_limit integer) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH removed AS (
        DELETE FROM auth.refresh_tokens WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM auth.refresh_tokens AS t
            WHERE t.expires_at < least(p_before, now() - interval '1 day')
            LIMIT p_limit FOR UPDATE SKIP LOCKED))
        RETURNING 1
    ) SELECT count(*) FROM removed
$$;
REVOKE ALL ON FUNCTION auth.remove_refresh_tokens FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.remove_refresh_tokens TO loctician_auth;

-- Counts one-time tokens that expired before p_before.
CREATE OR REPLACE FUNCTION auth.due_one_time_tokens(p_before timestamptz) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT count(*) FROM (
        SELECT FROM auth.one_time_tokens AS t
        WHERE t.expires_at < least(p_before, now() - interval '1 day')
        LIMIT 1000000
    ) AS due
$$;
REVOKE ALL ON FUNCTION auth.due_one_time_tokens FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.due_one_time_tokens TO loctician_auth;

-- Removes them.
CREATE OR REPLACE FUNCTION auth.remove_one_time_tokens(p_before timestamptz, p_limit integer) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH removed AS (
        DELETE FROM auth.one_time_tokens WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM auth.one_time_tokens AS t
            WHERE t.expires_at < least(p_before, now() - interval '1 day')
            LIMIT p_limit FOR UPDATE SKIP LOCKED))
        RETURNING 1
    ) SELECT count(*) FROM removed
$$;
REVOKE ALL ON FUNCTION auth.remove_one_time_tokens FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.remove_one_time_tokens TO loctician_auth;

-- Counts failures before p_before that lock nothing any more.
CREATE OR REPLACE FUNCTION auth.due_login_attempts(p_before timestamptz) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT count(*) FROM (
        SELECT FROM auth.login_attempts AS t
        WHERE t.last_failure_at < least(p_before, now() - interval '1 day')
            AND (t.locked_until IS NULL OR t.locked_until < now())
        LIMIT 1000000
    ) AS due
$$;
REVOKE ALL ON FUNCTION auth.due_login_attempts FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.due_login_attempts TO loctician_auth;

-- Removes them.
CREATE OR REPLACE FUNCTION auth.remove_login_attempts(p_before timestamptz, p_limit integer) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH removed AS (
        DELETE FROM auth.login_attempts WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM auth.login_attempts AS t
            WHERE t.last_failure_at < least(p_before, now() - interval '1 day')
                AND (t.locked_until IS NULL OR t.locked_until < now())
            LIMIT p_limit FOR UPDATE SKIP LOCKED))
        RETURNING 1
    ) SELECT count(*) FROM removed
$$;
REVOKE ALL ON FUNCTION auth.remove_login_attempts FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.remove_login_attempts TO loctician_auth;

-- Counts addresses from which nobody logged in since p_before.
CREATE OR REPLACE FUNCTION auth.due_known_addresses(p_before timestamptz) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT count(*) FROM (
        SELECT FROM auth.known_addresses AS t
        WHERE t.seen_at < least(p_before, now() - interval '30 days')
        LIMIT 1000000
    ) AS due
$$;
REVOKE ALL ON FUNCTION auth.due_known_addresses FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.due_known_addresses TO loctician_auth;

-- Removes them.
CREATE OR REPLACE FUNCTION auth.remove_known_addresses(p_before timestamptz, p_limit integer) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH removed AS (
        DELETE FROM auth.known_addresses WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM auth.known_addresses AS t
            WHERE t.seen_at < least(p_before, now() - interval '30 days')
            LIMIT p_limit FOR UPDATE SKIP LOCKED))
        RETURNING 1
    ) SELECT count(*) FROM removed
$$;
REVOKE ALL ON FUNCTION auth.remove_known_addresses FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.remove_known_addresses TO loctician_auth;

-- Counts enrolments of a second factor that began before p_before and were not confirmed.
CREATE OR REPLACE FUNCTION auth.due_enrolments(p_before timestamptz) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT count(*) FROM (
        SELECT FROM auth.mfa AS t
        WHERE t.confirmed_at IS NULL AND t.started_at < least(p_before, now() - interval '1 day')
        LIMIT 1000000
    ) AS due
$$;
REVOKE ALL ON FUNCTION auth.due_enrolments FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.due_enrolments TO loctician_auth;

-- Removes them.
CREATE OR REPLACE FUNCTION auth.remove_enrolments(p_before timestamptz, p_limit integer) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH removed AS (
        DELETE FROM auth.mfa WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM auth.mfa AS t
            WHERE t.confirmed_at IS NULL AND t.started_at < least(p_before, now() - interval '1 day')
            LIMIT p_limit FOR UPDATE SKIP LOCKED))
        RETURNING 1
    ) SELECT count(*) FROM removed
$$;
REVOKE ALL ON FUNCTION auth.remove_enrolments FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.remove_enrolments TO loctician_auth;

-- Counts rows of users who were erased before p_before.
CREATE OR REPLACE FUNCTION auth.due_erased_users(p_before timestamptz) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT count(*) FROM (
        SELECT FROM auth.users AS t
        WHERE t.email = t.id || '@erased.invalid' AND t.updated_at < least(p_before, now() - interval '120 days')
        LIMIT 1000000
    ) AS due
$$;
REVOKE ALL ON FUNCTION auth.due_erased_users FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.due_erased_users TO loctician_auth;

-- Removes them.
CREATE OR REPLACE FUNCTION auth.remove_erased_users(p_before timestamptz, p_limit integer) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH removed AS (
        DELETE FROM auth.users WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM auth.users AS t
            WHERE t.email = t.id || '@erased.invalid' AND t.updated_at < least(p_before, now() - interval '120 days')
            LIMIT p_limit FOR UPDATE SKIP LOCKED))
        RETURNING 1
    ) SELECT count(*) FROM removed
$$;
REVOKE ALL ON FUNCTION auth.remove_erased_users FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.remove_erased_users TO loctician_auth;

-- Counts customers who registered before p_before, never verified their address, have not logged in since, and have no
-- valid one-time token. Those whose erasure was requested within 30 days are left out.
CREATE OR REPLACE FUNCTION auth.due_never_verified(p_before timestamptz) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT count(*) FROM (
        SELECT FROM auth.users AS t
        WHERE t.first_verified_at IS NULL AND t.active AND t.role = 'customer'
            AND t.created_at < least(p_before, now() - interval '7 days')
            AND (t.erasure_requested_at IS NULL OR t.erasure_requested_at < now() - interval '30 days')
            AND (t.registered_by IS NOT NULL OR EXISTS (SELECT FROM auth.credentials c WHERE c.user_id = t.id))
            AND NOT EXISTS (SELECT FROM auth.sessions s
                WHERE s.user_id = t.id AND s.last_used_at >= least(p_before, now() - interval '7 days'))
            AND NOT EXISTS (SELECT FROM auth.known_addresses k
                WHERE k.user_id = t.id AND k.seen_at >= least(p_before, now() - interval '7 days'))
            AND NOT EXISTS (SELECT FROM auth.one_time_tokens o WHERE o.user_id = t.id AND o.expires_at > now())
        LIMIT 1000000
    ) AS due
$$;
REVOKE ALL ON FUNCTION auth.due_never_verified FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.due_never_verified TO loctician_auth;

-- A new id of an event: a UUID of version 7 (RFC 9562). Raises nothing, takes no lock.
CREATE OR REPLACE FUNCTION auth._new_id() RETURNS uuid
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT encode(set_bit(set_bit(overlay(
        uuid_send(gen_random_uuid())
        PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6
    ), 52, 1), 53, 1), 'hex')::uuid
$$;
REVOKE ALL ON FUNCTION auth._new_id FROM PUBLIC;

-- Requests the erasure of these customers, everywhere, by the event user.never_verified.v1; removes nothing itself.
-- Raises what emit() raises.
CREATE OR REPLACE FUNCTION auth.remove_never_verified(p_before timestamptz, p_limit integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE customer record; requested bigint := 0;
BEGIN
    FOR customer IN
        UPDATE auth.users u SET erasure_requested_at = now()
        WHERE u.id IN (
            SELECT t.id FROM auth.users AS t
            WHERE t.first_verified_at IS NULL AND t.active AND t.role = 'customer'
                AND t.created_at < least(p_before, now() - interval '7 days')
                AND (t.erasure_requested_at IS NULL OR t.erasure_requested_at < now() - interval '30 days')
                AND (t.registered_by IS NOT NULL OR EXISTS (SELECT FROM auth.credentials c WHERE c.user_id = t.id))
                AND NOT EXISTS (SELECT FROM auth.sessions s
                    WHERE s.user_id = t.id AND s.last_used_at >= least(p_before, now() - interval '7 days'))
                AND NOT EXISTS (SELECT FROM auth.known_addresses k
                    WHERE k.user_id = t.id AND k.seen_at >= least(p_before, now() - interval '7 days'))
                AND NOT EXISTS (SELECT FROM auth.one_time_tokens o WHERE o.user_id = t.id AND o.expires_at > now())
            ORDER BY t.created_at LIMIT p_limit FOR UPDATE SKIP LOCKED)
        RETURNING u.id, u.version
    LOOP
        PERFORM auth.emit(auth._new_id(), 'user.never_verified.v1', customer.id::text, customer.version,
                          jsonb_build_object('version', customer.version, 'user_id', customer.id));
        requested := requested + 1;
    END LOOP;
    RETURN requested;
END $$;
REVOKE ALL ON FUNCTION auth.remove_never_verified FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.remove_never_verified TO loctician_auth;
