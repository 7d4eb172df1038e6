-- Booking one sitting.

-- A booking as the application reads it; service_names: the treatment's names by language when it was booked, which
-- bookings of an earlier version do not have. In PL/pgSQL, so that its plan is kept.
CREATE OR REPLACE FUNCTION booking.booking_json(b booking.bookings) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN jsonb_build_object(
        'id', b.id, 'status', b.status, 'start', booking.utc(b.starts_at), 'end', booking.utc(b.ends_at),
        'customer_id', CASE WHEN NOT b.walk_in THEN b.customer_id END, 'loctician_ids', b.loctician_ids,
        'price_amount', b.price_amount, 'notes', b.notes, 'internal_notes', b.internal_notes,
        'walk_in', CASE WHEN b.walk_in
            THEN jsonb_build_object('name', b.walk_in_name, 'phone', b.walk_in_phone) END,
        'series_id', b.series_id, 'confirm_by', booking.utc(b.confirm_by), 'conflicted', b.conflicted_at IS NOT NULL,
        'customer_inactive', b.customer_inactive_at IS NOT NULL, 'version', b.version,
        'created_at', booking.utc(b.created_at), 'updated_at', booking.utc(b.updated_at),
        'cancelled_at', booking.utc(b.cancelled_at), 'cancel_reason', b.cancel_reason, 'cancel_code', b.cancel_code,
        'customer', booking.customer_of(b),
        'items', (
            SELECT jsonb_agg(jsonb_build_object(
                'service_id', i.treatment_id, 'loctician_id', i.loctician_id, 'start', booking.utc(lower(i.during)),
                'end', booking.utc(upper(i.during)), 'price_amount', i.price_amount,
                'service_names', coalesce(i.service_names, booking.names_of(i.treatment_id)),
                'loctician_name', l.display_name
            ) ORDER BY i.place)
            FROM booking.booking_items i LEFT JOIN booking.locticians l USING (loctician_id)
            WHERE i.booking_id = b.id
        )
    );
END
$$;

-- The names of a treatment by language: {"da", "en"}. In PL/pgSQL, so that its plan is kept.
CREATE OR REPLACE FUNCTION booking.names_of(p_treatment uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT jsonb_object_agg(l.key, l.value -> 'name')
        FROM booking.treatments t, jsonb_each(t.translations) l WHERE t.id = p_treatment
    );
END
$$;

