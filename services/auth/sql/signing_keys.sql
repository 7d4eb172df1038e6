-- Signing keys: the service's role reads them, and changes them by these functions only. What makes a row count is its
-- MAC, which needs SECRET_KEY: the database alone can add rows, but none that is used.

-- Only the service reads signing keys.
DROP POLICY IF EXISTS signing_keys_service ON auth.signing_keys;
CREATE POLICY signing_keys_service ON auth.signing_keys
    USING ((SELECT auth.claim_role()) = 'service' OR (SELECT auth.is_owner()));

-- Adds a key. p_private: encrypted; p_signs_from: when it begins to sign; p_mac: over all of these.
-- Raises unique_violation when p_kid is there already. Locks the new row only.
CREATE OR REPLACE FUNCTION auth.add_signing_key(
    p_kid text, p_jwk jsonb, p_private bytea, p_signs_from timestamptz, p_mac bytea) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO auth.signing_keys (kid, public_jwk, private_key, signs_from, mac)
    VALUES (p_kid, p_jwk, p_private, p_signs_from, p_mac)
$$;
REVOKE ALL ON FUNCTION auth.add_signing_key FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.add_signing_key TO loctician_auth;

-- Withdraws keys for good: their private halves are removed. Raises nothing, locks these rows.
CREATE OR REPLACE FUNCTION auth.withdraw_signing_keys(p_kids text[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE auth.signing_keys SET private_key = NULL, withdrawn_at = clock_timestamp()
    WHERE kid = ANY (p_kids) AND withdrawn_at IS NULL
$$;
REVOKE ALL ON FUNCTION auth.withdraw_signing_keys FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.withdraw_signing_keys TO loctician_auth;
