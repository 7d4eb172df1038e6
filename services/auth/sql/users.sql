-- Users: who sees and changes them, registration, export and erasure of their secrets.

-- A user sees their own row; staff, admins and the service see all.
DROP POLICY IF EXISTS users_read ON auth.users;
CREATE POLICY users_read ON auth.users FOR SELECT USING (
    id = (SELECT auth.claim_sub()) OR (SELECT auth.claim_role()) IN ('staff', 'admin', 'service')
    OR (SELECT auth.is_owner()));

DROP POLICY IF EXISTS users_add ON auth.users;
CREATE POLICY users_add ON auth.users FOR INSERT WITH CHECK (
    (SELECT auth.claim_role()) IN ('admin', 'service') OR (SELECT auth.is_owner()));

-- A user changes their own row, but not their role; staff change customers as well, see check_staff_change.
DROP POLICY IF EXISTS users_change ON auth.users;
CREATE POLICY users_change ON auth.users FOR UPDATE
    USING (id = (SELECT auth.claim_sub()) OR (SELECT auth.claim_role()) IN ('admin', 'service')
        OR ((SELECT auth.claim_role()) = 'staff' AND role = 'customer') OR (SELECT auth.is_owner()))
    WITH CHECK ((SELECT auth.claim_role()) IN ('admin', 'service') OR (SELECT auth.is_owner())
        OR ((SELECT auth.claim_role()) = 'staff' AND role = 'customer')
        OR (id = (SELECT auth.claim_sub()) AND role = (SELECT auth.claim_role())));

-- Trigger: staff change nothing of another user by which somebody signs in. Raises insufficient_privilege, takes no lock.
CREATE OR REPLACE FUNCTION auth.check_staff_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF auth.claim_role() = 'staff' AND NOT auth.is_owner() AND OLD.id <> auth.claim_sub()
        AND (NEW.id, NEW.email, NEW.role, NEW.active, NEW.email_verified)
            <> (OLD.id, OLD.email, OLD.role, OLD.active, OLD.email_verified) THEN
        RAISE insufficient_privilege USING MESSAGE = 'staff correct only the name, phone and language of a customer';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER check_staff_change BEFORE UPDATE ON auth.users
    FOR EACH ROW EXECUTE FUNCTION auth.check_staff_change();

DROP POLICY IF EXISTS users_remove ON auth.users;
CREATE POLICY users_remove ON auth.users FOR DELETE USING ((SELECT auth.is_owner()));

-- What is checked of a user, and of the session, before a token is issued. Raises nothing, takes no lock.
CREATE OR REPLACE FUNCTION auth.account(p_user uuid, p_session uuid)
RETURNS TABLE (id uuid, email text, role text, active boolean, mac bytea, second_factor boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT u.id, u.email, u.role, u.active, u.mac,
        EXISTS (SELECT FROM auth.sessions s WHERE s.id = p_session AND s.user_id = u.id AND s.second_factor)
    FROM auth.users u WHERE u.id = p_user;
END $$;
REVOKE ALL ON FUNCTION auth.account FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.account TO loctician_auth;

-- Trigger: sets first_verified_at when the address is verified for the first time. A changed address is unverified
-- again, which is no reason to erase a customer of many years. Raises nothing, takes no lock of its own.
CREATE OR REPLACE FUNCTION auth.note_first_verified() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.first_verified_at := coalesce(NEW.first_verified_at, clock_timestamp());
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER first_verified BEFORE INSERT OR UPDATE OF email_verified ON auth.users
    FOR EACH ROW WHEN (NEW.email_verified) EXECUTE FUNCTION auth.note_first_verified();

-- Adds a user. p_hash: hash of the password; NULL for a user without one. p_browser: digest of the cookie of the
-- browser that registers the address, NULL for a user whom the salon adds.
-- Returns false when the e-mail address is taken. Raises check_violation for an unknown language or role.
-- Locks the new rows only; waits for a registration with the same address that has not committed yet.
CREATE OR REPLACE FUNCTION auth.register(
    p_id uuid, p_email text, p_name text, p_phone text, p_language text, p_role text,
                              p_verified boolean, p_hash text, p_browser bytea)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO auth.users (id, email, full_name, phone, language, role, email_verified, registered_by)
    VALUES (p_id, p_email, p_name, p_phone, p_language, p_role, p_verified, p_browser) ON CONFLICT (email) DO NOTHING;
    IF NOT FOUND THEN RETURN false; END IF;
    INSERT INTO auth.credentials (user_id, password_hash) SELECT p_id, p_hash WHERE p_hash IS NOT NULL;
    RETURN true;
END $$;
REVOKE ALL ON FUNCTION auth.register FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.register TO loctician_auth;

-- What the user's export says of password, second factor and sessions. Raises nothing, takes no lock.
CREATE OR REPLACE FUNCTION auth.export_secrets(p_user uuid) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT jsonb_build_object(
        'password_changed_at', (SELECT c.changed_at FROM auth.credentials c WHERE c.user_id = p_user),
        'email_changes', (SELECT coalesce(jsonb_agg(to_jsonb(e) - 'user_id' - 'token_hash' ORDER BY e.created_at), '[]')
                          FROM auth.email_changes e WHERE e.user_id = p_user),
        'second_factor_since', (SELECT m.confirmed_at FROM auth.mfa m WHERE m.user_id = p_user),
        'passkeys', (SELECT coalesce(jsonb_agg(jsonb_build_object('name', k.name, 'created_at', k.created_at,
                            'last_used_at', k.last_used_at) ORDER BY k.created_at), '[]')
                     FROM auth.passkeys k WHERE k.user_id = p_user),
        'sessions', (SELECT coalesce(jsonb_agg(to_jsonb(s) - 'user_id' ORDER BY s.created_at), '[]')
                     FROM auth.sessions s WHERE s.user_id = p_user))
$$;
REVOKE ALL ON FUNCTION auth.export_secrets FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.export_secrets TO loctician_auth;

-- Erasure: removes password, second factor, passkeys, one-time tokens, changes of address and known addresses; keeps sessions
-- without user agent and address. Raises nothing. Locks the user's rows of credentials, mfa, passkeys, one_time_tokens,
-- email_changes, known_addresses, sessions.
CREATE OR REPLACE FUNCTION auth.erase_secrets(p_user uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DELETE FROM auth.credentials WHERE user_id = p_user;
    DELETE FROM auth.mfa WHERE user_id = p_user;
    DELETE FROM auth.passkeys WHERE user_id = p_user;
    DELETE FROM auth.one_time_tokens WHERE user_id = p_user;
    DELETE FROM auth.email_changes WHERE user_id = p_user;
    DELETE FROM auth.known_addresses WHERE user_id = p_user;
    UPDATE auth.sessions SET user_agent = NULL, address = NULL WHERE user_id = p_user;
$$;
REVOKE ALL ON FUNCTION auth.erase_secrets FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.erase_secrets TO loctician_auth;