-- Adds the treatments of a booking, and what they occupy of their locticians.
-- p_ids: the id of each item; NULL for new ones. p_names: names by language of treatments that were booked before, by
-- their ids; the others have the names of the catalog.
-- Raises exclusion_violation (slot_taken, customer_overlap) when the time was taken meanwhile. The caller holds the
-- locks.
CREATE OR REPLACE FUNCTION booking.add_booking_items(
    b booking.bookings, p_treatments uuid[], p_performers uuid[], p_ids uuid[] DEFAULT NULL,
    p_names jsonb DEFAULT NULL
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    WITH item AS MATERIALIZED (
        SELECT coalesce(p_ids[i.place], booking.new_id()) AS id, i.*
        FROM booking.sitting_items(p_treatments, p_performers) i
    ), added AS (
        INSERT INTO booking.booking_items (id, booking_id, customer_id, loctician_id, treatment_id, place, during,
            blocked, price_amount, buffer_before_minutes, buffer_after_minutes, processing_start_minutes,
            processing_minutes, service_names)
        SELECT i.id, b.id, b.customer_id, i.loctician_id, i.treatment_id, i.place,
            tstzrange(b.starts_at + booking.minutes(i.from_minute), b.starts_at + booking.minutes(i.to_minute)),
            tstzrange(b.starts_at + booking.minutes(lower(i.blocked)), b.starts_at + booking.minutes(upper(i.blocked))),
            i.price_amount, i.buffer_before, i.buffer_after, i.processing_from, i.processing,
            coalesce(p_names -> i.treatment_id::text, booking.names_of(i.treatment_id))
        FROM item i
    )
    INSERT INTO booking.occupancy (item_id, loctician_id, blocked)
    SELECT i.id, i.loctician_id,
        tstzrange(b.starts_at + booking.minutes(lower(part)), b.starts_at + booking.minutes(upper(part)))
    FROM item i, unnest(i.blocked) part;
END
$$;

-- Raises LB001 too_many_open when a customer books and has as many open bookings as the salon allows. Staff are not
-- limited. The caller holds the customer's lock (lock_people), so that the count is right.
CREATE OR REPLACE FUNCTION booking.check_open_booking_limit(p_customer uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF booking.claim_role() = 'customer' AND (
        SELECT count(*) FROM booking.bookings b WHERE b.customer_id = p_customer
            AND b.status IN ('pending', 'confirmed') AND b.starts_at > booking.clock()
    ) >= (booking.rules()).open_bookings_per_customer THEN
        PERFORM booking.refuse('too_many_open',
            jsonb_build_object('limit', (booking.rules()).open_bookings_per_customer));
    END IF;
END
$$;

-- Books one sitting at one start, as the caller, and records it. With hold_id the hold's time is used, on the terms on
-- which it was held.
-- Request: customer_id, service_ids, loctician_id, hold_id, notes, internal_notes, walk_in, series_id. p_locked: as in
-- take_sitting.
-- Raises what use_hold, take_sitting and check_open_booking_limit raise. Locks: those of use_hold, then those of
-- take_sitting.
CREATE OR REPLACE FUNCTION booking.book_sitting(
    p_request jsonb, p_id uuid, p_start timestamptz, p_locked uuid[] DEFAULT NULL
) RETURNS booking.bookings LANGUAGE plpgsql AS $$
DECLARE
    customer uuid := (p_request ->> 'customer_id')::uuid;
    treatments uuid[] := booking.uuids(p_request -> 'service_ids');
    is_walk_in boolean := p_request ->> 'walk_in' IS NOT NULL;
    by_hand boolean := (booking.rules()).confirm_by_hand AND NOT booking.is_salon();
    h booking.holds := booking.use_hold(p_request, customer);
    sitting booking.sitting;
    b booking.bookings;
BEGIN
    PERFORM booking.apply_terms(h.terms, true, true);
    sitting := booking.take_sitting(customer, treatments, (p_request ->> 'loctician_id')::uuid, p_start,
        h.performer_ids, h.id IS NULL AND NOT booking.is_salon(), is_walk_in, p_locked => p_locked);
    PERFORM booking.check_open_booking_limit(customer);
    INSERT INTO booking.bookings (id, customer_id, loctician_ids, status, confirm_by, starts_at, ends_at, price_amount,
        notes, internal_notes, walk_in, walk_in_name, walk_in_phone, series_id)
    VALUES (p_id, customer, booking.distinct_in_order(sitting.performer_ids),
        CASE WHEN by_hand THEN 'pending' ELSE 'confirmed' END,
        CASE WHEN by_hand THEN booking.confirmation_deadline(p_start) END,
        p_start, p_start + booking.minutes(sitting.lasts_minutes), sitting.price_amount, p_request ->> 'notes',
        p_request ->> 'internal_notes', is_walk_in, p_request -> 'walk_in' ->> 'name',
        p_request -> 'walk_in' ->> 'phone', (p_request ->> 'series_id')::uuid)
    RETURNING * INTO b;
    PERFORM booking.add_booking_items(b, treatments, sitting.performer_ids);
    PERFORM booking.stop_terms();
    PERFORM booking.record_change(b, 'created');
    RETURN b;
END
$$;

-- Books one sitting: POST /bookings. One call is the whole transaction.
-- Request: as book_sitting, with booking_id, start, browser_id, key and request_hash.
-- Raises LB001 of claim_idempotency_key, check_customer and book_sitting.
-- Locks: the idempotency key, lock_customers, lock_people, rows.
CREATE OR REPLACE FUNCTION booking.book(p_claims jsonb, p_request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    b booking.bookings;
    answer jsonb;
BEGIN
    PERFORM booking.act_as(p_claims, p_request);
    answer := booking.claim_idempotency_key(p_request);
    IF answer IS NULL THEN
        IF p_request ->> 'walk_in' IS NULL THEN
            PERFORM booking.check_customer((p_request ->> 'customer_id')::uuid);
        END IF;
        b := booking.book_sitting(p_request, (p_request ->> 'booking_id')::uuid, (p_request ->> 'start')::timestamptz);
        answer := booking.store_answer(p_request, booking.booking_json(b));
    END IF;
    RETURN answer;
END
$$;
