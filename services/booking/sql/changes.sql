-- Changing bookings: cancelling and moving (outcomes.sql: confirming). All of these lock the same way: lock_people
-- (locticians and customer of the booking, and whoever else is needed), then the booking's row. The application offers
-- the time that comes free to the waitlist, in the same transaction (services/booking/waitlist/offers.py).

-- The caller's booking, locked. Request: id, versions (a list of those expected, or null).
-- Arguments: p_more: further people to lock.
-- Raises LB001 not_found when the caller does not see it, stale_version when it has another version;
-- serialization_failure when it went to other people between reading and locking, so that the application tries again.
-- Locks: lock_people (its locticians, its customer, p_more), then the booking FOR UPDATE.
CREATE OR REPLACE FUNCTION booking.lock_booking(p_request jsonb, p_more uuid[] DEFAULT '{}') RETURNS booking.bookings
LANGUAGE plpgsql AS $$
DECLARE
    booking_id uuid := (p_request ->> 'id')::uuid;
    read_before booking.bookings;
    b booking.bookings;
BEGIN
    SELECT * INTO read_before FROM booking.bookings WHERE id = booking_id;
    IF NOT FOUND THEN
        PERFORM booking.refuse('not_found');
    END IF;
    PERFORM booking.lock_people(read_before.loctician_ids || read_before.customer_id || p_more);
    SELECT * INTO b FROM booking.bookings WHERE id = booking_id FOR UPDATE;
    IF b.loctician_ids IS DISTINCT FROM read_before.loctician_ids OR b.customer_id <> read_before.customer_id THEN
        RAISE EXCEPTION USING ERRCODE = 'serialization_failure', MESSAGE = 'the booking went to somebody else';
    ELSIF p_request ->> 'versions' IS NOT NULL AND NOT p_request -> 'versions' @> to_jsonb(b.version) THEN
        PERFORM booking.refuse('stale_version');
    END IF;
    RETURN b;
END
$$;

-- Raises LB001 wrong_status with the booking's status as `booking_status`.
CREATE OR REPLACE FUNCTION booking.refuse_status(b booking.bookings) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM booking.refuse('wrong_status', jsonb_build_object('booking_status', b.status));
END
$$;

-- Frees the time that a booking occupies. Returns it as [{"loctician_id", "times"}] of each loctician, to be offered to
-- the waitlist. The customer's own wishes may be for other free time at that moment: they are examined again. The
-- caller holds the locks and acts as the service.
CREATE OR REPLACE FUNCTION booking.free_booked_time(p_booking uuid) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    freed jsonb := (
        SELECT coalesce(jsonb_agg(jsonb_build_object('loctician_id', f.loctician_id, 'times', f.times)), '[]') FROM (
            SELECT i.loctician_id, tstzmultirange(range_merge(range_agg(i.blocked)))::text AS times
            FROM booking.booking_items i WHERE i.booking_id = p_booking AND i.active GROUP BY i.loctician_id) f
    );
BEGIN
    UPDATE booking.occupancy o SET active = false
    WHERE o.item_id IN (SELECT i.id FROM booking.booking_items i WHERE i.booking_id = p_booking);
    UPDATE booking.booking_items i SET active = false WHERE i.booking_id = p_booking;
    PERFORM booking.examine_wishes_of(b.customer_id) FROM booking.bookings b WHERE b.id = p_booking;
    RETURN freed;
END
$$;

