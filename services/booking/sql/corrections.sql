-- Corrections by the salon: a no-show that was none, the length of one booking, and bookings of customers whose account
-- was deactivated. Locks are those of lock_booking, as for every change of a booking.

-- Undoes a no-show: the booking is confirmed again. Request: id, versions.
-- Raises LB001 of lock_booking, not_for_others (only staff may), wrong_status, undo_too_late more than 24 hours after
-- the booking was marked.
CREATE OR REPLACE FUNCTION booking.undo_no_show(p_claims jsonb, p_request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    b booking.bookings;
    marked_at timestamptz;
BEGIN
    PERFORM booking.act_as(p_claims);
    b := booking.lock_booking(p_request);
    IF booking.claim_role() NOT IN ('staff', 'admin') THEN
        PERFORM booking.refuse('not_for_others');
    ELSIF b.status <> 'no_show' THEN
        PERFORM booking.refuse_status(b);
    END IF;
    marked_at := (SELECT max(h.at) FROM booking.booking_history h WHERE h.booking_id = b.id AND h.change = 'no_show');
    IF marked_at < booking.clock() - interval '24 hours' THEN
        PERFORM booking.refuse('undo_too_late');
    END IF;
    PERFORM booking.act_as_service();
    UPDATE booking.bookings SET status = 'confirmed', updated_at = booking.clock(), version = version + 1
    WHERE id = b.id RETURNING * INTO b;
    PERFORM booking.record_change(b, 'no_show_undone');
    RETURN booking.booking_json(b);
END
$$;

-- Keeps a booking although the customer's account was deactivated: it is no longer listed for a decision.
-- Request: id, versions. A booking that waits for no decision stays as it is.
-- Raises LB001 of lock_booking, not_for_others.
CREATE OR REPLACE FUNCTION booking.keep(p_claims jsonb, p_request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    b booking.bookings;
BEGIN
    PERFORM booking.act_as(p_claims);
    b := booking.lock_booking(p_request);
    IF booking.claim_role() NOT IN ('staff', 'admin') THEN
        PERFORM booking.refuse('not_for_others');
    END IF;
    PERFORM booking.act_as_service();
    IF b.customer_inactive_at IS NOT NULL THEN
        b := booking.set_customer_inactive(b, false);
    END IF;
    RETURN booking.booking_json(b);
END
$$;

-- Marks a booking for a decision of the salon, or unmarks it, and records that. The caller holds the booking's lock.
CREATE OR REPLACE FUNCTION booking.set_customer_inactive(b booking.bookings, p_inactive boolean)
RETURNS booking.bookings LANGUAGE plpgsql AS $$
BEGIN
    UPDATE booking.bookings SET customer_inactive_at = CASE WHEN p_inactive THEN booking.clock() END,
        updated_at = booking.clock(), version = version + 1
    WHERE id = b.id RETURNING * INTO b;
    PERFORM booking.record_change(b, CASE WHEN p_inactive THEN 'customer_inactive' ELSE 'kept' END);
    RETURN b;
END
$$;

-- Marks the coming bookings of a customer whose account was deactivated, so that the salon decides whether it keeps or
-- cancels them; with p_active unmarks them. The transaction acts as the service. Returns how many were changed.
-- Locks: the bookings FOR UPDATE, in the order of their ids, and nothing after them.
CREATE OR REPLACE FUNCTION booking.mark_bookings_of(p_customer uuid, p_active boolean) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    b booking.bookings;
    changed integer := 0;
BEGIN
    FOR b IN
        SELECT * FROM booking.bookings o WHERE o.customer_id = p_customer AND o.status IN ('pending', 'confirmed')
            AND o.starts_at > booking.clock() AND (o.customer_inactive_at IS NOT NULL) = p_active
        ORDER BY o.id FOR UPDATE
    LOOP
        PERFORM booking.set_customer_inactive(b, NOT p_active);
        changed := changed + 1;
    END LOOP;
    RETURN changed;
END
$$;

-- Changes the length of one booking: its last treatment ends earlier or later, also when the appointment has begun. The
-- price stays. Opening hours and the grid do not count, since the salon decides; other bookings do.
-- Request: id, versions, duration_minutes (of the whole booking).
-- Returns the booking, and the time that it no longer takes as freed (see free_booked_time).
-- Raises LB001 of lock_booking, not_for_others (customers, and locticians who do not perform the last treatment),
-- wrong_status, too_short with the shortest length in minutes; exclusion_violation slot_taken or customer_overlap.
CREATE OR REPLACE FUNCTION booking.set_length(p_claims jsonb, p_request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    b booking.bookings;
    p booking.change_plan;
    minutes integer := (p_request ->> 'duration_minutes')::integer;
    terms jsonb;
    longer integer;
    freed jsonb := '[]';
BEGIN
    PERFORM booking.act_as(p_claims);
    b := booking.lock_booking(p_request);
    IF NOT booking.acts_for_salon(b) THEN
        PERFORM booking.refuse('not_for_others');
    ELSIF b.status NOT IN ('pending', 'confirmed') THEN
        PERFORM booking.refuse_status(b);
    END IF;
    PERFORM booking.act_as_service();
    p := booking.plan_change(p_request);
    terms := booking.booked_terms(b.id);
    longer := minutes - (extract(epoch FROM b.ends_at - b.starts_at) / 60)::integer;
    IF p_claims ->> 'role' = 'loctician' AND p_claims ->> 'sub' <> terms -> -1 ->> 'loctician_id' THEN
        PERFORM booking.refuse('not_for_others');
    ELSIF (terms -> -1 ->> 'lasts')::integer + longer < 5 THEN
        PERFORM booking.refuse('too_short',
            jsonb_build_object('shortest', minutes - longer - (terms -> -1 ->> 'lasts')::integer + 5));
    END IF;
    IF longer <> 0 THEN
        terms := jsonb_set(terms, '{-1,lasts}', to_jsonb((terms -> -1 ->> 'lasts')::integer + longer));
        PERFORM booking.apply_terms(terms, true, true);
        freed := booking.free_booked_time(b.id);
        b := booking.move_booking(b, p, b.starts_at, false, ROW (
            p.old_performers, cardinality(b.loctician_ids) > 1, minutes, b.price_amount)::booking.sitting);
        PERFORM booking.stop_terms();
    END IF;
    RETURN booking.booking_json(b) || jsonb_build_object('freed', freed);
END
$$;
