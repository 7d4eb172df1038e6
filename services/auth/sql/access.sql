-- Who may reach which table.
-- Functions of this schema whose name begins with an underscore are called by other functions only.

-- Whether the current user owns the tables: true in the SECURITY DEFINER functions of this schema.
-- Row Level Security is forced, so it binds the owner too; the policies ask for this.
-- Raises nothing, takes no lock. In PL/pgSQL, because a session keeps its plan.
CREATE OR REPLACE FUNCTION auth.is_owner() RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT pg_catalog.pg_get_userbyid(c.relowner) = current_user
        FROM pg_catalog.pg_class c WHERE c.oid = 'auth.users'::pg_catalog.regclass);
END $$;

-- Secrets, sessions and attempts are closed to the runtime role: only the functions reach them.

DROP POLICY IF EXISTS credentials_functions ON auth.credentials;
CREATE POLICY credentials_functions ON auth.credentials USING ((SELECT auth.is_owner()));

DROP POLICY IF EXISTS sessions_functions ON auth.sessions;
CREATE POLICY sessions_functions ON auth.sessions USING ((SELECT auth.is_owner()));

DROP POLICY IF EXISTS refresh_tokens_functions ON auth.refresh_tokens;
CREATE POLICY refresh_tokens_functions ON auth.refresh_tokens USING ((SELECT auth.is_owner()));

DROP POLICY IF EXISTS one_time_tokens_functions ON auth.one_time_tokens;
CREATE POLICY one_time_tokens_functions ON auth.one_time_tokens USING ((SELECT auth.is_owner()));

DROP POLICY IF EXISTS mfa_functions ON auth.mfa;
CREATE POLICY mfa_functions ON auth.mfa USING ((SELECT auth.is_owner()));

DROP POLICY IF EXISTS recovery_codes_functions ON auth.recovery_codes;
CREATE POLICY recovery_codes_functions ON auth.recovery_codes USING ((SELECT auth.is_owner()));

DROP POLICY IF EXISTS login_attempts_functions ON auth.login_attempts;
CREATE POLICY login_attempts_functions ON auth.login_attempts USING ((SELECT auth.is_owner()));

DROP POLICY IF EXISTS known_addresses_functions ON auth.known_addresses;
CREATE POLICY known_addresses_functions ON auth.known_addresses USING ((SELECT auth.is_owner()));

-- A caller sees the answers to their own calls.
DROP POLICY IF EXISTS allowed ON auth.idempotency_keys;
CREATE POLICY allowed ON auth.idempotency_keys
    USING ((SELECT auth.claim_role()) = 'service' OR (SELECT auth.claim_sub()) = caller);
