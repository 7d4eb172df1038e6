-- The state machine, whatever the application does.
CREATE FUNCTION booking.keep_to_the_states() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status <> NEW.status AND (OLD.status, NEW.status) NOT IN (
        ('pending', 'confirmed'), ('pending', 'cancelled'),
        ('confirmed', 'completed'), ('confirmed', 'no_show'), ('confirmed', 'cancelled')
    ) THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation',
            MESSAGE = format('a booking that is %s cannot become %s', OLD.status, NEW.status);
    END IF;
    RETURN NEW;
END
$$

CREATE TRIGGER keep_to_the_states BEFORE UPDATE OF status ON booking.bookings
FOR EACH ROW EXECUTE FUNCTION booking.keep_to_the_states()

-- The caller's booking, with the locks of its people, of p_more, and of itself. Refuses what the caller does not see and
-- a version other than those expected.
CREATE FUNCTION booking.locked_booking(p_request jsonb, p_more uuid[] DEFAULT '{}') RETURNS booking.bookings
LANGUAGE plpgsql AS $$
DECLARE
    wanted uuid := (p_request ->> 'id')::uuid;
    seen booking.bookings;
    b booking.bookings;
BEGIN
    SELECT * INTO seen FROM booking.bookings WHERE id = wanted;
    IF NOT FOUND THEN
        PERFORM booking.refuse('not_found');
    END IF;
    PERFORM booking.lock_people(seen.loctician_ids || seen.customer_id || p_more);
    SELECT * INTO b FROM booking.bookings WHERE id = wanted FOR UPDATE;
    IF b.loctician_ids IS DISTINCT FROM seen.loctician_ids OR b.customer_id <> seen.customer_id THEN
        RAISE EXCEPTION USING ERRCODE = 'serialization_failure', MESSAGE = 'the booking went to somebody else';
    ELSIF p_request ->> 'versions' IS NOT NULL AND NOT p_request -> 'versions' @> to_jsonb(b.version) THEN
        PERFORM booking.refuse('stale_version');
    END IF;
    RETURN b;
END
$$

CREATE FUNCTION booking.refuse_status(b booking.bookings) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM booking.refuse('wrong_status', jsonb_build_object('status', b.status));
END
$$

-- Staff for every booking, locticians for those they perform; asked under the caller's own claims.
CREATE FUNCTION booking.speaks_for_salon(b booking.bookings) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT booking.claim_role() IN ('staff', 'admin', 'service')
        OR (booking.claim_role() = 'loctician' AND booking.claim_sub() = ANY (b.loctician_ids))
$$

-- Ends what a booking takes; its times, by loctician, can then be offered.
CREATE FUNCTION booking.give_back(p_booking uuid) RETURNS TABLE (loctician_id uuid, blocked tstzrange)
LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT i.loctician_id, range_merge(range_agg(i.blocked)) FROM booking.booking_items i
    WHERE i.booking_id = p_booking AND i.active GROUP BY i.loctician_id;
    UPDATE booking.occupancy o SET active = false
    WHERE o.item_id IN (SELECT i.id FROM booking.booking_items i WHERE i.booking_id = p_booking);
    UPDATE booking.booking_items i SET active = false WHERE i.booking_id = p_booking;
END
$$

