"""SQL of the second factor. Secrets arrive encrypted and recovery codes hashed; each code opens once."""

FUNCTIONS = """
-- 'right' also for who has no second factor; else 'code_needed' or 'code_wrong'. A step (30 s) is used up with all
-- before it.
CREATE FUNCTION auth._use_code(p_user uuid, p_step bigint, p_recovery bytea) RETURNS text
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
-- False when a second factor is on already: it must be switched off first, with a code.
CREATE FUNCTION auth.enroll_mfa(p_user uuid, p_secret bytea) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO auth.mfa AS m (user_id, secret) VALUES (p_user, p_secret)
    ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret, last_step = 0 WHERE m.confirmed_at IS NULL;
    RETURN FOUND;
END $$;
CREATE FUNCTION auth.mfa_secret(p_user uuid, p_confirmed boolean) RETURNS bytea
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT m.secret FROM auth.mfa m WHERE m.user_id = p_user AND (m.confirmed_at IS NOT NULL) = p_confirmed
$$;
CREATE FUNCTION auth.confirm_mfa(p_user uuid, p_secret bytea, p_step bigint, p_codes bytea[]) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE auth.mfa m SET confirmed_at = clock_timestamp(), last_step = p_step
    WHERE m.user_id = p_user AND m.confirmed_at IS NULL AND m.secret = p_secret;
    IF NOT FOUND THEN RETURN false; END IF;
    INSERT INTO auth.recovery_codes (user_id, code_hash) SELECT p_user, code FROM unnest(p_codes) AS codes (code);
    RETURN true;
END $$;
CREATE FUNCTION auth.disable_mfa(p_user uuid, p_step bigint, p_recovery bytea,
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
"""
