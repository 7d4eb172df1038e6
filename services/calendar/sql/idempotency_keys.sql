-- A caller sees the answers to their own calls.
DROP POLICY IF EXISTS allowed ON calendar.idempotency_keys;
CREATE POLICY allowed ON calendar.idempotency_keys
    USING ((SELECT calendar.claim_role()) = 'service' OR (SELECT calendar.claim_sub()) = caller);
