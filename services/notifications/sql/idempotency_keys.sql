-- A caller sees the answers to their own calls.
DROP POLICY IF EXISTS idempotency_keys_service ON notifications.idempotency_keys;
CREATE POLICY idempotency_keys_service ON notifications.idempotency_keys
    USING ((SELECT notifications.claim_role()) = 'service');
DROP POLICY IF EXISTS idempotency_keys_own ON notifications.idempotency_keys;
CREATE POLICY idempotency_keys_own ON notifications.idempotency_keys
    USING ((SELECT notifications.claim_sub()) = caller);
