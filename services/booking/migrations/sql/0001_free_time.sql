CREATE TYPE booking.slot AS (starts_at timestamptz, ends_at timestamptz, loctician_id uuid, price_amount integer)

CREATE FUNCTION booking.horizon() RETURNS interval LANGUAGE sql IMMUTABLE RETURN interval '180 days'

CREATE FUNCTION booking.minutes(p_minutes integer) RETURNS interval LANGUAGE sql IMMUTABLE
RETURN p_minutes * interval '1 minute'

CREATE FUNCTION booking.uuids(p_list jsonb) RETURNS uuid[] LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(array_agg(one::uuid ORDER BY place), '{}')
    FROM jsonb_array_elements_text(p_list) WITH ORDINALITY AS listed (one, place)
$$

-- What each treatment of one sitting takes of each loctician who offers it, in minutes from the sitting's start.
-- Buffers count at the sitting's two ends only; processing time inside a treatment leaves the loctician free.
CREATE FUNCTION booking.sitting_items(p_treatments uuid[], p_loctician uuid)
RETURNS TABLE (
    loctician_id uuid, place integer, treatment_id uuid, from_minute integer, to_minute integer,
    price_amount integer, grid_minutes integer, blocked int4multirange
) LANGUAGE sql STABLE AS $$
    WITH asked AS (
        SELECT o.loctician_id, a.place::integer AS place, t.*,
            coalesce(o.duration_minutes, t.duration_minutes) AS lasts,
            coalesce(o.price_amount, t.price_amount) AS price
        FROM unnest(p_treatments) WITH ORDINALITY AS a (id, place)
        JOIN booking.treatments t ON t.id = a.id AND t.active
        JOIN booking.loctician_treatments o ON o.treatment_id = t.id
        JOIN booking.locticians l ON l.loctician_id = o.loctician_id AND l.active
        WHERE p_loctician IS NULL OR o.loctician_id = p_loctician
    ), laid AS (
        SELECT asked.*, (sum(lasts) OVER (PARTITION BY asked.loctician_id ORDER BY asked.place))::integer AS ends
        FROM asked
    )
    SELECT laid.loctician_id, laid.place, laid.id, ends - lasts, ends, price, laid.grid_minutes,
        int4multirange(int4range(
            ends - lasts - CASE WHEN laid.place = 1 THEN buffer_before_minutes ELSE 0 END,
            ends + CASE WHEN laid.place = cardinality(p_treatments) THEN buffer_after_minutes ELSE 0 END
        )) - int4multirange(CASE
            WHEN processing_start_minutes + processing_minutes < lasts THEN int4range(
                ends - lasts + processing_start_minutes, ends - lasts + processing_start_minutes + processing_minutes)
            ELSE 'empty'
        END)
    FROM laid
$$

CREATE FUNCTION booking.sittings(p_treatments uuid[], p_loctician uuid)
RETURNS TABLE (
    loctician_id uuid, lasts_minutes integer, price_amount integer, grid_minutes integer, blocked int4multirange
) LANGUAGE sql STABLE AS $$
    SELECT i.loctician_id, max(i.to_minute), sum(i.price_amount)::integer, max(i.grid_minutes), range_agg(i.blocked)
    FROM booking.sitting_items(p_treatments, p_loctician) i
    GROUP BY i.loctician_id
    HAVING count(*) = cardinality(p_treatments)
$$

-- Moments from which the whole sitting lies within opening hours.
CREATE FUNCTION booking.open_starts(p_loctician uuid, p_minutes integer, p_from timestamptz, p_to timestamptz)
RETURNS tstzmultirange LANGUAGE plpgsql STABLE AS $$
DECLARE
    hours tstzmultirange := (
        SELECT range_agg(w.windows) FROM booking.open_windows w
        WHERE w.loctician_id = p_loctician AND w.day BETWEEN p_from::date - 1 AND p_to::date + 2
    );
BEGIN
    RETURN tstzmultirange(tstzrange(p_from, p_to)) * coalesce((
        SELECT range_agg(tstzrange(lower(h), upper(h) - booking.minutes(p_minutes), '[]'))
        FROM unnest(hours) h WHERE upper(h) - lower(h) >= booking.minutes(p_minutes)
    ), '{}');
END
$$

-- Moments from which some hands-on part of the sitting would meet what is booked already.
CREATE FUNCTION booking.taken_starts(
    p_loctician uuid, p_blocked int4multirange, p_from timestamptz, p_to timestamptz
) RETURNS tstzmultirange LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN coalesce((
        SELECT range_agg(tstzrange(
            lower(o.blocked) - booking.minutes(upper(part)), upper(o.blocked) - booking.minutes(lower(part)), '()'
        ))
        FROM booking.occupancy o, unnest(p_blocked) part
        WHERE o.loctician_id = p_loctician AND o.active AND o.blocked && tstzrange(
            p_from + booking.minutes(lower(p_blocked)), p_to + booking.minutes(upper(p_blocked)))
    ), '{}');
END
$$

CREATE FUNCTION booking.free_starts(
    p_loctician uuid, p_minutes integer, p_blocked int4multirange, p_from timestamptz, p_to timestamptz
) RETURNS tstzmultirange LANGUAGE sql STABLE AS $$
    SELECT booking.open_starts(p_loctician, p_minutes, p_from, p_to)
        - booking.taken_starts(p_loctician, p_blocked, p_from, p_to)
