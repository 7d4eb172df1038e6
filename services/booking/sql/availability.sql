-- Availability of one start, and alternatives to it.

-- When the customer has active bookings. p_booking: leave this one out. In PL/pgSQL, so that its plan is kept.
CREATE OR REPLACE FUNCTION booking.customer_times(p_customer uuid, p_booking uuid DEFAULT NULL) RETURNS tstzmultirange
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT coalesce(range_agg(i.during), '{}') FROM booking.booking_items i
        WHERE i.customer_id = p_customer AND i.active AND i.booking_id IS DISTINCT FROM p_booking
    );
END
$$;

-- Whether the caller may learn when a customer has other bookings: the salon's staff, and the customer, but no loctician,
-- and nobody with the link of a mail, which is about one booking. Call it before act_as_service().
CREATE OR REPLACE FUNCTION booking.knows_times_of(p_customer uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN booking.claim_role() IN ('staff', 'admin', 'service') OR (p_customer = booking.claim_sub()
        AND booking.claim_role() <> 'loctician' AND booking.claim_limit() IS NULL);
END
$$;

-- What occupies time but does not stand in the way of a sitting: ids of the items of a booking that is to be moved, and
-- of the holds of the customer, of the caller and of the caller's browser. An offer to the waitlist does stand in the way: it is for a wish.
CREATE OR REPLACE FUNCTION booking.own_time(p_customer uuid, p_booking uuid) RETURNS uuid[] LANGUAGE plpgsql STABLE AS $$
DECLARE
    people uuid[] := ARRAY[p_customer, booking.claim_sub(), booking.claim_browser()];
BEGIN
    RETURN ARRAY (
        SELECT h.id FROM booking.holds h WHERE h.customer_id = ANY (people) AND h.waitlist_id IS NULL
        UNION ALL SELECT i.id FROM booking.booking_items i WHERE i.booking_id = p_booking);
END
$$;

-- The booking that the caller may change, to be left out of account in a search. Raises LB001 not_found when the caller
-- does not see it. p_booking: NULL for none; then it returns NULLs.
CREATE OR REPLACE FUNCTION booking.booking_to_move(p_booking uuid) RETURNS booking.bookings
LANGUAGE plpgsql STABLE AS $$
DECLARE
    b booking.bookings;
BEGIN
    IF p_booking IS NOT NULL THEN
        SELECT * INTO b FROM booking.bookings o WHERE o.id = p_booking;
        IF NOT FOUND THEN
            PERFORM booking.refuse('not_found');
        END IF;
    END IF;
    RETURN b;
END
$$;

-- Applies the terms of a booking that is to be moved to a search for these treatments, those of the booking when empty.
-- Without p_loctician and other treatments, a sitting of several locticians stays with them, as it does when only the
-- start of the booking changes. Returns the treatments.
CREATE OR REPLACE FUNCTION booking.apply_terms_of_search(b booking.bookings, p_treatments uuid[], p_loctician uuid)
RETURNS uuid[] LANGUAGE plpgsql AS $$
BEGIN
    RETURN (booking.apply_terms_of_change(jsonb_build_object('id', b.id)
        || CASE WHEN cardinality(p_treatments) > 0 THEN jsonb_build_object('service_ids', p_treatments) ELSE '{}' END
        || CASE WHEN p_loctician IS NULL AND cardinality(b.loctician_ids) > 1 THEN '{}'
            ELSE jsonb_build_object('loctician_id', p_loctician) END)).treatments;
END
$$;

-- The three free slots nearest to p_start at which the customer is free: within 36 hours, else within 14 days.
-- Arguments: p_busy: when the customer is not free; p_notice: apply the salon's minimum notice; p_own: as in
-- occupied_moments.
CREATE OR REPLACE FUNCTION booking.nearest_slots(
    p_treatments uuid[], p_loctician uuid, p_start timestamptz, p_busy tstzmultirange, p_notice boolean, p_own uuid[]
) RETURNS SETOF booking.slot LANGUAGE plpgsql STABLE AS $$
DECLARE
    span interval;
    nearest booking.slot[];
BEGIN
    FOREACH span IN ARRAY ARRAY[interval '36 hours', interval '14 days'] LOOP
        nearest := ARRAY (
            SELECT ROW (s.*)::booking.slot FROM (
                SELECT DISTINCT ON (f.starts_at) f.*
                FROM booking.free_slots(
                    p_treatments, p_loctician, p_start - span, p_start + span, 100000, p_notice, p_own) f
                WHERE NOT p_busy && tstzrange(f.starts_at, f.ends_at)
                ORDER BY f.starts_at, f.loctician_id
            ) s
            ORDER BY greatest(s.starts_at - p_start, p_start - s.starts_at), s.starts_at LIMIT 3
        );
        EXIT WHEN cardinality(nearest) = 3;
    END LOOP;
    RETURN QUERY SELECT * FROM unnest(nearest);
END
$$;

-- Whether the sitting can be booked at this start, for POST /bookings/check-availability.
-- Request: service_ids, loctician_id, start, customer_id, browser_id; booking_id: the booking that is to be moved, whose own time
-- is left out of account, and whose treatments count without service_ids; nearest: list alternatives also when the
-- start is free.
-- Returns {"service_ids", "reason": code or null, "alternatives": [slot]}. Other bookings of the customer count only for
-- a caller who may know of them; for others, no alternative covers the start that was refused, as if it were taken.
-- Raises LB001 not_found for a booking that the caller does not see. Takes no locks: the answer may be outdated when it arrives.
CREATE OR REPLACE FUNCTION booking.check_availability(p_claims jsonb, p_request jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    treatments uuid[] := booking.uuids(p_request -> 'service_ids');
    loctician uuid := (p_request ->> 'loctician_id')::uuid;
    start timestamptz := (p_request ->> 'start')::timestamptz;
    customer uuid := (p_request ->> 'customer_id')::uuid;
    b booking.bookings;
    own uuid[];
    notice boolean;
    knows boolean;
    reason text;
    busy tstzmultirange;
    grid interval;
    fits boolean;
BEGIN
    PERFORM booking.act_as(p_claims, p_request);
    b := booking.booking_to_move((p_request ->> 'booking_id')::uuid);
    notice := NOT booking.is_salon();
    customer := coalesce(b.customer_id, customer);
    knows := booking.knows_times_of(customer);
    IF b.id IS NOT NULL THEN
        notice := NOT booking.acts_for_salon(b);
        PERFORM booking.act_as_service();
        treatments := booking.apply_terms_of_search(b, treatments, loctician);
    END IF;
    own := booking.own_time(customer, b.id);
    busy := CASE WHEN knows THEN booking.customer_times(customer, b.id) ELSE '{}' END;
    reason := booking.broken_rule(treatments, loctician, start, notice);
    IF reason IS NULL THEN
        grid := booking.opening_grid(treatments);
        SELECT bool_or(NOT busy && tstzrange(start, start + booking.minutes(f.lasts_minutes))) INTO fits
        FROM booking.free_sittings_at(treatments, loctician, start, grid, own) f;
        reason := CASE
            WHEN fits IS NULL THEN coalesce(booking.broken_hours(treatments, loctician, start, grid), 'slot_taken')
            WHEN NOT fits THEN 'customer_overlap' END;
    END IF;
    IF NOT knows AND p_request ? 'nearest' THEN
        busy := tstzmultirange(tstzrange(start, start + interval '1 minute'));
    END IF;
    RETURN jsonb_build_object('service_ids', treatments, 'reason', reason, 'alternatives', CASE
        WHEN reason IS NULL AND NOT p_request ? 'nearest' THEN '[]' ELSE (
        SELECT coalesce(jsonb_agg(to_jsonb(n)), '[]')
        FROM booking.nearest_slots(treatments, loctician, start, busy, notice, own) n
    ) END);
END
$$;

-- Prepares a search by the caller who is to move a booking: its own time and the caller's own holds are left out of
-- account, its terms apply. Request: booking_id, service_ids (the booking's own when empty), loctician_id.
-- Raises LB001 not_found for a booking that the caller does not see.
CREATE OR REPLACE FUNCTION booking.prepare_search_to_move(
    p_claims jsonb, p_request jsonb, OUT treatments uuid[], OUT notice boolean, OUT own uuid[]
) LANGUAGE plpgsql AS $$
DECLARE
    b booking.bookings;
BEGIN
    PERFORM booking.act_as(p_claims);
    b := booking.booking_to_move((p_request ->> 'booking_id')::uuid);
    notice := NOT booking.acts_for_salon(b);
    PERFORM booking.act_as_service();
    treatments := booking.apply_terms_of_search(
        b, booking.uuids(p_request -> 'service_ids'), (p_request ->> 'loctician_id')::uuid);
    own := booking.own_time(b.customer_id, b.id);
END
$$;

-- The response of GET /slots for the caller who is to move a booking. Request: as above, and from, to, limit, language,
-- after_start, after_loctician.
CREATE OR REPLACE FUNCTION booking.slots_to_move(p_claims jsonb, p_request jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    s record := booking.prepare_search_to_move(p_claims, p_request);
BEGIN
    RETURN booking.slots_json(s.treatments, (p_request ->> 'loctician_id')::uuid, (p_request ->> 'from')::timestamptz,
        (p_request ->> 'to')::timestamptz, (p_request ->> 'limit')::integer, s.notice, p_request ->> 'language',
        s.own, (p_request ->> 'after_start')::timestamptz, (p_request ->> 'after_loctician')::uuid);
END
$$;
