"""Users, credentials, sessions and signing keys, and the functions that are the only way to the secrets.

Revision ID: 0001
"""

from shared.migrations import (
    create_claim_functions,
    create_inbox,
    create_outbox,
    drop_everything,
    enable_rls,
    grant,
    script,
)

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE auth.users (
    id uuid PRIMARY KEY,
    email text NOT NULL UNIQUE CHECK (email = lower(email)),
    full_name text NOT NULL,
    phone text,
    language text NOT NULL CHECK (language IN ('da', 'en')),
    role text NOT NULL CHECK (role IN ('customer', 'loctician', 'staff', 'admin')),
    email_verified boolean NOT NULL DEFAULT false,
    active boolean NOT NULL DEFAULT true,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE auth.credentials (
    user_id uuid PRIMARY KEY REFERENCES auth.users ON DELETE CASCADE,
    password_hash text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE auth.sessions (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES auth.users ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);
CREATE INDEX sessions_user ON auth.sessions (user_id) WHERE revoked_at IS NULL;
CREATE TABLE auth.refresh_tokens (
    token_hash bytea PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES auth.sessions ON DELETE CASCADE,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX refresh_tokens_session ON auth.refresh_tokens (session_id);
CREATE TABLE auth.signing_keys (
    kid text PRIMARY KEY,
    private_key bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
"""

# FORCE binds the owner too. Its functions run as the owner, which is what these policies ask for.
POLICIES = """
CREATE POLICY users_read ON auth.users FOR SELECT USING (
    id = (SELECT auth.claim_sub()) OR (SELECT auth.claim_role()) IN ('staff', 'admin', 'service')
    OR current_user <> 'loctician_auth');
CREATE POLICY users_add ON auth.users FOR INSERT WITH CHECK (
    (SELECT auth.claim_role()) IN ('admin', 'service') OR current_user <> 'loctician_auth');
CREATE POLICY users_change ON auth.users FOR UPDATE
    USING (id = (SELECT auth.claim_sub()) OR (SELECT auth.claim_role()) IN ('admin', 'service'))
    WITH CHECK ((SELECT auth.claim_role()) IN ('admin', 'service')
        OR (id = (SELECT auth.claim_sub()) AND role = (SELECT auth.claim_role())));
CREATE POLICY credentials_functions ON auth.credentials USING (current_user <> 'loctician_auth');
CREATE POLICY sessions_functions ON auth.sessions USING (current_user <> 'loctician_auth');
CREATE POLICY refresh_tokens_functions ON auth.refresh_tokens USING (current_user <> 'loctician_auth');
CREATE POLICY signing_keys_service ON auth.signing_keys USING ((SELECT auth.claim_role()) = 'service');
"""

FUNCTIONS = """
CREATE FUNCTION auth.register(p_id uuid, p_email text, p_name text, p_phone text, p_language text, p_role text,
                              p_verified boolean, p_hash text)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO auth.users (id, email, full_name, phone, language, role, email_verified)
    VALUES (p_id, p_email, p_name, p_phone, p_language, p_role, p_verified) ON CONFLICT (email) DO NOTHING;
    IF NOT FOUND THEN RETURN false; END IF;
    INSERT INTO auth.credentials (user_id, password_hash) VALUES (p_id, p_hash);
    RETURN true;
END $$;
CREATE FUNCTION auth.begin_login(p_email text)
RETURNS TABLE (user_id uuid, role text, password_hash text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT u.id, u.role, c.password_hash FROM auth.users u JOIN auth.credentials c ON c.user_id = u.id
    WHERE u.email = p_email AND u.active
$$;
CREATE FUNCTION auth.begin_change(p_user uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT c.password_hash FROM auth.users u JOIN auth.credentials c ON c.user_id = u.id
    WHERE u.id = p_user AND u.active
$$;
CREATE FUNCTION auth.open_session(p_session uuid, p_user uuid, p_hash bytea, p_expires timestamptz) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO auth.sessions (id, user_id) VALUES (p_session, p_user);
    INSERT INTO auth.refresh_tokens (token_hash, session_id, expires_at) VALUES (p_hash, p_session, p_expires);
$$;
CREATE FUNCTION auth.rotate(p_old bytea, p_new bytea, p_expires timestamptz)
RETURNS TABLE (outcome text, session_id uuid, user_id uuid, role text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE token auth.refresh_tokens; owner record;
BEGIN
    -- The row lock makes simultaneous uses of one token wait for each other: the second one finds it used.
    SELECT * INTO token FROM auth.refresh_tokens t WHERE t.token_hash = p_old FOR UPDATE;
    IF NOT FOUND THEN RETURN QUERY SELECT 'unknown', NULL::uuid, NULL::uuid, NULL::text; RETURN; END IF;
    SELECT s.id, s.user_id, s.revoked_at, u.role, u.active INTO owner
    FROM auth.sessions s JOIN auth.users u ON u.id = s.user_id WHERE s.id = token.session_id FOR UPDATE OF s;
    IF owner.revoked_at IS NOT NULL OR NOT owner.active OR token.expires_at < clock_timestamp() THEN
        RETURN QUERY SELECT 'ended', owner.id, owner.user_id, owner.role;
    ELSIF token.used_at IS NOT NULL THEN
        UPDATE auth.sessions SET revoked_at = clock_timestamp() WHERE id = owner.id;
        RETURN QUERY SELECT 'reused', owner.id, owner.user_id, owner.role;
    ELSE
        UPDATE auth.refresh_tokens SET used_at = clock_timestamp() WHERE token_hash = p_old;
        INSERT INTO auth.refresh_tokens (token_hash, session_id, expires_at) VALUES (p_new, owner.id, p_expires);
        RETURN QUERY SELECT 'rotated', owner.id, owner.user_id, owner.role;
    END IF;
END $$;
CREATE FUNCTION auth.revoke_sessions(p_user uuid, p_only uuid, p_except uuid) RETURNS SETOF uuid
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE auth.sessions SET revoked_at = clock_timestamp()
    WHERE user_id = p_user AND revoked_at IS NULL AND (p_only IS NULL OR id = p_only)
        AND (p_except IS NULL OR id <> p_except)
    RETURNING id
$$;
CREATE FUNCTION auth.set_password(p_user uuid, p_hash text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE auth.credentials SET password_hash = p_hash, changed_at = clock_timestamp() WHERE user_id = p_user
$$;
"""
GUARDED = (
    "register(uuid, text, text, text, text, text, boolean, text)",
    "begin_login(text)",
    "begin_change(uuid)",
    "open_session(uuid, uuid, bytea, timestamptz)",
    "rotate(bytea, bytea, timestamptz)",
    "revoke_sessions(uuid, uuid, uuid)",
    "set_password(uuid, text)",
)


def upgrade() -> None:
    create_claim_functions("auth")
    create_outbox("auth")
    create_inbox("auth")
    script(TABLES)
    for table in ("users", "credentials", "sessions", "refresh_tokens", "signing_keys"):
        enable_rls("auth", table)
    grant("auth", "users", "SELECT, INSERT, UPDATE")
    grant("auth", "signing_keys", "SELECT, INSERT")
    script(POLICIES)
    script(FUNCTIONS)
    for signature in GUARDED:
        script(f"REVOKE ALL ON FUNCTION auth.{signature} FROM PUBLIC")
        script(f"GRANT EXECUTE ON FUNCTION auth.{signature} TO loctician_auth")


def downgrade() -> None:
    drop_everything("auth")
