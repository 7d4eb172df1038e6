-- The second factor. Secrets arrive encrypted and recovery codes hashed; each code is valid once.

-- Uses up a code: p_step: TOTP step (30 s), which uses up all before it; p_recovery: hash of a recovery code.
-- Returns right, also for a user without a second factor, code_needed or code_wrong.
-- Raises nothing. Locks mfa, then recovery_codes.
CREATE OR REPLACE FUNCTION auth._use_code(p_user uuid, p_step bigint, p_recovery bytea) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE factor auth.mfa;
BEGIN
    SELECT * INTO factor FROM auth.mfa m WHERE m.user_id = p_user AND m.confirmed_at IS NOT NULL FOR UPDATE;
    IF NOT FOUND THEN RETURN 'right'; END IF;
    IF p_step IS NULL AND p_recovery IS NULL THEN RETURN 'code_needed'; END IF;
    UPDATE auth.mfa m SET last_step = p_step WHERE m.user_id = p_user AND p_step > m.last_step;
    IF FOUND THEN RETURN 'right'; END IF;
    UPDATE auth.recovery_codes r SET used_at = clock_timestamp()
    WHERE r.user_id = p_user AND r.code_hash = p_recovery AND r.used_at IS NULL;
    RETURN CASE WHEN FOUND THEN 'right' ELSE 'code_wrong' END;
END $$;
REVOKE ALL ON FUNCTION auth._use_code FROM PUBLIC;

-- Begins an enrolment. Returns false when a second factor is on: it must be switched off first, with a code.
-- Raises foreign_key_violation for an unknown user. Locks the user's row of mfa.
CREATE OR REPLACE FUNCTION auth.enroll_mfa(p_user uuid, p_secret bytea) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO auth.mfa AS m (user_id, secret) VALUES (p_user, p_secret)
    ON CONFLICT (user_id) DO UPDATE
    SET secret = excluded.secret, last_step = 0, started_at = clock_timestamp()
    WHERE m.confirmed_at IS NULL;
    RETURN FOUND;
END $$;
REVOKE ALL ON FUNCTION auth.enroll_mfa FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.enroll_mfa TO loctician_auth;

-- The sealed secret of a confirmed, or of an unconfirmed, second factor. Raises nothing, takes no lock.
CREATE OR REPLACE FUNCTION auth.mfa_secret(p_user uuid, p_confirmed boolean) RETURNS bytea
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT m.secret FROM auth.mfa m WHERE m.user_id = p_user AND (m.confirmed_at IS NOT NULL) = p_confirmed
$$;
REVOKE ALL ON FUNCTION auth.mfa_secret FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.mfa_secret TO loctician_auth;

-- Switches the second factor on and stores the hashes of the recovery codes. p_secret: the sealed secret whose code was
-- checked. Returns false when it was replaced or confirmed meanwhile. Raises nothing. Locks the user's row of mfa.
CREATE OR REPLACE FUNCTION auth.confirm_mfa(p_user uuid, p_secret bytea, p_step bigint, p_codes bytea[]) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE auth.mfa m SET confirmed_at = clock_timestamp(), last_step = p_step
    WHERE m.user_id = p_user AND m.confirmed_at IS NULL AND m.secret = p_secret;
    IF NOT FOUND THEN RETURN false; END IF;
    INSERT INTO auth.recovery_codes (user_id, code_hash) SELECT p_user, code FROM unnest(p_codes) AS codes (code);
    RETURN true;
END $$;
REVOKE ALL ON FUNCTION auth.confirm_mfa FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.confirm_mfa TO loctician_auth;

-- Switches the second factor off with a code. Returns off (there is none), code_wrong (also while locked), or what
-- _use_code() returns. Raises nothing. Locks mfa, then recovery_codes.
CREATE OR REPLACE FUNCTION auth.disable_mfa(p_user uuid, p_step bigint, p_recovery bytea,
                                 p_account bytea, p_address bytea, p_pair bytea) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE result text;
BEGIN
    IF NOT EXISTS (SELECT FROM auth.mfa m WHERE m.user_id = p_user AND m.confirmed_at IS NOT NULL) THEN
        RETURN 'off';
    END IF;
    IF auth._locked(p_user, p_account, p_address, p_pair) THEN RETURN 'code_wrong'; END IF;
    result := auth._use_code(p_user, p_step, p_recovery);
    IF result = 'right' THEN DELETE FROM auth.mfa m WHERE m.user_id = p_user; END IF;
    RETURN result;
END $$;
REVOKE ALL ON FUNCTION auth.disable_mfa FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.disable_mfa TO loctician_auth;

-- Switches the second factor off without a code: for an admin, when the phone and the recovery codes are lost.
-- Returns whether there was one. Raises nothing. Locks the user's row of mfa.
CREATE OR REPLACE FUNCTION auth.remove_mfa(p_user uuid) RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH gone AS (DELETE FROM auth.mfa WHERE user_id = p_user AND confirmed_at IS NOT NULL RETURNING 1)
    SELECT EXISTS (SELECT FROM gone)
$$;
REVOKE ALL ON FUNCTION auth.remove_mfa FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.remove_mfa TO loctician_auth;

-- Replaces the sealed secret by the same one sealed with a new key, unless it was changed meanwhile.
-- Raises nothing. Locks the user's row of mfa.
CREATE OR REPLACE FUNCTION auth.reseal_mfa(p_user uuid, p_old bytea, p_new bytea) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE auth.mfa SET secret = p_new WHERE user_id = p_user AND secret = p_old
$$;
REVOKE ALL ON FUNCTION auth.reseal_mfa FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.reseal_mfa TO loctician_auth;