CREATE FUNCTION booking.offer_all(p_locticians uuid[], p_freed tstzrange[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    FOR one IN 1..coalesce(cardinality(p_locticians), 0) LOOP
        PERFORM booking.offer(p_locticians[one], p_freed[one]);
    END LOOP;
END
$$

CREATE FUNCTION booking.cancel(p_claims jsonb, p_request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    b booking.bookings;
    window_hours integer := (booking.rules()).cancellation_window_hours;
    by_salon boolean;
    remaining interval;
    locticians uuid[];
    freed tstzrange[];
BEGIN
    PERFORM booking.act_as(p_claims);
    b := booking.locked_booking(p_request);
    by_salon := booking.speaks_for_salon(b);
    remaining := b.starts_at - booking.clock();
    IF b.status NOT IN ('pending', 'confirmed') THEN
        PERFORM booking.refuse_status(b);
    ELSIF remaining <= interval '0' AND NOT by_salon THEN
        PERFORM booking.refuse('already_started');
    END IF;
    PERFORM booking.act_as_service();
    SELECT array_agg(t.loctician_id), array_agg(t.blocked) INTO locticians, freed FROM booking.give_back(b.id) t;
    UPDATE booking.bookings SET status = 'cancelled', cancel_reason = p_request ->> 'reason',
        cancelled_at = booking.clock(), updated_at = booking.clock(), conflicted_at = NULL, version = version + 1
    WHERE id = b.id RETURNING * INTO b;
    PERFORM booking.record(b, 'cancelled',
        coalesce(p_request ->> 'code', CASE WHEN by_salon THEN 'by_salon' ELSE 'by_customer' END));
    PERFORM booking.offer_all(locticians, freed);
    RETURN booking.booking_json(b) || jsonb_build_object(
        'cancellation_window_hours', window_hours,
        'cancellation_window_kept', remaining >= window_hours * interval '1 hour');
END
$$

-- Confirms a pending booking, or tells how a confirmed one that has begun went.
CREATE FUNCTION booking.settle(p_claims jsonb, p_request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    b booking.bookings;
    outcome text := p_request ->> 'outcome';
BEGIN
    PERFORM booking.act_as(p_claims);
    b := booking.locked_booking(p_request);
    IF NOT booking.speaks_for_salon(b) THEN
        PERFORM booking.refuse('not_for_others');
    ELSIF b.status <> (CASE outcome WHEN 'confirmed' THEN 'pending' ELSE 'confirmed' END) THEN
        PERFORM booking.refuse_status(b);
    ELSIF outcome <> 'confirmed' AND b.starts_at > booking.clock() THEN
        PERFORM booking.refuse('not_started');
    END IF;
    PERFORM booking.act_as_service();
    UPDATE booking.bookings SET status = outcome, updated_at = booking.clock(), version = version + 1,
        conflicted_at = CASE WHEN outcome = 'confirmed' THEN conflicted_at END
    WHERE id = b.id RETURNING * INTO b;
    PERFORM booking.record(b, outcome);
    RETURN booking.booking_json(b);
END
$$

-- What a change asks for; with chairs, exactly by whom.
CREATE TYPE booking.wish AS (
    treatments uuid[], loctician uuid, chairs uuid[],
    old_items uuid[], old_treatments uuid[], old_chairs uuid[], old_prices integer[]
)

-- What is not named stays as it is.
CREATE FUNCTION booking.wish(p_request jsonb) RETURNS booking.wish LANGUAGE plpgsql STABLE AS $$
DECLARE
    w booking.wish;
BEGIN
    SELECT array_agg(i.id ORDER BY i.place), array_agg(i.treatment_id ORDER BY i.place),
        array_agg(i.loctician_id ORDER BY i.place), array_agg(i.price_amount ORDER BY i.place)
    INTO w.old_items, w.old_treatments, w.old_chairs, w.old_prices
    FROM booking.booking_items i WHERE i.booking_id = (p_request ->> 'id')::uuid;
    w.treatments := CASE WHEN p_request ? 'service_ids' THEN booking.uuids(p_request -> 'service_ids')
        ELSE w.old_treatments END;
    IF p_request ? 'loctician_id' THEN
        w.loctician := (p_request ->> 'loctician_id')::uuid;
    ELSIF w.old_chairs[1] = ALL (w.old_chairs) THEN
        w.loctician := w.old_chairs[1];
    ELSIF w.treatments = w.old_treatments THEN
        w.chairs := w.old_chairs;
    END IF;
    RETURN w;
END
$$

CREATE FUNCTION booking.note(b booking.bookings, p_request jsonb, p_alone boolean) RETURNS booking.bookings
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE booking.bookings SET
        notes = CASE WHEN p_request ? 'notes' THEN p_request ->> 'notes' ELSE notes END,
        internal_notes = CASE WHEN p_request ? 'internal_notes' THEN p_request ->> 'internal_notes' ELSE internal_notes END,
        updated_at = booking.clock(), version = version + p_alone::integer
    WHERE id = b.id RETURNING * INTO b;
    IF p_alone THEN
        PERFORM booking.record(b, 'noted');
    END IF;
    RETURN b;
END
$$

-- The agreed prices stay when only the start changes. Items keep their ids, so that a calendar moves an entry and need not
-- cancel it. What the booking took before goes to the waitlist.
CREATE FUNCTION booking.move(b booking.bookings, w booking.wish, p_start timestamptz, p_notice boolean)
RETURNS booking.bookings LANGUAGE plpgsql AS $$
DECLARE
    earlier_start timestamptz := b.starts_at;
    taken booking.sitting;
    same boolean;
    locticians uuid[];
    freed tstzrange[];
BEGIN
    SELECT array_agg(t.loctician_id), array_agg(t.blocked) INTO locticians, freed FROM booking.give_back(b.id) t;
    DELETE FROM booking.occupancy o WHERE o.item_id IN (
        SELECT i.id FROM booking.booking_items i WHERE i.booking_id = b.id);
    DELETE FROM booking.booking_items i WHERE i.booking_id = b.id;
    taken := booking.take_chairs(b.customer_id, w.treatments, w.loctician, p_start, w.chairs, p_notice, false);
    same := taken.chairs = w.old_chairs AND w.treatments = w.old_treatments;
    UPDATE booking.bookings SET starts_at = p_start, ends_at = p_start + booking.minutes(taken.lasts_minutes),
        loctician_ids = booking.distinct_in_order(taken.chairs),
        price_amount = CASE WHEN same THEN price_amount ELSE taken.price_amount END,
        conflicted_at = NULL, updated_at = booking.clock(), version = version + 1
    WHERE id = b.id RETURNING * INTO b;
    PERFORM booking.add_items(b, w.treatments, taken.chairs, CASE WHEN same THEN w.old_prices END, w.old_items);
    PERFORM booking.record(b, 'rescheduled', NULL, earlier_start);
    PERFORM booking.offer_all(locticians, freed);
    RETURN b;
END
$$

-- Whether a loctician would change what a colleague does.
CREATE FUNCTION booking.touches_others(w booking.wish, p_loctician uuid) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT bool_or(chair IS DISTINCT FROM p_loctician) FROM unnest(w.old_chairs || w.loctician) chair
$$

-- Another start, other treatments, another loctician, other notes.
CREATE FUNCTION booking.change(p_claims jsonb, p_request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    seen booking.bookings;
    b booking.bookings;
    w booking.wish;
    by_salon boolean;
    start timestamptz;
    moves boolean;
BEGIN
    PERFORM booking.act_as(p_claims);
    SELECT * INTO seen FROM booking.bookings WHERE id = (p_request ->> 'id')::uuid;
    IF NOT FOUND THEN
        PERFORM booking.refuse('not_found');
    END IF;
    by_salon := booking.speaks_for_salon(seen);
    PERFORM booking.act_as_service();
    w := booking.wish(p_request);
    b := booking.locked_booking(p_request, CASE WHEN w.chairs IS NULL THEN ARRAY (
        SELECT DISTINCT o.loctician_id FROM booking.offers(w.treatments, w.loctician) o) ELSE '{}' END);
    IF b.version <> seen.version THEN
        RAISE EXCEPTION USING ERRCODE = 'serialization_failure', MESSAGE = 'the booking changed meanwhile';
    END IF;
    start := coalesce((p_request ->> 'start')::timestamptz, b.starts_at);
    moves := start <> b.starts_at OR w.treatments <> w.old_treatments
        OR coalesce(w.loctician <> ANY (w.old_chairs), false);
    IF b.status NOT IN ('pending', 'confirmed') THEN
        PERFORM booking.refuse_status(b);
    ELSIF (NOT by_salon AND p_request ? 'internal_notes') OR (moves AND by_salon AND p_claims ->> 'role' = 'loctician'
        AND booking.touches_others(w, (p_claims ->> 'sub')::uuid)) THEN
        PERFORM booking.refuse('not_for_others');
    ELSIF NOT by_salon AND b.starts_at <= booking.clock() THEN
        PERFORM booking.refuse('already_started');
    ELSIF NOT by_salon AND moves
        AND b.starts_at < booking.clock() + (booking.rules()).cancellation_window_hours * interval '1 hour' THEN
        PERFORM booking.refuse('window_passed',
            jsonb_build_object('hours', (booking.rules()).cancellation_window_hours));
    END IF;
    IF p_request ?| ARRAY['notes', 'internal_notes'] THEN
        b := booking.note(b, p_request, NOT moves);
    END IF;
    IF moves THEN
        b := booking.move(b, w, start, NOT by_salon);
    END IF;
    RETURN booking.booking_json(b);
END
$$