$$

-- Grids divide the hour and Danish offsets are whole hours, so a grid laid in UTC is one on the wall clock.
CREATE FUNCTION booking.slots_between(
    p_treatments uuid[], p_loctician uuid, p_from timestamptz, p_to timestamptz, p_limit integer
) RETURNS SETOF booking.slot LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    SELECT start, start + booking.minutes(s.lasts_minutes), s.loctician_id, s.price_amount
    FROM booking.sittings(p_treatments, p_loctician) s,
        unnest(booking.free_starts(s.loctician_id, s.lasts_minutes, s.blocked, p_from, p_to)) free,
        generate_series(
            date_bin(booking.minutes(s.grid_minutes), lower(free), timestamptz '2000-01-01 00:00+00'),
            upper(free), booking.minutes(s.grid_minutes)
        ) start
    WHERE start <@ free
    ORDER BY start, s.loctician_id
    LIMIT p_limit;
END
$$

-- Only what may still be booked: in the future and within the horizon.
CREATE FUNCTION booking.free_slots(
    p_treatments uuid[], p_loctician uuid, p_from timestamptz, p_to timestamptz, p_limit integer
) RETURNS SETOF booking.slot LANGUAGE plpgsql STABLE AS $$
DECLARE
    first timestamptz := greatest(p_from, now() + interval '1 microsecond');
    last timestamptz := least(p_to, now() + booking.horizon());
BEGIN
    IF first < last THEN
        RETURN QUERY SELECT * FROM booking.slots_between(p_treatments, p_loctician, first, last, p_limit);
    END IF;
END
$$

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
                FROM booking.free_slots(p_treatments, p_loctician, p_start - reach, p_start + reach, 100000) f
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

-- Who could take this sitting at this start; the least booked that day first.
CREATE FUNCTION booking.free_locticians(p_treatments uuid[], p_loctician uuid, p_start timestamptz)
RETURNS uuid[] LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    midnight timestamptz := date_trunc('day', p_start, 'Europe/Copenhagen');
BEGIN
    RETURN ARRAY (
        SELECT s.loctician_id FROM booking.sittings(p_treatments, p_loctician) s
        WHERE booking.free_starts(
            s.loctician_id, s.lasts_minutes, s.blocked, p_start, p_start + interval '1 minute') @> p_start
        ORDER BY CASE WHEN p_loctician IS NULL THEN (
            SELECT sum(upper(o.blocked) - lower(o.blocked)) FROM booking.occupancy o
            WHERE o.loctician_id = s.loctician_id AND o.active
                AND o.blocked && tstzrange(midnight, midnight + interval '1 day')
        ) END NULLS FIRST, s.loctician_id
    );
END
$$

-- The code of the rule that forbids this sitting at this start, whatever else is booked; NULL when none does.
CREATE FUNCTION booking.broken_rule(p_treatments uuid[], p_loctician uuid, p_start timestamptz)
RETURNS text LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    grid interval;
    open boolean;
BEGIN
    IF p_start <= now() THEN
        RETURN 'in_past';
    ELSIF p_start > now() + booking.horizon() THEN
        RETURN 'too_far_ahead';
    ELSIF (SELECT count(*) FROM booking.treatments t WHERE t.active AND t.id = ANY (p_treatments))
        < cardinality(p_treatments) THEN
        RETURN 'unknown_treatment';
    ELSIF p_loctician IS NOT NULL AND NOT EXISTS (
        SELECT FROM booking.locticians l WHERE l.active AND l.loctician_id = p_loctician) THEN
        RETURN 'unknown_loctician';
    END IF;
    SELECT booking.minutes(max(s.grid_minutes)), bool_or(booking.open_starts(
        s.loctician_id, s.lasts_minutes, p_start, p_start + interval '1 minute') @> p_start)
    INTO grid, open FROM booking.sittings(p_treatments, p_loctician) s;
    IF grid IS NULL THEN
        RETURN 'treatment_not_offered';
    ELSIF date_bin(grid, p_start, timestamptz '2000-01-01 00:00+00') <> p_start THEN
        RETURN 'off_grid';
    ELSIF NOT open THEN
        RETURN 'outside_hours';
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
    reason text := booking.broken_rule(treatments, loctician, start);
    free uuid[];
BEGIN
    PERFORM set_config('request.jwt.claims', p_claims::text, true);
    IF reason IS NULL THEN
        free := booking.free_locticians(treatments, loctician, start);
        reason := CASE
            WHEN cardinality(free) = 0 THEN 'slot_taken'
            WHEN NOT EXISTS (
                SELECT FROM booking.sittings(treatments, loctician) s WHERE s.loctician_id = ANY (free)
                    AND NOT booking.own_times(customer) && tstzrange(start, start + booking.minutes(s.lasts_minutes))
            ) THEN 'customer_overlap'
        END;
    END IF;
    RETURN jsonb_build_object('reason', reason, 'alternatives', CASE WHEN reason IS NULL THEN '[]' ELSE (
        SELECT coalesce(jsonb_agg(to_jsonb(n)), '[]')
        FROM booking.nearest_slots(treatments, loctician, start, customer) n
    ) END);
END
$$
