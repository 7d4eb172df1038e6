CREATE TYPE booking.slot AS (
    starts_at timestamptz, ends_at timestamptz, loctician_id uuid, price_amount integer, parts jsonb
)

CREATE TYPE booking.run AS (
    loctician_id uuid, first_place integer, last_place integer, lasts_minutes integer, price_amount integer,
    blocked int4multirange
)

-- chairs: the loctician of each treatment.
CREATE TYPE booking.sitting AS (chairs uuid[], shared boolean, lasts_minutes integer, price_amount integer)

-- Each treatment asked for, with each loctician who offers it.
CREATE FUNCTION booking.offers(p_treatments uuid[], p_loctician uuid)
RETURNS TABLE (
    loctician_id uuid, place integer, treatment_id uuid, lasts integer, price integer, grid_minutes integer,
    buffer_before integer, buffer_after integer, processing_from integer, processing integer
) LANGUAGE sql STABLE AS $$
    SELECT o.loctician_id, a.place::integer, t.id, coalesce(o.duration_minutes, t.duration_minutes),
        coalesce(o.price_amount, t.price_amount), t.grid_minutes, t.buffer_before_minutes, t.buffer_after_minutes,
        t.processing_start_minutes, t.processing_minutes
    FROM unnest(p_treatments) WITH ORDINALITY AS a (id, place)
    JOIN booking.treatments t ON t.id = a.id AND t.active
    JOIN booking.loctician_treatments o ON o.treatment_id = t.id
    JOIN booking.locticians l ON l.loctician_id = o.loctician_id AND l.active
    WHERE p_loctician IS NULL OR o.loctician_id = p_loctician
$$

-- The minutes in which a treatment needs its loctician. Processing time in its middle leaves the loctician free, unless
-- the loctician's own duration is too short for it.
CREATE FUNCTION booking.hands_on(
    p_from integer, p_to integer, p_before integer, p_after integer, p_processing_from integer, p_processing integer
) RETURNS int4multirange LANGUAGE sql IMMUTABLE
RETURN int4multirange(int4range(p_from - p_before, p_to + p_after)) - int4multirange(CASE
    WHEN p_processing_from + p_processing < p_to - p_from
    THEN int4range(p_from + p_processing_from, p_from + p_processing_from + p_processing) ELSE 'empty' END)

-- Sittings of one loctician each, in minutes from the start. Buffers count at the two ends only.
CREATE FUNCTION booking.sittings(p_treatments uuid[], p_loctician uuid)
RETURNS TABLE (
    loctician_id uuid, lasts_minutes integer, price_amount integer, grid_minutes integer, blocked int4multirange
) LANGUAGE sql STABLE AS $$
    WITH laid AS (
        SELECT o.*, (sum(o.lasts) OVER (PARTITION BY o.loctician_id ORDER BY o.place))::integer AS ends
        FROM booking.offers(p_treatments, p_loctician) o
    )
    SELECT i.loctician_id, max(ends), sum(price)::integer, max(i.grid_minutes), range_agg(booking.hands_on(
        ends - lasts, ends, CASE WHEN place = 1 THEN buffer_before ELSE 0 END,
        CASE WHEN place = cardinality(p_treatments) THEN buffer_after ELSE 0 END, processing_from, processing))
    FROM laid i
    GROUP BY i.loctician_id
    HAVING count(*) = cardinality(p_treatments)
$$

