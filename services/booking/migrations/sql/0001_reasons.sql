CREATE FUNCTION booking.own_times(p_customer uuid) RETURNS tstzmultirange LANGUAGE sql STABLE AS $$
    SELECT coalesce(range_agg(during), '{}') FROM booking.booking_items
    WHERE customer_id = p_customer AND active
$$

-- The three free starts nearest to the one asked for, which the customer could really take.
CREATE FUNCTION booking.nearest_slots(
    p_treatments uuid[], p_loctician uuid, p_start timestamptz, p_customer uuid
) RETURNS SETOF booking.slot LANGUAGE plpgsql STABLE AS $$
DECLARE
    busy tstzmultirange := booking.own_times(p_customer);
    reach interval;
    found booking.slot[];
BEGIN
    FOREACH reach IN ARRAY ARRAY[interval '36 hours', interval '14 days'] LOOP
        found := ARRAY (
            SELECT ROW (s.*)::booking.slot FROM (
                SELECT DISTINCT ON (f.starts_at) f.*
                FROM booking.free_slots(
                    p_treatments, p_loctician, p_start - reach, p_start + reach, 100000, NOT booking.is_salon()) f
                WHERE NOT busy && tstzrange(f.starts_at, f.ends_at)
                ORDER BY f.starts_at, f.loctician_id
            ) s
            ORDER BY greatest(s.starts_at - p_start, p_start - s.starts_at), s.starts_at LIMIT 3
        );
        EXIT WHEN cardinality(found) = 3;
    END LOOP;
    RETURN QUERY SELECT * FROM unnest(found);
END
$$

-- The sittings free at this start. Of several locticians the least booked that day comes first; of shared sittings the
-- cheapest and shortest, which is the one the search shows.
CREATE FUNCTION booking.free_at(p_treatments uuid[], p_loctician uuid, p_start timestamptz)
RETURNS SETOF booking.sitting LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    midnight timestamptz := date_trunc('day', p_start, 'Europe/Copenhagen');
    next_midnight timestamptz := date_trunc('day', midnight + interval '36 hours', 'Europe/Copenhagen');
BEGIN
    RETURN QUERY
    SELECT f.chairs, f.shared, f.lasts_minutes, f.price_amount
    FROM booking.free_sittings(p_treatments, p_loctician, p_start, p_start + interval '1 minute') f
    WHERE f.free @> p_start
    ORDER BY CASE WHEN f.shared THEN f.price_amount END, CASE WHEN f.shared THEN f.lasts_minutes END,
        CASE WHEN p_loctician IS NULL THEN (
            SELECT sum(upper(o.blocked) - lower(o.blocked)) FROM booking.occupancy o
            WHERE o.loctician_id = ANY (f.chairs) AND o.active
                AND (o.lapses_at IS NULL OR o.lapses_at > booking.clock())
                AND o.blocked && tstzrange(midnight, next_midnight)
        ) END NULLS FIRST, f.chairs;
END
$$

-- Who could have a part in the sitting: those who perform all of it, else those in a chain with the fewest hand-overs.
CREATE FUNCTION booking.performers(p_treatments uuid[], p_loctician uuid) RETURNS SETOF uuid LANGUAGE plpgsql STABLE AS $$
DECLARE
    whole integer := cardinality(p_treatments);
BEGIN
    RETURN QUERY SELECT s.loctician_id FROM booking.sittings(p_treatments, p_loctician) s;
    IF FOUND OR p_loctician IS NOT NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH RECURSIVE run AS MATERIALIZED (
        SELECT r.loctician_id, r.first_place, r.last_place FROM booking.runs(p_treatments) r
    ), led_to (done, links) AS (
        SELECT 0, 0
        UNION SELECT r.last_place, l.links + 1 FROM led_to l JOIN run r ON r.first_place = l.done + 1
    ), left_over (start, links) AS (
        SELECT whole + 1, 0
        UNION SELECT r.first_place, l.links + 1 FROM left_over l JOIN run r ON r.last_place = l.start - 1
    )
    SELECT DISTINCT r.loctician_id
    FROM run r JOIN led_to b ON b.done = r.first_place - 1 JOIN left_over a ON a.start = r.last_place + 1
    WHERE b.links + 1 + a.links = (SELECT min(l.links) FROM led_to l WHERE l.done = whole);
