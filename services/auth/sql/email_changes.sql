-- Changes of the own address, which count once the token mailed to the new one is used.
-- Locks are taken in the order one_time_tokens, users, email_changes.

-- Closed to the runtime role, as the tables in access.sql: only the functions reach it.
DROP POLICY IF EXISTS email_changes_functions ON auth.email_changes;
CREATE POLICY email_changes_functions ON auth.email_changes USING ((SELECT auth.is_owner()));

-- Stores a token (p_hash: its hash) for a new address; earlier ones of the user end. Returns the user, and whether the
-- address is free; no row for an unknown or deactivated user, or after five requests within an hour.
-- Raises unique_violation when p_hash is there already. Locks the user's row, then those of email_changes.
CREATE OR REPLACE FUNCTION auth.request_email_change(
    p_user uuid, p_email text, p_hash bytea, p_expires timestamptz)
RETURNS TABLE (user_id uuid, email text, full_name text, language text, version integer, free boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE person auth.users;
BEGIN
    SELECT * INTO person FROM auth.users u WHERE u.id = p_user AND u.active FOR UPDATE;
    IF NOT FOUND OR 5 <= (SELECT count(*) FROM auth.email_changes c
                          WHERE c.user_id = p_user AND c.created_at > clock_timestamp() - interval '1 hour')
    THEN RETURN; END IF;
    PERFORM auth.end_email_changes(p_user);
    INSERT INTO auth.email_changes (token_hash, user_id, email, expires_at) VALUES (p_hash, p_user, p_email, p_expires);
    RETURN QUERY SELECT person.id, person.email, person.full_name, person.language, person.version,
        NOT EXISTS (SELECT FROM auth.users u WHERE u.email = p_email);
END $$;
REVOKE ALL ON FUNCTION auth.request_email_change FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.request_email_change TO loctician_auth;

-- Uses up a token: the user has the new address, which is verified. Returns the user and the old address; no row when
-- the token is unknown or expired, the user deactivated, or the address taken meanwhile. Raises nothing.
-- Locks the user's rows of one_time_tokens, users and email_changes.
CREATE OR REPLACE FUNCTION auth.confirm_email_change(p_hash bytea) RETURNS TABLE (user_id uuid, old_email text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE person auth.users; change auth.email_changes;
BEGIN
    SELECT * INTO change FROM auth.email_changes c WHERE c.token_hash = p_hash AND c.expires_at > clock_timestamp();
    DELETE FROM auth.one_time_tokens t WHERE t.user_id = change.user_id;
    SELECT * INTO person FROM auth.users u WHERE u.id = change.user_id AND u.active FOR UPDATE;
    IF NOT FOUND THEN RETURN; END IF;
    DELETE FROM auth.email_changes c WHERE c.token_hash = p_hash AND c.expires_at > clock_timestamp();
    IF NOT FOUND THEN RETURN; END IF;
    UPDATE auth.users u SET email = change.email, email_verified = true, version = u.version + 1,
        updated_at = clock_timestamp() WHERE u.id = person.id;
    RETURN QUERY SELECT person.id, person.email;
EXCEPTION WHEN unique_violation THEN RETURN;
END $$;
REVOKE ALL ON FUNCTION auth.confirm_email_change FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.confirm_email_change TO loctician_auth;

-- Makes the user's tokens invalid. Their rows stay a day, for the count of requests. Raises nothing, locks these rows.
CREATE OR REPLACE FUNCTION auth.end_email_changes(p_user uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE auth.email_changes SET expires_at = clock_timestamp()
    WHERE user_id = p_user AND expires_at > clock_timestamp()
$$;
REVOKE ALL ON FUNCTION auth.end_email_changes FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.end_email_changes TO loctician_auth;

-- Retention, as in retention.sql: counts what expired before p_before, and removes a batch of it.
CREATE OR REPLACE FUNCTION auth.due_email_changes(p_before timestamptz) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT count(*) FROM (
        SELECT FROM auth.email_changes AS t
        WHERE t.expires_at < least(p_before, now() - interval '1 day')
        LIMIT 1000000
    ) AS due
$$;
REVOKE ALL ON FUNCTION auth.due_email_changes FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.due_email_changes TO loctician_auth;

-- Removes them.
CREATE OR REPLACE FUNCTION auth.remove_email_changes(p_before timestamptz, p_limit integer) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH removed AS (
        DELETE FROM auth.email_changes WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM auth.email_changes AS t
            WHERE t.expires_at < least(p_before, now() - interval '1 day')
            LIMIT p_limit FOR UPDATE SKIP LOCKED))
        RETURNING 1
    ) SELECT count(*) FROM removed
$$;
REVOKE ALL ON FUNCTION auth.remove_email_changes FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.remove_email_changes TO loctician_auth;