-- Cancels a booking.
-- Request: id, versions, reason (text for those who see the booking), message (the same, sealed for the mail to the
-- customer; left out unless the salon cancels), code (reason of the event).
-- Returns the booking, whether the cancellation window was kept, and its time as freed (see free_booked_time).
-- Raises LB001 of lock_booking, wrong_status, already_started (for customers). Locks: those of lock_booking.
CREATE OR REPLACE FUNCTION booking.cancel(p_claims jsonb, p_request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    b booking.bookings;
    window_hours integer := (booking.rules()).cancellation_window_hours;
    by_salon boolean;
    remaining interval;
    code text;
    freed jsonb;
BEGIN
    PERFORM booking.act_as(p_claims);
    b := booking.lock_booking(p_request);
    by_salon := booking.acts_for_salon(b);
    remaining := b.starts_at - booking.clock();
    IF b.status NOT IN ('pending', 'confirmed') THEN
        PERFORM booking.refuse_status(b);
    ELSIF remaining <= interval '0' AND NOT by_salon THEN
        PERFORM booking.refuse('already_started');
    END IF;
    PERFORM booking.act_as_service();
    code := coalesce(p_request ->> 'code', CASE WHEN by_salon THEN 'by_salon' ELSE 'by_customer' END);
    freed := booking.free_booked_time(b.id);
    UPDATE booking.bookings SET status = 'cancelled', cancel_reason = p_request ->> 'reason', cancel_code = code,
        cancelled_at = booking.clock(), updated_at = booking.clock(), conflicted_at = NULL,
        customer_inactive_at = NULL, confirm_by = NULL, version = version + 1
    WHERE id = b.id RETURNING * INTO b;
    PERFORM booking.record_change(
        b, 'cancelled', code, NULL, CASE WHEN by_salon THEN p_request ->> 'message' END);
    RETURN booking.booking_json(b) || jsonb_build_object(
        'freed', freed, 'cancellation_window_hours', window_hours,
        'cancellation_window_kept', remaining >= window_hours * interval '1 hour');
END
$$;

-- What a change asks for, beside what is booked; fields that the request leaves out stay as they are.
-- Request: id, service_ids, loctician_id.
CREATE OR REPLACE FUNCTION booking.plan_change(p_request jsonb) RETURNS booking.change_plan
LANGUAGE plpgsql STABLE AS $$
DECLARE
    p booking.change_plan;
BEGIN
    SELECT array_agg(i.id ORDER BY i.place), array_agg(i.treatment_id ORDER BY i.place),
        array_agg(i.loctician_id ORDER BY i.place)
    INTO p.old_items, p.old_treatments, p.old_performers
    FROM booking.booking_items i WHERE i.booking_id = (p_request ->> 'id')::uuid;
    p.treatments := CASE WHEN p_request ? 'service_ids' THEN booking.uuids(p_request -> 'service_ids')
        ELSE p.old_treatments END;
    IF p_request ? 'loctician_id' THEN
        p.loctician := (p_request ->> 'loctician_id')::uuid;
    ELSIF p.old_performers[1] = ALL (p.old_performers) THEN
        p.loctician := p.old_performers[1];
    ELSIF p.treatments = p.old_treatments THEN
        p.performer_ids := p.old_performers;
    END IF;
    RETURN p;
END
$$;

-- Changes the notes, and the name and phone of a walk-in. p_alone: nothing else changes, so this is a version of its
-- own with the event booking.noted.
CREATE OR REPLACE FUNCTION booking.update_notes(b booking.bookings, p_request jsonb, p_alone boolean)
RETURNS booking.bookings LANGUAGE plpgsql AS $$
BEGIN
    UPDATE booking.bookings SET
        notes = CASE WHEN p_request ? 'notes' THEN p_request ->> 'notes' ELSE notes END,
        internal_notes = CASE WHEN p_request ? 'internal_notes' THEN p_request ->> 'internal_notes'
            ELSE internal_notes END,
        walk_in_name = CASE WHEN p_request ? 'walk_in' THEN p_request -> 'walk_in' ->> 'name' ELSE walk_in_name END,
        walk_in_phone = CASE WHEN p_request ? 'walk_in' THEN p_request -> 'walk_in' ->> 'phone' ELSE walk_in_phone END,
        updated_at = booking.clock(), version = version + p_alone::integer
    WHERE id = b.id RETURNING * INTO b;
    IF p_alone THEN
        PERFORM booking.record_change(b, 'noted');
    END IF;
    RETURN b;
END
$$;

-- Whether the same locticians perform the same treatments after the change, so that at most the start differs.
CREATE OR REPLACE FUNCTION booking.keeps_sitting(p booking.change_plan) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT p.treatments = p.old_treatments
        AND (p.performer_ids IS NOT NULL OR coalesce(p.loctician = ALL (p.old_performers), false))
$$;

-- Plans a change (plan_change) and applies the terms of the booking from here on: exactly those of its sitting when at
-- most the start changes, beside those of the catalog otherwise. For changing a booking and for searching times for it.
-- Request: as plan_change. End it with stop_terms(), or with the transaction.
CREATE OR REPLACE FUNCTION booking.apply_terms_of_change(p_request jsonb) RETURNS booking.change_plan
LANGUAGE plpgsql AS $$
DECLARE
    p booking.change_plan := booking.plan_change(p_request);
BEGIN
    PERFORM booking.apply_terms(booking.booked_terms((p_request ->> 'id')::uuid), booking.keeps_sitting(p));
    RETURN p;
END
$$;

-- Moves a booking, whose time has been freed, to a sitting of take_sitting: another start, other treatments or another
-- loctician. The transaction applies the terms of the booking, so what stays with its loctician keeps its length and
-- price; a treatment that stays keeps the name under which it was booked. Items keep their ids, so that a calendar moves
-- an entry instead of cancelling it. A booking that the salon confirms by hand is pending again after its customer has
-- moved it. The caller holds the locks of the old and the new locticians and acts as the service.
CREATE OR REPLACE FUNCTION booking.move_booking(
    b booking.bookings, p booking.change_plan, p_start timestamptz, p_by_customer boolean, sitting booking.sitting
) RETURNS booking.bookings LANGUAGE plpgsql AS $$
DECLARE
    earlier_start timestamptz := b.starts_at;
    by_hand boolean := p_by_customer AND (booking.rules()).confirm_by_hand;
    names jsonb := (
        SELECT jsonb_object_agg(i.treatment_id, i.service_names)
        FROM booking.booking_items i WHERE i.booking_id = b.id AND i.service_names IS NOT NULL);
BEGIN
    DELETE FROM booking.occupancy o WHERE o.item_id IN (
        SELECT i.id FROM booking.booking_items i WHERE i.booking_id = b.id);
    DELETE FROM booking.booking_items i WHERE i.booking_id = b.id;
    UPDATE booking.bookings SET starts_at = p_start, ends_at = p_start + booking.minutes(sitting.lasts_minutes),
        loctician_ids = booking.distinct_in_order(sitting.performer_ids), price_amount = sitting.price_amount,
        status = CASE WHEN by_hand THEN 'pending' ELSE status END,
        confirm_by = CASE WHEN by_hand THEN booking.confirmation_deadline(p_start) ELSE confirm_by END,
        conflicted_at = NULL, updated_at = booking.clock(), version = version + 1
    WHERE id = b.id RETURNING * INTO b;
    PERFORM booking.add_booking_items(b, p.treatments, sitting.performer_ids, p.old_items, names);
    PERFORM booking.record_change(b, 'rescheduled', NULL, earlier_start);
    RETURN b;
END
$$;

-- Whether the change would take from or give to a loctician other than p_loctician.
CREATE OR REPLACE FUNCTION booking.affects_other_locticians(p booking.change_plan, p_loctician uuid) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT bool_or(loctician IS DISTINCT FROM p_loctician) FROM unnest(p.old_performers || p.loctician) loctician
$$;

-- Changes a booking: another start, other treatments, another loctician, other notes.
-- Request: id, versions, and any of start, service_ids, loctician_id, notes, internal_notes, walk_in.
-- Returns the booking, and the time that it no longer takes as freed (see free_booked_time).
-- Raises LB001 of lock_booking and take_sitting, wrong_status, not_for_others, not_a_walk_in, already_started,
-- window_passed;
-- serialization_failure when the booking changed between reading and locking.
-- Locks: lock_holders if it moves, lock_people (people of the booking, and those of the new sitting), the booking FOR
-- UPDATE.
CREATE OR REPLACE FUNCTION booking.change(p_claims jsonb, p_request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    read_before booking.bookings;
    b booking.bookings;
    p booking.change_plan;
    by_salon boolean;
    sitting booking.sitting;
    start timestamptz;
    moves boolean;
    freed jsonb := '[]';
BEGIN
    PERFORM booking.act_as(p_claims);
    SELECT * INTO read_before FROM booking.bookings WHERE id = (p_request ->> 'id')::uuid;
    IF NOT FOUND THEN
        PERFORM booking.refuse('not_found');
    END IF;
    by_salon := booking.acts_for_salon(read_before);
    PERFORM booking.act_as_service();
    p := booking.apply_terms_of_change(p_request);
    b := read_before;
    start := coalesce((p_request ->> 'start')::timestamptz, b.starts_at);
    moves := start <> b.starts_at OR p.treatments <> p.old_treatments
        OR coalesce(p.loctician <> ANY (p.old_performers), false);
    IF p_request ->> 'versions' IS NOT NULL AND NOT p_request -> 'versions' @> to_jsonb(b.version) THEN
        PERFORM booking.refuse('stale_version');
    ELSIF b.status NOT IN ('pending', 'confirmed') THEN
        PERFORM booking.refuse_status(b);
    ELSIF (NOT by_salon AND p_request ?| ARRAY['internal_notes', 'walk_in'])
        OR (moves AND by_salon AND p_claims ->> 'role' = 'loctician'
            AND booking.affects_other_locticians(p, (p_claims ->> 'sub')::uuid)) THEN
        PERFORM booking.refuse('not_for_others');
    ELSIF p_request ? 'walk_in' AND NOT b.walk_in THEN
        PERFORM booking.refuse('not_a_walk_in');
    ELSIF NOT by_salon AND b.starts_at <= booking.clock() THEN
        PERFORM booking.refuse('already_started');
    ELSIF NOT by_salon AND moves
        AND b.starts_at < booking.clock() + (booking.rules()).cancellation_window_hours * interval '1 hour' THEN
        PERFORM booking.refuse('window_passed',
            jsonb_build_object('hours', (booking.rules()).cancellation_window_hours));
    END IF;
    IF moves THEN
        PERFORM booking.lock_holders(b.customer_id);
        sitting := booking.take_sitting(b.customer_id, p.treatments, p.loctician, start, p.performer_ids, NOT by_salon,
            false, b.id, b.loctician_ids);
    END IF;
    b := booking.lock_booking(p_request);
    IF b.version <> read_before.version THEN
        RAISE EXCEPTION USING ERRCODE = 'serialization_failure', MESSAGE = 'the booking changed meanwhile';
    END IF;
    IF p_request ?| ARRAY['notes', 'internal_notes', 'walk_in'] THEN
        b := booking.update_notes(b, p_request, NOT moves);
    END IF;
    IF moves THEN
        freed := booking.free_booked_time(b.id);
        b := booking.move_booking(b, p, start, NOT by_salon, sitting);
    END IF;
    PERFORM booking.stop_terms();
    RETURN booking.booking_json(b) || jsonb_build_object('freed', freed);
END
$$;