-- The treatments of one sitting as their locticians perform them. Buffers count where a loctician's part begins and ends;
-- what a loctician's earlier part in the same sitting takes already is left out.
CREATE FUNCTION booking.sitting_items(p_treatments uuid[], p_chairs uuid[])
RETURNS TABLE (
    loctician_id uuid, place integer, treatment_id uuid, from_minute integer, to_minute integer,
    price_amount integer, blocked int4multirange
) LANGUAGE sql STABLE AS $$
    WITH laid AS (
        SELECT o.*, (sum(o.lasts) OVER (ORDER BY o.place))::integer AS ends,
            lag(o.loctician_id) OVER (ORDER BY o.place) IS DISTINCT FROM o.loctician_id AS begins,
            lead(o.loctician_id) OVER (ORDER BY o.place) IS DISTINCT FROM o.loctician_id AS finishes
        FROM booking.offers(p_treatments, NULL) o WHERE o.loctician_id = p_chairs[o.place]
    ), taking AS (
        SELECT laid.*, booking.hands_on(ends - lasts, ends, CASE WHEN begins THEN buffer_before ELSE 0 END,
            CASE WHEN finishes THEN buffer_after ELSE 0 END, processing_from, processing) AS taken
        FROM laid
    )
    SELECT i.loctician_id, i.place, i.treatment_id, ends - lasts, ends, price,
        taken - coalesce(range_agg(taken) OVER (
            PARTITION BY i.loctician_id ORDER BY i.place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), '{}')
    FROM taking i
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

-- Moments from which some hands-on part of the sitting would meet what is booked or held already.
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
            AND (o.lapses_at IS NULL OR o.lapses_at > booking.clock())
    ), '{}');
END
$$

CREATE FUNCTION booking.free_starts(
    p_loctician uuid, p_minutes integer, p_blocked int4multirange, p_from timestamptz, p_to timestamptz
) RETURNS tstzmultirange LANGUAGE sql STABLE AS $$
    SELECT booking.open_starts(p_loctician, p_minutes, p_from, p_to)
        - booking.taken_starts(p_loctician, p_blocked, p_from, p_to)
$$

-- What a run of treatments takes of each loctician who performs all of it, in minutes from the run's start.
CREATE FUNCTION booking.runs(p_treatments uuid[]) RETURNS SETOF booking.run LANGUAGE sql STABLE AS $$
    WITH laid AS (
        SELECT o.*, row_number() OVER alone AS nth, (sum(o.lasts) OVER alone)::integer AS ends
        FROM booking.offers(p_treatments, NULL) o
        WINDOW alone AS (PARTITION BY o.loctician_id ORDER BY o.place)
    )
    SELECT head.loctician_id, head.place, tail.place, tail.ends - head.ends + head.lasts, sum(one.price)::integer,
        range_agg(booking.hands_on(
            one.ends - one.lasts - head.ends + head.lasts, one.ends - head.ends + head.lasts,
            CASE WHEN one.place = head.place THEN one.buffer_before ELSE 0 END,
            CASE WHEN one.place = tail.place THEN one.buffer_after ELSE 0 END, one.processing_from, one.processing))
    FROM laid head
    JOIN laid tail ON tail.loctician_id = head.loctician_id AND tail.place - head.place = tail.nth - head.nth
        AND tail.place >= head.place
    JOIN laid one ON one.loctician_id = head.loctician_id AND one.place BETWEEN head.place AND tail.place
    GROUP BY head.loctician_id, head.place, head.ends, head.lasts, tail.place, tail.ends
$$

CREATE FUNCTION booking.earlier(p_moments tstzmultirange, p_minutes integer) RETURNS tstzmultirange
LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(range_agg(tstzrange(
        lower(one) - booking.minutes(p_minutes), upper(one) - booking.minutes(p_minutes),
        CASE WHEN lower_inc(one) THEN '[' ELSE '(' END || CASE WHEN upper_inc(one) THEN ']' ELSE ')' END
    )), '{}') FROM unnest(p_moments) one
$$

-- Sittings that locticians share, one after the other, with as few hand-overs as can be. Of each run only those freest in
-- the time asked for are combined, at most 1000 combinations, however large the salon.
CREATE FUNCTION booking.shared_sittings(
    p_treatments uuid[], p_from timestamptz, p_to timestamptz, p_taken boolean
) RETURNS TABLE (chairs uuid[], lasts_minutes integer, price_amount integer, free tstzmultirange)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    whole integer := cardinality(p_treatments);
    all_runs booking.run[] := ARRAY (SELECT r FROM booking.runs(p_treatments) r);
    fewest integer[] := array_fill(0, ARRAY[whole + 1]);
    longest integer := (SELECT sum(most) FROM (
        SELECT max(r.lasts_minutes) AS most FROM unnest(all_runs) r WHERE r.first_place = r.last_place
        GROUP BY r.first_place) each);
