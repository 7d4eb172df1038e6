-- A customer's own holds are dropped before it is known whose chairs are wanted, so before their locks. Whoever does that,
-- or ends a hold that a customer may be dropping, goes through the customer's door first: one at a time, in this order,
-- and nobody waits for a door who has a lock. Else two calls of one customer would wait for each other.
CREATE FUNCTION booking.lock_doors(p_customers uuid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    one bigint;
BEGIN
    FOR one IN SELECT DISTINCT hashtextextended(p::text, 1) AS key FROM unnest(p_customers) p ORDER BY key LOOP
        PERFORM pg_advisory_xact_lock(one);
    END LOOP;
END
$$;

-- Holds a time for five minutes; an earlier hold of the same customer ends.
CREATE OR REPLACE FUNCTION booking.hold(p_claims jsonb, p_request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    customer uuid := (p_request ->> 'customer_id')::uuid;
    treatments uuid[] := booking.uuids(p_request -> 'service_ids');
    start timestamptz := (p_request ->> 'start')::timestamptz;
    taken booking.sitting;
    made booking.holds;
    reply jsonb;
BEGIN
    PERFORM booking.act_as(p_claims);
    reply := booking.first_answer(p_request);
    IF reply IS NOT NULL THEN
        RETURN reply;
    END IF;
    PERFORM booking.check_customer(customer, (p_request ->> 'require_verified')::boolean);
    PERFORM booking.lock_doors(ARRAY[customer]);
    PERFORM booking.drop_own_hold(customer);
    taken := booking.take_chairs(customer, treatments, (p_request ->> 'loctician_id')::uuid, start, NULL,
        NOT booking.is_salon(), false);
    PERFORM booking.drop_own_hold(customer, true);
    made := ROW (booking.new_id(), customer, treatments, taken.chairs, start,
        start + booking.minutes(taken.lasts_minutes), taken.price_amount, NULL, booking.clock() + interval '5 minutes',
        booking.clock());
    PERFORM booking.add_hold(made);
    RETURN booking.keep_answer(p_request, booking.hold_json(made));
END
$$;

-- The hold that is to become a booking, ended for it; its chairs stay locked. All NULL when none was named.
CREATE OR REPLACE FUNCTION booking.take_hold(p_request jsonb, p_customer uuid) RETURNS booking.holds LANGUAGE plpgsql AS $$
DECLARE
    held booking.holds;
    waiting booking.waitlist;
    loctician uuid := (p_request ->> 'loctician_id')::uuid;
BEGIN
    IF p_request ->> 'hold_id' IS NULL THEN
        PERFORM booking.lock_doors(ARRAY[p_customer]);
        PERFORM booking.drop_own_hold(p_customer);
        RETURN NULL;
    END IF;
    SELECT * INTO held FROM booking.holds h WHERE h.id = (p_request ->> 'hold_id')::uuid
        AND h.customer_id IN (p_customer, booking.claim_sub());
    PERFORM booking.lock_doors(ARRAY[p_customer, held.customer_id]);
    PERFORM booking.lock_people(held.chairs || p_customer);
    SELECT * INTO held FROM booking.holds h WHERE h.id = held.id FOR UPDATE;
    IF NOT FOUND OR held.expires_at <= booking.clock() THEN
        PERFORM booking.refuse('hold_lapsed');
    ELSIF held.treatment_ids <> booking.uuids(p_request -> 'service_ids')
        OR held.starts_at <> (p_request ->> 'start')::timestamptz OR loctician <> ANY (held.chairs) THEN
        PERFORM booking.refuse('hold_mismatch');
    END IF;
    PERFORM booking.drop_hold(held.id);
    UPDATE booking.waitlist w SET status = 'accepted', version = w.version + 1 WHERE w.id = held.waitlist_id
    RETURNING * INTO waiting;
    IF FOUND THEN
        PERFORM booking.record_offer(waiting, held, 'accepted');
    END IF;
    RETURN held;
END
$$;

-- Each date by itself, a refusal undoing only its own; what no date could be had for is refused as a whole.
CREATE OR REPLACE FUNCTION booking.book_series(p_claims jsonb, p_request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    loctician uuid := (p_request ->> 'loctician_id')::uuid;
    customer uuid := (p_request ->> 'customer_id')::uuid;
    start timestamptz;
    b booking.bookings;
    dates jsonb := '[]';
    made jsonb;
    refused text;
    reply jsonb;
BEGIN
    PERFORM booking.act_as(p_claims);
    reply := booking.first_answer(p_request);
    IF reply IS NOT NULL THEN
        RETURN reply;
    END IF;
    PERFORM booking.check_customer(customer, (p_request ->> 'require_verified')::boolean);
    PERFORM booking.lock_doors(ARRAY[customer]);
    PERFORM booking.lock_people(customer || ARRAY (
        SELECT DISTINCT o.loctician_id FROM booking.offers(booking.uuids(p_request -> 'service_ids'), loctician) o));
    FOR start IN SELECT one::timestamptz FROM jsonb_array_elements_text(p_request -> 'starts') one LOOP
        BEGIN
            refused := NULL;
            b := booking.book_one(p_request, booking.new_id(), start);
            made := booking.booking_json(b);
        EXCEPTION
            WHEN SQLSTATE 'LB001' THEN
                made := NULL;
                refused := SQLERRM;
                IF refused IN ('unknown_treatment', 'unknown_loctician', 'treatment_not_offered') THEN
                    RAISE;
                END IF;
            WHEN exclusion_violation THEN
                GET STACKED DIAGNOSTICS refused = CONSTRAINT_NAME;
                made := NULL;
        END;
        dates := dates || jsonb_build_object('start', booking.utc(start), 'booking', made, 'reason', refused);
    END LOOP;
    RETURN booking.keep_answer(p_request, jsonb_build_object('series_id', p_request ->> 'series_id', 'items', dates));
END
$$;

CREATE OR REPLACE FUNCTION booking.release_hold(p_claims jsonb, p_request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    held booking.holds;
BEGIN
    PERFORM booking.act_as(p_claims);
    SELECT * INTO held FROM booking.holds h WHERE h.id = (p_request ->> 'id')::uuid;
    PERFORM booking.act_as_service();
    PERFORM booking.lock_doors(ARRAY[held.customer_id]);
    PERFORM booking.lock_people(held.chairs);
    SELECT * INTO held FROM booking.holds h WHERE h.id = held.id FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM booking.refuse('not_found');
    END IF;
    PERFORM booking.end_hold(held);
    RETURN '{}';
END
$$;

-- What a customer holds or is offered ends, and goes on to those who wait. The transaction acts as the service.
CREATE OR REPLACE FUNCTION booking.end_holds_of(p_customer uuid) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    held booking.holds;
    ended integer := 0;
BEGIN
    PERFORM booking.lock_doors(ARRAY[p_customer]);
    PERFORM booking.lock_people(ARRAY (
        SELECT chair FROM booking.holds h, unnest(h.chairs) chair WHERE h.customer_id = p_customer));
    FOR held IN SELECT * FROM booking.holds h WHERE h.customer_id = p_customer ORDER BY h.id FOR UPDATE LOOP
        PERFORM booking.end_hold(held);
        ended := ended + 1;
    END LOOP;
    RETURN ended;
END
$$;
