-- Idempotency keys: the first answer to a key is given again for 24 hours.

-- Claims the key for this caller. NULL: the key is new, carry on. Otherwise the answer that the first request was
-- given.
-- Arguments: p_hash: hash of the request. Raises LB001 idempotency_key_reused when the key came with another request.
-- Locks: the row of the key; waits while the first request is in progress.
CREATE OR REPLACE FUNCTION booking.claim_idempotency_key(p_caller uuid, p_key text, p_hash text) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    first booking.idempotency_keys;
BEGIN
    IF p_key IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO booking.idempotency_keys AS k (caller, key, request_hash, created_at)
    VALUES (p_caller, p_key, p_hash, booking.clock())
    ON CONFLICT (caller, key) DO UPDATE
    SET request_hash = excluded.request_hash, answer = NULL, created_at = excluded.created_at
    WHERE k.created_at <= booking.clock() - interval '24 hours';
    IF FOUND THEN
        RETURN NULL;
    END IF;
    SELECT * INTO first FROM booking.idempotency_keys k WHERE k.caller = p_caller AND k.key = p_key;
    IF first.request_hash <> p_hash THEN
        PERFORM booking.refuse('idempotency_key_reused');
    END IF;
    RETURN first.answer;
END
$$;

-- The same for a request with the fields key and request_hash, of the caller in the claims.
CREATE OR REPLACE FUNCTION booking.claim_idempotency_key(p_request jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT booking.claim_idempotency_key(booking.claim_sub(), p_request ->> 'key', p_request ->> 'request_hash')
$$;

-- Stores the answer under the request's key, if it has one, and returns the answer. The caller is read into a variable
-- first: under row level security an index is not searched by an expression that could reveal other rows, and the
-- COALESCE in claims() counts as one. The primary key would be read in full.
CREATE OR REPLACE FUNCTION booking.store_answer(p_request jsonb, p_answer jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    caller_id uuid := booking.claim_sub();
    request_key text := p_request ->> 'key';
BEGIN
    UPDATE booking.idempotency_keys k SET answer = p_answer WHERE k.caller = caller_id AND k.key = request_key;
    RETURN p_answer;
END
$$;
