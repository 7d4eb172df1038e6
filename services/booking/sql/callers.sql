-- Who calls: the claims of the transaction, and what the caller may do.

-- Sets the claims of this transaction: row level security and claim_*() follow them from here on.
CREATE OR REPLACE FUNCTION booking.act_as(p_claims jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('request.jwt.claims', p_claims::text, true);
END
$$;

-- The same for a call that may come from a browser whose holds the caller may use. Request: browser_id, the holder of
-- what was held in this browser before anybody signed in; without it there is none.
CREATE OR REPLACE FUNCTION booking.act_as(p_claims jsonb, p_request jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM booking.act_as(CASE WHEN p_request ->> 'browser_id' IS NULL THEN p_claims
        ELSE p_claims || jsonb_build_object('browser', p_request ->> 'browser_id') END);
END
$$;

-- Whose holds the caller may use beside the caller's own: those of the caller's browser. NULL for nobody's.
CREATE OR REPLACE FUNCTION booking.claim_browser() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT (booking.claims() ->> 'browser')::uuid $$;

-- Continues the transaction with the role of the service, once the caller's own claims have shown that the caller may.
-- The actor stays in the claims, for events and history.
CREATE OR REPLACE FUNCTION booking.act_as_service() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('request.jwt.claims', (booking.claims() || '{"role": "service"}')::text, true);
END
$$;

-- Whether the caller works at the salon.
CREATE OR REPLACE FUNCTION booking.is_salon() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT booking.claim_role() IN ('loctician', 'staff', 'admin')
$$;

-- Whether the caller acts for the salon on this booking: staff on every one, locticians on those that they perform.
-- Call it before act_as_service().
CREATE OR REPLACE FUNCTION booking.acts_for_salon(b booking.bookings) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT booking.claim_role() IN ('staff', 'admin', 'service')
        OR (booking.claim_role() = 'loctician' AND booking.claim_sub() = ANY (b.loctician_ids))
$$;

-- Raises LB001 unknown_customer when the caller books for somebody else who is no active customer. Reads as the service,
-- because a loctician may book for customers without seeing a list of them; then acts as the caller.
CREATE OR REPLACE FUNCTION booking.check_customer(p_customer uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    caller_claims jsonb := booking.claims();
    active boolean;
BEGIN
    IF p_customer = booking.claim_sub() THEN
        RETURN;
    END IF;
    PERFORM booking.act_as_service();
    SELECT c.active INTO active FROM booking.customers c WHERE c.id = p_customer;
    PERFORM booking.act_as(caller_claims);
    IF active IS NOT TRUE THEN
        PERFORM booking.refuse('unknown_customer');
    END IF;
END
$$;
