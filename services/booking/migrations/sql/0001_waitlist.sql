CREATE FUNCTION booking.waiting_json(w booking.waitlist) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN jsonb_build_object(
        'id', w.id, 'customer_id', w.customer_id, 'service_ids', w.treatment_ids, 'loctician_id', w.loctician_id,
        'first_day', w.first_day, 'last_day', w.last_day, 'earliest', to_char(w.earliest, 'HH24:MI'),
        'latest', to_char(w.latest, 'HH24:MI'), 'status', w.status, 'version', w.version,
        'created_at', booking.utc(w.created_at),
        'offer', (
            SELECT jsonb_build_object(
                'hold_id', h.id, 'start', booking.utc(h.starts_at), 'end', booking.utc(h.ends_at),
                'loctician_id', h.chairs[1], 'price_amount', h.price_amount, 'expires_at', booking.utc(h.expires_at))
            FROM booking.holds h WHERE h.waitlist_id = w.id AND h.expires_at > booking.clock()
        )
    );
END
$$

CREATE FUNCTION booking.record_offer(w booking.waitlist, h booking.holds, p_change text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM booking.emit(booking.new_id(), 'waitlist.' || p_change || '.v1', w.id::text, w.version, jsonb_build_object(
        'version', w.version, 'waitlist_id', w.id, 'offer_id', h.id, 'customer_id', w.customer_id,
        'loctician_id', h.chairs[1], 'treatment_ids', h.treatment_ids, 'start', booking.utc(h.starts_at),
        'end', booking.utc(h.ends_at), 'expires_at', booking.utc(h.expires_at)));
END
$$

-- Takes the time of a hold, as a booking would, until it lapses. The caller has the lock of each chair.
CREATE FUNCTION booking.add_hold(h booking.holds) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO booking.holds SELECT h.*;
    INSERT INTO booking.occupancy (item_id, loctician_id, blocked, lapses_at)
    SELECT h.id, i.loctician_id, tstzrange(
        h.starts_at + booking.minutes(lower(part)), h.starts_at + booking.minutes(upper(part))), h.expires_at
    FROM booking.sitting_items(h.treatment_ids, h.chairs) i, unnest(i.blocked) part;
END
$$

CREATE FUNCTION booking.drop_hold(p_hold uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM booking.occupancy o WHERE o.item_id = p_hold;
    DELETE FROM booking.holds h WHERE h.id = p_hold;
END
$$

-- A waiting customer's first free start of this loctician that uses some of the freed time and suits the wish; rather one
-- within that time than one that begins before it.
CREATE FUNCTION booking.fitting(w booking.waitlist, p_loctician uuid, p_freed tstzrange) RETURNS booking.slot
LANGUAGE plpgsql STABLE AS $$
DECLARE
    found booking.slot;
    busy tstzmultirange := booking.own_times(w.customer_id);
BEGIN
    SELECT s.* INTO found FROM booking.free_slots(
        w.treatment_ids, p_loctician, lower(p_freed) - interval '1 day', upper(p_freed), 100000) s
    WHERE tstzrange(s.starts_at, s.ends_at) && p_freed AND NOT busy && tstzrange(s.starts_at, s.ends_at)
        AND booking.local_day(s.starts_at) BETWEEN w.first_day AND w.last_day
        AND (w.earliest IS NULL OR (s.starts_at AT TIME ZONE 'Europe/Copenhagen')::time >= w.earliest)
        AND (w.latest IS NULL OR (s.ends_at AT TIME ZONE 'Europe/Copenhagen')
            <= booking.local_day(s.starts_at) + w.latest)
    ORDER BY s.starts_at < lower(p_freed), s.starts_at LIMIT 1;
    RETURN found;
END
$$

-- Offers freed time to whoever has waited longest and fits, then what is left to the next. The transaction acts as the
-- service and has the loctician's lock. Who is being offered another time at this moment is passed over.
CREATE FUNCTION booking.offer(p_loctician uuid, p_freed tstzrange, p_except uuid DEFAULT NULL) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    waiting booking.waitlist;
    slot booking.slot;
    made booking.holds;
BEGIN
    FOR waiting IN
        SELECT w.* FROM booking.waitlist w
        WHERE w.status = 'waiting' AND w.id IS DISTINCT FROM p_except AND upper(p_freed) > booking.clock()
            AND (w.loctician_id IS NULL OR w.loctician_id = p_loctician)
            AND w.first_day <= booking.local_day(upper(p_freed)) AND w.last_day >= booking.local_day(lower(p_freed))
        ORDER BY w.queued_at, w.id LIMIT 100
    LOOP
        slot := booking.fitting(waiting, p_loctician, p_freed);
        CONTINUE WHEN slot.starts_at IS NULL;
        PERFORM FROM booking.waitlist w WHERE w.id = waiting.id AND w.status = 'waiting' FOR UPDATE SKIP LOCKED;
        CONTINUE WHEN NOT FOUND;
        UPDATE booking.waitlist w SET status = 'offered', version = w.version + 1 WHERE w.id = waiting.id
        RETURNING * INTO waiting;
        made := ROW (booking.new_id(), waiting.customer_id, waiting.treatment_ids,
            array_fill(p_loctician, ARRAY[cardinality(waiting.treatment_ids)]), slot.starts_at, slot.ends_at,
            slot.price_amount, waiting.id, booking.clock() + booking.minutes((booking.rules()).offer_minutes),
            booking.clock());
        PERFORM booking.clear_lapsed(made.chairs);
        PERFORM booking.add_hold(made);
        PERFORM booking.record_offer(waiting, made, 'offered');
    END LOOP;
END
$$

-- What a hold took goes to the waitlist; an offer that was not taken puts its customer at the end of the line.
-- The transaction acts as the service and has the locks of the chairs.
CREATE FUNCTION booking.end_hold(h booking.holds) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    waiting booking.waitlist;
    freed record;
BEGIN
    PERFORM booking.drop_hold(h.id);
    UPDATE booking.waitlist w SET status = 'waiting', queued_at = booking.clock(), version = w.version + 1
    WHERE w.id = h.waitlist_id RETURNING * INTO waiting;
    IF FOUND THEN
        PERFORM booking.record_offer(waiting, h, 'expired');
    END IF;
    FOR freed IN SELECT DISTINCT chair FROM unnest(h.chairs) chair LOOP
        PERFORM booking.offer(freed.chair, tstzrange(h.starts_at, h.ends_at), h.waitlist_id);
    END LOOP;
END
$$

CREATE FUNCTION booking.wait(p_claims jsonb, p_request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    customer uuid := (p_request ->> 'customer_id')::uuid;
    treatments uuid[] := booking.uuids(p_request -> 'service_ids');
    loctician uuid := (p_request ->> 'loctician_id')::uuid;
    reason text;
    waiting booking.waitlist;
    reply jsonb;
BEGIN
    PERFORM booking.act_as(p_claims);
    reply := booking.first_answer(p_request);
    IF reply IS NOT NULL THEN
        RETURN reply;
    END IF;
    PERFORM booking.check_customer(customer, (p_request ->> 'require_verified')::boolean);
    PERFORM booking.lock_people(ARRAY[customer]);
    reason := booking.broken_wish(treatments, loctician, (p_request ->> 'last_day')::date);
    IF reason IS NOT NULL THEN
        PERFORM booking.refuse(reason);
    ELSIF (SELECT count(*) FROM booking.waitlist w WHERE w.customer_id = customer
        AND w.status <> 'accepted' AND w.last_day >= booking.local_day(booking.clock())) >= 10 THEN
        PERFORM booking.refuse('too_many_wishes');
    END IF;
    INSERT INTO booking.waitlist (id, customer_id, treatment_ids, loctician_id, first_day, last_day, earliest, latest,
        queued_at, created_at)
    VALUES (booking.new_id(), customer, treatments, loctician, (p_request ->> 'first_day')::date,
        (p_request ->> 'last_day')::date, (p_request ->> 'earliest')::time, (p_request ->> 'latest')::time,
        booking.clock(), booking.clock())
    RETURNING * INTO waiting;
    RETURN booking.keep_answer(p_request, booking.waiting_json(waiting));
END
$$

-- One loctician must perform all of what is waited for: an offer is the time that one of them has free.
CREATE FUNCTION booking.broken_wish(p_treatments uuid[], p_loctician uuid, p_last_day date) RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN CASE
        WHEN p_last_day < booking.local_day(booking.clock()) THEN 'in_past'
        WHEN (SELECT count(*) FROM booking.treatments t WHERE t.active AND t.id = ANY (p_treatments))
            < cardinality(p_treatments) THEN 'unknown_treatment'
        WHEN p_loctician IS NOT NULL AND NOT EXISTS (
            SELECT FROM booking.locticians l WHERE l.active AND l.loctician_id = p_loctician) THEN 'unknown_loctician'
        WHEN NOT EXISTS (SELECT FROM booking.sittings(p_treatments, p_loctician)) THEN 'treatment_not_offered'
    END;
END
$$

CREATE FUNCTION booking.wishes(p_claims jsonb, p_filter jsonb) RETURNS SETOF jsonb LANGUAGE plpgsql AS $$
BEGIN
    PERFORM booking.act_as(p_claims);
    RETURN QUERY SELECT booking.waiting_json(w) FROM booking.waitlist w
    WHERE (NOT p_filter ? 'customer_id' OR w.customer_id = (p_filter ->> 'customer_id')::uuid)
        AND (NOT p_filter ? 'after_id' OR (w.created_at, w.id)
            > ((p_filter ->> 'after_at')::timestamptz, (p_filter ->> 'after_id')::uuid))
    ORDER BY w.created_at, w.id LIMIT (p_filter ->> 'limit')::integer;
END
$$

CREATE FUNCTION booking.stop_waiting(p_claims jsonb, p_request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    offered booking.holds;
BEGIN
    PERFORM booking.act_as(p_claims);
    PERFORM FROM booking.waitlist w WHERE w.id = (p_request ->> 'id')::uuid;
    IF NOT FOUND THEN
        PERFORM booking.refuse('not_found');
    END IF;
    PERFORM booking.act_as_service();
    SELECT * INTO offered FROM booking.holds h WHERE h.waitlist_id = (p_request ->> 'id')::uuid;
    PERFORM booking.lock_people(offered.chairs);
    SELECT * INTO offered FROM booking.holds h WHERE h.waitlist_id = (p_request ->> 'id')::uuid FOR UPDATE;
    IF offered.id IS NOT NULL THEN
        PERFORM booking.end_hold(offered);
    END IF;
    DELETE FROM booking.waitlist w WHERE w.id = (p_request ->> 'id')::uuid;
    RETURN '{}';
END
$$
