-- One-time tokens that are mailed: to verify an address (verify), to set a new password (reset), to sign in (login), to
-- confirm what was asked for without an account (request).
-- A row counts only with its MAC, which the service makes with a key that the database does not have. The service
-- reads the row, checks the MAC, and passes it on to the function that uses the token up.

-- Stores a one-time token. p_email: address asked for; p_hash: hash of the token; p_browser: digest of the cookie of the
-- browser that asked, or NULL; p_request: what is confirmed with it, or NULL. Returns the user to mail it to; no row for
-- an unknown address, a verified one (purpose verify), or after five tokens of the purpose within an hour or fifteen
-- within a day. A row is written for an unknown address too, so that both cost the same. Older tokens stay valid, so
-- that a stranger's request does not end the owner's.
-- Raises unique_violation when p_hash is there already. Locks the address (an advisory lock), so that many requests at
-- the same time are counted, and the new row.
CREATE OR REPLACE FUNCTION auth.issue_token(
    p_email text, p_purpose text, p_hash bytea, p_expires timestamptz, p_browser bytea, p_request uuid)
RETURNS TABLE (user_id uuid, email text, full_name text, language text, version integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE person auth.users; lately integer; today integer;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('mails to ' || p_email, 0));
    SELECT * INTO person FROM auth.users u
    WHERE u.email = p_email AND u.active AND (p_purpose <> 'verify' OR NOT u.email_verified);
    SELECT count(*) FILTER (WHERE t.created_at > clock_timestamp() - interval '1 hour'), count(*) INTO lately, today
    FROM auth.one_time_tokens t
    WHERE t.user_id = person.id AND t.purpose = p_purpose AND t.created_at > clock_timestamp() - interval '1 day';
    IF lately >= 5 OR today >= 15 THEN person := NULL; END IF;
    INSERT INTO auth.one_time_tokens (token_hash, user_id, email, purpose, expires_at, browser, request_id)
    VALUES (p_hash, person.id, person.email, p_purpose, p_expires, p_browser, p_request);
    RETURN QUERY SELECT person.id, person.email, person.full_name, person.language, person.version
                 WHERE person.id IS NOT NULL;
END $$;
REVOKE ALL ON FUNCTION auth.issue_token FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.issue_token TO loctician_auth;

-- Adds the MAC to a token that was just issued. Raises nothing, locks its row.
CREATE OR REPLACE FUNCTION auth.sign_token(p_hash bytea, p_mac bytea) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE auth.one_time_tokens SET mac = p_mac WHERE token_hash = p_hash AND mac IS NULL
$$;
REVOKE ALL ON FUNCTION auth.sign_token FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.sign_token TO loctician_auth;

