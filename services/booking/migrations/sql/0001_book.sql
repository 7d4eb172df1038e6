CREATE FUNCTION booking.add_items(
    b booking.bookings, p_treatments uuid[], p_chairs uuid[], p_prices integer[] DEFAULT NULL, p_ids uuid[] DEFAULT NULL
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    WITH item AS MATERIALIZED (
        SELECT coalesce(p_ids[i.place], booking.new_id()) AS id, i.* FROM booking.sitting_items(p_treatments, p_chairs) i
    ), added AS (
        INSERT INTO booking.booking_items
            (id, booking_id, customer_id, loctician_id, treatment_id, place, during, blocked, price_amount)
        SELECT i.id, b.id, b.customer_id, i.loctician_id, i.treatment_id, i.place,
            tstzrange(b.starts_at + booking.minutes(i.from_minute), b.starts_at + booking.minutes(i.to_minute)),
            tstzrange(b.starts_at + booking.minutes(lower(i.blocked)), b.starts_at + booking.minutes(upper(i.blocked))),
            coalesce(p_prices[i.place], i.price_amount)
        FROM item i
    )
    INSERT INTO booking.occupancy (item_id, loctician_id, blocked)
    SELECT i.id, i.loctician_id,
        tstzrange(b.starts_at + booking.minutes(lower(part)), b.starts_at + booking.minutes(upper(part)))
    FROM item i, unnest(i.blocked) part;
END
$$

-- The hold that is to become a booking, ended for it; its chairs stay locked. All NULL when none was named.
CREATE FUNCTION booking.take_hold(p_request jsonb, p_customer uuid) RETURNS booking.holds LANGUAGE plpgsql AS $$
DECLARE
    held booking.holds;
    waiting booking.waitlist;
    loctician uuid := (p_request ->> 'loctician_id')::uuid;
BEGIN
    IF p_request ->> 'hold_id' IS NULL THEN
        PERFORM booking.drop_own_hold(p_customer);
        RETURN NULL;
    END IF;
    SELECT * INTO held FROM booking.holds h WHERE h.id = (p_request ->> 'hold_id')::uuid
        AND h.customer_id IN (p_customer, booking.claim_sub());
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
$$

-- Only customers themselves are bound by it. Counted under the customer's lock.
CREATE FUNCTION booking.check_open_bookings(p_customer uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF booking.claim_role() = 'customer' AND (
        SELECT count(*) FROM booking.bookings b WHERE b.customer_id = p_customer
            AND b.status IN ('pending', 'confirmed') AND b.starts_at > booking.clock()
    ) >= (booking.rules()).open_bookings_per_customer THEN
        PERFORM booking.refuse('too_many_open',
            jsonb_build_object('limit', (booking.rules()).open_bookings_per_customer));
    END IF;
END
$$

-- One sitting at one start, as the caller.
CREATE FUNCTION booking.book_one(p_request jsonb, p_id uuid, p_start timestamptz) RETURNS booking.bookings
LANGUAGE plpgsql AS $$
DECLARE
    customer uuid := (p_request ->> 'customer_id')::uuid;
    treatments uuid[] := booking.uuids(p_request -> 'service_ids');
    walks_in boolean := p_request ->> 'walk_in' IS NOT NULL;
    held booking.holds := booking.take_hold(p_request, customer);
    taken booking.sitting;
    b booking.bookings;
BEGIN
    taken := booking.take_chairs(customer, treatments, (p_request ->> 'loctician_id')::uuid, p_start, held.chairs,
        held.id IS NULL AND NOT booking.is_salon(), walks_in);
    PERFORM booking.check_open_bookings(customer);
    INSERT INTO booking.bookings (id, customer_id, loctician_ids, status, starts_at, ends_at, price_amount, notes,
        internal_notes, walk_in, walk_in_name, walk_in_phone, series_id)
    VALUES (p_id, customer, booking.distinct_in_order(taken.chairs),
        CASE WHEN (booking.rules()).confirm_by_hand AND NOT booking.is_salon() THEN 'pending' ELSE 'confirmed' END,
        p_start, p_start + booking.minutes(taken.lasts_minutes), taken.price_amount, p_request ->> 'notes',
        p_request ->> 'internal_notes', walks_in, p_request -> 'walk_in' ->> 'name',
        p_request -> 'walk_in' ->> 'phone', (p_request ->> 'series_id')::uuid)
    RETURNING * INTO b;
    PERFORM booking.add_items(b, treatments, taken.chairs);
    PERFORM booking.record(b, 'created');
    RETURN b;
END
$$

CREATE FUNCTION booking.distinct_in_order(p_ids uuid[]) RETURNS uuid[] LANGUAGE sql IMMUTABLE AS $$
    SELECT array_agg(id ORDER BY place) FROM (
        SELECT id, min(place) AS place FROM unnest(p_ids) WITH ORDINALITY AS listed (id, place) GROUP BY id) each
$$

-- Books one sitting. One call is the whole transaction; a refusal raises LB001 with its code as the message.
CREATE FUNCTION booking.book(p_claims jsonb, p_request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    b booking.bookings;
    reply jsonb;
BEGIN
    PERFORM booking.act_as(p_claims);
    reply := booking.first_answer(p_request);
    IF reply IS NULL THEN
        IF p_request ->> 'walk_in' IS NULL THEN
            PERFORM booking.check_customer(
                (p_request ->> 'customer_id')::uuid, (p_request ->> 'require_verified')::boolean);
        END IF;
        b := booking.book_one(p_request, (p_request ->> 'booking_id')::uuid, (p_request ->> 'start')::timestamptz);
        reply := booking.keep_answer(p_request, booking.booking_json(b));
    END IF;
    RETURN reply;
END
$$

-- Each date by itself, a refusal undoing only its own; what no date could be had for is refused as a whole.
CREATE FUNCTION booking.book_series(p_claims jsonb, p_request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
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
$$
