-- Lapsed holds keep nobody from a time: whoever takes it removes them, however late the job is that would have.
CREATE FUNCTION booking.clear_lapsed(p_locticians uuid[]) RETURNS void LANGUAGE sql AS $$
    DELETE FROM booking.occupancy o WHERE o.loctician_id = ANY (p_locticians) AND o.lapses_at <= booking.clock()
$$

-- The best free sitting, its people locked until the transaction ends; looked for again once locked, as others may have
-- been quicker. p_chairs: only with exactly these. Refuses with the reason otherwise.
CREATE FUNCTION booking.take_chairs(
    p_customer uuid, p_treatments uuid[], p_loctician uuid, p_start timestamptz, p_chairs uuid[],
    p_notice boolean, p_walk_in boolean
) RETURNS booking.sitting LANGUAGE plpgsql AS $$
DECLARE
    reason text := booking.broken_rule(p_treatments, p_loctician, p_start, p_notice, p_walk_in);
    free booking.sitting[];
    people uuid[];
    busy tstzmultirange;
    chosen booking.sitting;
BEGIN
    IF reason IS NOT NULL THEN
        PERFORM booking.refuse(reason);
    END IF;
    free := ARRAY (SELECT f FROM booking.free_at(p_treatments, p_loctician, p_start) f
        WHERE p_chairs IS NULL OR f.chairs = p_chairs);
    people := ARRAY (SELECT DISTINCT chair FROM unnest(free) f, unnest(f.chairs) chair);
    IF cardinality(free) > 0 THEN
        PERFORM booking.lock_people(people || p_customer);
        PERFORM booking.clear_lapsed(people);
        free := ARRAY (SELECT f FROM booking.free_at(p_treatments, p_loctician, p_start) f
            WHERE f.chairs <@ people AND (p_chairs IS NULL OR f.chairs = p_chairs));
    END IF;
    busy := booking.own_times(p_customer);
    SELECT f.* INTO chosen FROM unnest(free) WITH ORDINALITY AS f (chairs, shared, lasts_minutes, price_amount, place)
    WHERE NOT busy && tstzrange(p_start, p_start + booking.minutes(f.lasts_minutes)) ORDER BY f.place LIMIT 1;
    IF cardinality(free) = 0 THEN
        PERFORM booking.refuse('slot_taken');
    ELSIF chosen.chairs IS NULL THEN
        PERFORM booking.refuse('customer_overlap');
    END IF;
    RETURN chosen;
END
$$

CREATE FUNCTION booking.hold_json(h booking.holds) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN jsonb_build_object(
        'id', h.id, 'service_ids', h.treatment_ids, 'start', booking.utc(h.starts_at), 'end', booking.utc(h.ends_at),
        'loctician_id', h.chairs[1], 'price_amount', h.price_amount, 'expires_at', booking.utc(h.expires_at),
        'parts', CASE WHEN h.chairs[1] <> ANY (h.chairs) THEN booking.parts(h.treatment_ids, h.chairs) END);
END
$$

-- Holds a time for five minutes; an earlier hold of the same customer ends.
CREATE FUNCTION booking.hold(p_claims jsonb, p_request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
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
$$

-- The customer's own hold must not stand in the customer's way. A lapsed one is left alone as long as the lock of its
-- chair is not held, since whoever takes that chair may be removing it.
CREATE FUNCTION booking.drop_own_hold(p_customer uuid, p_lapsed boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    one uuid;
BEGIN
    FOR one IN SELECT h.id FROM booking.holds h WHERE h.customer_id = p_customer AND h.waitlist_id IS NULL
        AND (p_lapsed OR h.expires_at > booking.clock()) LOOP
        PERFORM booking.drop_hold(one);
    END LOOP;
END
$$

CREATE FUNCTION booking.release_hold(p_claims jsonb, p_request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    held booking.holds;
BEGIN
    PERFORM booking.act_as(p_claims);
    SELECT * INTO held FROM booking.holds h WHERE h.id = (p_request ->> 'id')::uuid;
    PERFORM booking.act_as_service();
    PERFORM booking.lock_people(held.chairs);
    SELECT * INTO held FROM booking.holds h WHERE h.id = held.id FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM booking.refuse('not_found');
    END IF;
    PERFORM booking.end_hold(held);
    RETURN '{}';
END
$$

-- Up to 200 lapsed holds end; their times go to the waitlist. Returns how many.
CREATE FUNCTION booking.end_lapsed_holds() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    ids uuid[] := ARRAY (
        SELECT h.id FROM booking.holds h WHERE h.expires_at <= booking.clock() ORDER BY h.expires_at, h.id LIMIT 200);
    held booking.holds;
    ended integer := 0;
BEGIN
    PERFORM booking.lock_people(ARRAY (
        SELECT chair FROM booking.holds h, unnest(h.chairs) chair WHERE h.id = ANY (ids)));
    FOR held IN SELECT * FROM booking.holds h WHERE h.id = ANY (ids) ORDER BY h.expires_at, h.id FOR UPDATE LOOP
        PERFORM booking.end_hold(held);
        ended := ended + 1;
    END LOOP;
    RETURN ended;
END
$$
