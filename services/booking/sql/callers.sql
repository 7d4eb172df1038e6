-- Who calls: the claims of the transaction, and what the caller may do.

-- Sets the claims of this transaction: row level security and claim_*() follow them from here on.
CREATE OR REPLACE FUNCTION booking.act_as(p_claims jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('request.jwt.claims', p_claims::text, true);
END
$$;

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

-- Raises LB001 unknown_customer when the caller books for somebody who is no active customer, and email_not_verified
-- when the caller books for oneself, p_require_verified is set and the address is not verified. Reads as the service,
-- because a loctician may book for customers without seeing a list of them; then acts as the caller.
CREATE OR REPLACE FUNCTION booking.check_customer(p_customer uuid, p_require_verified boolean) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    caller_claims jsonb := booking.claims();
    caller uuid := booking.claim_sub();
    customer booking.customers;
BEGIN
    PERFORM booking.act_as_service();
    SELECT * INTO customer FROM booking.customers c WHERE c.id = p_customer;
    PERFORM booking.act_as(caller_claims);
    IF p_customer <> caller AND (customer.id IS NULL OR NOT customer.active) THEN
        PERFORM booking.refuse('unknown_customer');
    ELSIF p_customer = caller AND p_require_verified AND NOT coalesce(customer.email_verified, false) THEN
        PERFORM booking.refuse('email_not_verified');
    END IF;
END
$$;