BEGIN
    FOR start_place IN REVERSE whole..1 LOOP
        fewest[start_place] := 1 + fewest[
            (SELECT max(r.last_place) + 1 FROM unnest(all_runs) r WHERE r.first_place = start_place)];
    END LOOP;
    RETURN QUERY
    WITH RECURSIVE timed AS MATERIALIZED (
        SELECT r.*, CASE WHEN p_taken
            THEN booking.free_starts(r.loctician_id, r.lasts_minutes, r.blocked, p_from, p_to + booking.minutes(longest))
            ELSE booking.open_starts(r.loctician_id, r.lasts_minutes, p_from, p_to + booking.minutes(longest)) END AS moments
        FROM unnest(all_runs) r WHERE fewest[r.first_place] = 1 + fewest[r.last_place + 1]
    ), best AS MATERIALIZED (
        SELECT t.* FROM (
            SELECT timed.*, row_number() OVER (PARTITION BY first_place, last_place ORDER BY (
                SELECT sum(upper(m) - lower(m)) FROM unnest(moments) m) DESC, loctician_id) AS nth
            FROM timed WHERE NOT isempty(moments)
        ) t WHERE t.nth <= power(1000, 1.0 / fewest[1])
    ), chain AS (
        SELECT array_fill(b.loctician_id, ARRAY[b.last_place]) AS seats, b.last_place AS done, b.lasts_minutes AS lasts,
            b.price_amount AS price, b.moments FROM best b WHERE b.first_place = 1
        UNION ALL
        SELECT c.seats || array_fill(b.loctician_id, ARRAY[b.last_place - c.done]), b.last_place,
            c.lasts + b.lasts_minutes, c.price + b.price_amount, c.moments * booking.earlier(b.moments, c.lasts)
        FROM chain c JOIN best b ON b.first_place = c.done + 1 WHERE NOT isempty(c.moments)
    )
    SELECT c.seats, c.lasts, c.price, c.moments * tstzmultirange(tstzrange(p_from, p_to))
    FROM chain c WHERE c.done = whole AND NOT isempty(c.moments);
END
$$

-- Every sitting with the moments from which it is free (or, with p_taken false, within hours). It is shared only when no
-- loctician was asked for and none performs all of it.
CREATE FUNCTION booking.free_sittings(
    p_treatments uuid[], p_loctician uuid, p_from timestamptz, p_to timestamptz, p_taken boolean DEFAULT true
) RETURNS TABLE (chairs uuid[], shared boolean, lasts_minutes integer, price_amount integer, free tstzmultirange)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY
    SELECT array_fill(s.loctician_id, ARRAY[cardinality(p_treatments)]), false, s.lasts_minutes, s.price_amount,
        CASE WHEN p_taken THEN booking.free_starts(s.loctician_id, s.lasts_minutes, s.blocked, p_from, p_to)
            ELSE booking.open_starts(s.loctician_id, s.lasts_minutes, p_from, p_to) END
    FROM booking.sittings(p_treatments, p_loctician) s;
    IF NOT FOUND AND p_loctician IS NULL AND cardinality(p_treatments) > 1 THEN
        RETURN QUERY SELECT s.chairs, true, s.lasts_minutes, s.price_amount, s.free
        FROM booking.shared_sittings(p_treatments, p_from, p_to, p_taken) s;
    END IF;
END
$$

-- Who does what and when in a shared sitting, in minutes from its start.
CREATE FUNCTION booking.parts(p_treatments uuid[], p_chairs uuid[]) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT jsonb_agg(jsonb_build_object(
            'service_id', i.treatment_id, 'loctician_id', i.loctician_id, 'from', i.from_minute, 'to', i.to_minute
        ) ORDER BY i.place) FROM booking.sitting_items(p_treatments, p_chairs) i
    );