-- A token that has not expired, with what its MAC covers. Raises nothing, takes no lock.
CREATE OR REPLACE FUNCTION auth.read_token(p_hash bytea)
RETURNS TABLE (token_hash bytea, user_id uuid, email text, purpose text, expires_at timestamptz, browser bytea,
    request_id uuid, mac bytea, tries integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT t.token_hash, t.user_id, t.email, t.purpose, t.expires_at, t.browser, t.request_id, t.mac, t.tries
    FROM auth.one_time_tokens t JOIN auth.users u ON u.id = t.user_id AND u.email = t.email AND u.active
    WHERE t.token_hash = p_hash AND t.expires_at > clock_timestamp()
$$;
REVOKE ALL ON FUNCTION auth.read_token FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.read_token TO loctician_auth;

-- Counts a try at the codes of a browser: those of its three newest tokens that sign in, each with less than five tries
-- before. Returns these tokens, as read_token(), with this try. Raises nothing. Locks these rows in the order of their
-- hashes, so that each of many simultaneous tries is counted.
CREATE OR REPLACE FUNCTION auth.try_code(p_browser bytea)
RETURNS TABLE (token_hash bytea, user_id uuid, email text, purpose text, expires_at timestamptz, browser bytea,
    request_id uuid, mac bytea, tries integer)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH newest AS (
        SELECT t.token_hash FROM auth.one_time_tokens t
        WHERE t.browser = p_browser AND t.purpose IN ('login', 'request') AND t.expires_at > clock_timestamp()
        ORDER BY t.created_at DESC LIMIT 3
    ), locked AS (
        SELECT t.token_hash FROM auth.one_time_tokens t JOIN newest n ON n.token_hash = t.token_hash
        ORDER BY t.token_hash FOR UPDATE OF t
    )
    UPDATE auth.one_time_tokens t SET tries = t.tries + 1 FROM locked l
    WHERE t.token_hash = l.token_hash AND t.tries < 5
    RETURNING t.token_hash, t.user_id, t.email, t.purpose, t.expires_at, t.browser, t.request_id, t.mac, t.tries
$$;
REVOKE ALL ON FUNCTION auth.try_code FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.try_code TO loctician_auth;

-- Uses up a one-time token, and all others of its purpose, save those that confirm other requests. p_mac: the MAC that
-- the service has checked. Returns the user, or NULL when the token is unknown, expired, or was mailed to an address
-- that is no longer the user's. Raises nothing. Locks one_time_tokens, then users.
CREATE OR REPLACE FUNCTION auth._use_token(p_hash bytea, p_purpose text, p_mac bytea) RETURNS auth.users
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE token auth.one_time_tokens; person auth.users;
BEGIN
    DELETE FROM auth.one_time_tokens t WHERE t.token_hash = p_hash AND t.purpose = p_purpose AND t.mac = p_mac
    RETURNING * INTO token;
    IF token.user_id IS NULL OR token.expires_at <= clock_timestamp() THEN RETURN NULL; END IF;
    SELECT * INTO person FROM auth.users u WHERE u.id = token.user_id AND u.email = token.email AND u.active FOR UPDATE;
    IF NOT FOUND THEN RETURN NULL; END IF;
    DELETE FROM auth.one_time_tokens t WHERE t.user_id = person.id AND t.purpose = p_purpose AND p_purpose <> 'request';
    RETURN person;
END $$;
REVOKE ALL ON FUNCTION auth._use_token FROM PUBLIC;

-- Removes what somebody may have set who registered another person's address: the password, the second factor, passkeys,
-- changes of address, the places that count as known. The service ends the sessions.
-- Raises nothing. Locks the user's rows of credentials, mfa, email_changes and known_addresses.
CREATE OR REPLACE FUNCTION auth._reset_account(p_user uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DELETE FROM auth.credentials WHERE user_id = p_user;
    DELETE FROM auth.mfa WHERE user_id = p_user;
    DELETE FROM auth.passkeys WHERE user_id = p_user;
    DELETE FROM auth.email_changes WHERE user_id = p_user;
    DELETE FROM auth.known_addresses WHERE user_id = p_user;
$$;
REVOKE ALL ON FUNCTION auth._reset_account FROM PUBLIC;

-- Marks the user's address as verified, by somebody who reads its mail in the browser p_browser. The first time this is
-- another browser than the one that registered the address, what was set before is removed, the phone number too.
-- An account that the salon has made has neither such a browser nor a password, and keeps what the salon has entered.
-- Returns the new version; newly: it was not verified before; reset: what was set before is gone.
-- Raises nothing. Locks users, then as _reset_account().
CREATE OR REPLACE FUNCTION auth._mark_verified(p_user uuid, p_browser bytea)
RETURNS TABLE (user_id uuid, version integer, newly boolean, reset boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE person auth.users;
BEGIN
    SELECT * INTO person FROM auth.users u WHERE u.id = p_user FOR UPDATE;
    newly := NOT person.email_verified;
    reset := newly AND person.first_verified_at IS NULL AND person.registered_by IS DISTINCT FROM p_browser
        AND (person.registered_by IS NOT NULL OR EXISTS (SELECT FROM auth.credentials c WHERE c.user_id = p_user));
    IF reset THEN PERFORM auth._reset_account(p_user); END IF;
    IF newly THEN
        UPDATE auth.users u SET email_verified = true, registered_by = NULL, version = u.version + 1,
            phone = CASE WHEN NOT reset THEN u.phone END, updated_at = clock_timestamp()
        WHERE u.id = p_user;
    END IF;
    RETURN QUERY SELECT u.id, u.version, newly, reset FROM auth.users u WHERE u.id = p_user;
END $$;
REVOKE ALL ON FUNCTION auth._mark_verified FROM PUBLIC;

-- Uses up a token of purpose verify, login or request, and marks the address as verified. Returns as _mark_verified();
-- no row for an invalid token. Raises nothing, locks as _use_token(), then _mark_verified().
CREATE OR REPLACE FUNCTION auth.prove_address(p_hash bytea, p_purpose text, p_mac bytea, p_browser bytea)
RETURNS TABLE (user_id uuid, version integer, newly boolean, reset boolean)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT v.* FROM auth._use_token(p_hash, p_purpose, p_mac) AS p
    CROSS JOIN LATERAL auth._mark_verified(p.id, p_browser) AS v
    WHERE p_purpose IN ('verify', 'login', 'request') AND p.id IS NOT NULL
$$;
REVOKE ALL ON FUNCTION auth.prove_address FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.prove_address TO loctician_auth;