END
$$

-- Why nobody is open at this start: the whole day is a holiday, or closed otherwise, for all who could do it.
CREATE FUNCTION booking.why_closed(p_treatments uuid[], p_loctician uuid, p_start timestamptz)
RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN bool_and(coalesce(w.closed_for, '') = 'holiday') THEN 'holiday'
        WHEN bool_and(w.closed_for IS NOT NULL) THEN 'closed'
        ELSE 'outside_hours' END
    FROM booking.performers(p_treatments, p_loctician) p
    LEFT JOIN booking.open_windows w ON w.loctician_id = p AND w.day = booking.local_day(p_start)
$$

-- The code of the rule that forbids this sitting at this start, whatever else is booked; NULL when none does.
-- A walk-in may have sat down a little while ago, at any minute.
CREATE FUNCTION booking.broken_rule(
    p_treatments uuid[], p_loctician uuid, p_start timestamptz, p_notice boolean, p_walk_in boolean DEFAULT false
) RETURNS text LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    rules booking.salon := booking.rules();
    performed integer;
BEGIN
    SELECT count(DISTINCT o.place) INTO performed FROM booking.offers(p_treatments, p_loctician) o;
    IF (SELECT count(*) FROM booking.treatments t WHERE t.active AND t.id = ANY (p_treatments))
        < cardinality(p_treatments) THEN
        RETURN 'unknown_treatment';
    ELSIF p_loctician IS NOT NULL AND NOT EXISTS (
        SELECT FROM booking.locticians l WHERE l.active AND l.loctician_id = p_loctician) THEN
        RETURN 'unknown_loctician';
    ELSIF performed < cardinality(p_treatments) THEN
        RETURN 'treatment_not_offered';
    ELSIF p_start <= booking.clock() - (CASE WHEN p_walk_in THEN interval '10 minutes' ELSE interval '0' END) THEN
        RETURN 'in_past';
    ELSIF p_notice AND p_start < booking.clock() + booking.minutes(rules.minimum_notice_minutes) THEN
        RETURN 'too_soon';
    ELSIF p_start > booking.clock() + rules.horizon_days * interval '24 hours' THEN
        RETURN 'too_far_ahead';
    ELSIF NOT p_walk_in
        AND date_bin(booking.grid(p_treatments), p_start, timestamptz '2000-01-01 00:00+00') <> p_start THEN
        RETURN 'off_grid';
    ELSIF NOT EXISTS (
        SELECT FROM booking.free_sittings(p_treatments, p_loctician, p_start, p_start + interval '1 minute', false) f
        WHERE f.free @> p_start
    ) THEN
        RETURN booking.why_closed(p_treatments, p_loctician, p_start);
    END IF;
    RETURN NULL;
END
$$

CREATE FUNCTION booking.availability(p_claims jsonb, p_request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    treatments uuid[] := booking.uuids(p_request -> 'service_ids');
    loctician uuid := (p_request ->> 'loctician_id')::uuid;
    start timestamptz := (p_request ->> 'start')::timestamptz;
    customer uuid := (p_request ->> 'customer_id')::uuid;
    reason text;
    busy tstzmultirange;
    fits boolean;
BEGIN
    PERFORM booking.act_as(p_claims);
    busy := booking.own_times(customer);
    reason := booking.broken_rule(treatments, loctician, start, NOT booking.is_salon());
    IF reason IS NULL THEN
        SELECT bool_or(NOT busy && tstzrange(start, start + booking.minutes(f.lasts_minutes))) INTO fits
        FROM booking.free_at(treatments, loctician, start) f;
        reason := CASE WHEN fits IS NULL THEN 'slot_taken' WHEN NOT fits THEN 'customer_overlap' END;
    END IF;
    RETURN jsonb_build_object('reason', reason, 'alternatives', CASE WHEN reason IS NULL AND NOT p_request ? 'nearest' THEN '[]' ELSE (
        SELECT coalesce(jsonb_agg(to_jsonb(n)), '[]')
        FROM booking.nearest_slots(treatments, loctician, start, customer) n
    ) END);
END
$$