END
$$

-- Grids divide the hour and Danish offsets are whole hours, so a grid laid in UTC is one on the wall clock.
CREATE FUNCTION booking.grid(p_treatments uuid[]) RETURNS interval LANGUAGE sql STABLE AS $$
    SELECT booking.minutes(max(t.grid_minutes)) FROM booking.treatments t WHERE t.id = ANY (p_treatments)
$$

-- Whether nobody performs all of it, and no loctician was asked for.
CREATE FUNCTION booking.must_share(p_treatments uuid[], p_loctician uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN p_loctician IS NULL AND cardinality(p_treatments) > 1
        AND NOT EXISTS (SELECT FROM booking.sittings(p_treatments, NULL));
END
$$

CREATE FUNCTION booking.shared_slots(
    p_treatments uuid[], p_from timestamptz, p_to timestamptz, p_step interval, p_limit integer
) RETURNS SETOF booking.slot LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    SELECT s.start, s.start + booking.minutes(s.lasts_minutes), s.chairs[1], s.price_amount,
        booking.parts(p_treatments, s.chairs)
    FROM (
        SELECT DISTINCT ON (start) start, f.chairs, f.lasts_minutes, f.price_amount
        FROM booking.shared_sittings(p_treatments, p_from, p_to, true) f, unnest(f.free) moment,
            generate_series(
                date_bin(p_step, lower(moment), timestamptz '2000-01-01 00:00+00'), upper(moment), p_step
            ) start
        WHERE start <@ moment
        ORDER BY start, f.price_amount, f.lasts_minutes, f.chairs
        LIMIT p_limit
    ) s;
END
$$

-- A slot of each loctician at each start; of shared sittings the cheapest and shortest at each start.
CREATE FUNCTION booking.slots_between(
    p_treatments uuid[], p_loctician uuid, p_from timestamptz, p_to timestamptz, p_limit integer
) RETURNS SETOF booking.slot LANGUAGE plpgsql STABLE AS $$
DECLARE
    step interval := booking.grid(p_treatments);
BEGIN
    RETURN QUERY
    SELECT start, start + booking.minutes(s.lasts_minutes), s.loctician_id, s.price_amount, NULL::jsonb
    FROM booking.sittings(p_treatments, p_loctician) s,
        unnest(booking.free_starts(s.loctician_id, s.lasts_minutes, s.blocked, p_from, p_to)) moment,
        generate_series(
            date_bin(step, lower(moment), timestamptz '2000-01-01 00:00+00'), upper(moment), step
        ) start
    WHERE start <@ moment
    ORDER BY start, s.loctician_id
    LIMIT p_limit;
    IF NOT FOUND AND booking.must_share(p_treatments, p_loctician) THEN
        RETURN QUERY SELECT * FROM booking.shared_slots(p_treatments, p_from, p_to, step, p_limit);
    END IF;
END
$$

-- Only what may still be booked: with the salon's notice and within its horizon.
CREATE FUNCTION booking.free_slots(
    p_treatments uuid[], p_loctician uuid, p_from timestamptz, p_to timestamptz, p_limit integer,
    p_notice boolean DEFAULT true
) RETURNS SETOF booking.slot LANGUAGE plpgsql STABLE AS $$
DECLARE
    rules booking.salon := booking.rules();
    soonest timestamptz := booking.clock()
        + CASE WHEN p_notice THEN booking.minutes(rules.minimum_notice_minutes) ELSE interval '0' END;
    first timestamptz := greatest(p_from, soonest, booking.clock() + interval '1 microsecond');
    last timestamptz := least(p_to, booking.clock() + rules.horizon_days * interval '24 hours');
BEGIN
    IF first < last THEN
        RETURN QUERY SELECT * FROM booking.slots_between(p_treatments, p_loctician, first, last, p_limit);
    END IF;
END
$$
