"""SQL of a person as a whole: registering, exporting, forgetting."""

FUNCTIONS = """
-- Without p_hash the user has no password yet: the mailed token sets the first one.
CREATE FUNCTION auth.register(p_id uuid, p_email text, p_name text, p_phone text, p_language text, p_role text,
                              p_verified boolean, p_hash text)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO auth.users (id, email, full_name, phone, language, role, email_verified)
    VALUES (p_id, p_email, p_name, p_phone, p_language, p_role, p_verified) ON CONFLICT (email) DO NOTHING;
    IF NOT FOUND THEN RETURN false; END IF;
    INSERT INTO auth.credentials (user_id, password_hash) SELECT p_id, p_hash WHERE p_hash IS NOT NULL;
    RETURN true;
END $$;
CREATE FUNCTION auth.export_secrets(p_user uuid) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT jsonb_build_object(
        'password_changed_at', (SELECT c.changed_at FROM auth.credentials c WHERE c.user_id = p_user),
        'second_factor_since', (SELECT m.confirmed_at FROM auth.mfa m WHERE m.user_id = p_user),
        'sessions', (SELECT coalesce(jsonb_agg(to_jsonb(s) - 'user_id' ORDER BY s.created_at), '[]')
                     FROM auth.sessions s WHERE s.user_id = p_user))
$$;
CREATE FUNCTION auth.forget_secrets(p_user uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DELETE FROM auth.credentials WHERE user_id = p_user;
    DELETE FROM auth.mfa WHERE user_id = p_user;
    DELETE FROM auth.one_time_tokens WHERE user_id = p_user;
    DELETE FROM auth.known_addresses WHERE user_id = p_user;
    UPDATE auth.sessions SET user_agent = NULL, address = NULL WHERE user_id = p_user;
$$;
"""
