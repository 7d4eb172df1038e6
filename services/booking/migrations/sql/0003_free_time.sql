-- The same as 0001's open_starts(), taken_starts() and free_starts(), as sets: such a function becomes part of the query
-- that calls it, so that one plan serves however many locticians. Those of 0001 stay for the calls under way.

-- Moments from which the whole sitting lies within opening hours.
CREATE FUNCTION booking.open_moments(p_loctician uuid, p_minutes integer, p_from timestamptz, p_to timestamptz)
RETURNS TABLE (moments tstzmultirange) LANGUAGE sql STABLE AS $$
    SELECT tstzmultirange(tstzrange(p_from, p_to))
        * coalesce(range_agg(tstzrange(lower(h), upper(h) - booking.minutes(p_minutes), '[]')), '{}')
    FROM (
        SELECT range_agg(w.windows) AS whole FROM booking.open_windows w
        WHERE w.loctician_id = p_loctician AND w.day BETWEEN p_from::date - 1 AND p_to::date + 2
    ) hours, unnest(hours.whole) h
    WHERE upper(h) - lower(h) >= booking.minutes(p_minutes)
$$;

-- Moments from which some hands-on part of the sitting would meet what is booked or held already. What is occupied never
-- overlaps, so it ends in the order in which it begins: by its end the B-tree finds it however long the past is, where
-- the constraint's GiST index would read dozens of pages.
CREATE FUNCTION booking.taken_moments(
    p_loctician uuid, p_blocked int4multirange, p_from timestamptz, p_to timestamptz
) RETURNS TABLE (moments tstzmultirange) LANGUAGE sql STABLE AS $$
    SELECT coalesce(range_agg(tstzrange(
        lower(o.blocked) - booking.minutes(upper(part)), upper(o.blocked) - booking.minutes(lower(part)), '()'
    )), '{}')
    FROM booking.occupancy o, unnest(p_blocked) part
    WHERE o.loctician_id = p_loctician AND o.active
        AND upper(o.blocked) > p_from + booking.minutes(lower(p_blocked))
        AND lower(o.blocked) < p_to + booking.minutes(upper(p_blocked))
        AND (o.lapses_at IS NULL OR o.lapses_at > booking.clock())
$$;

CREATE FUNCTION booking.free_moments(
    p_loctician uuid, p_minutes integer, p_blocked int4multirange, p_from timestamptz, p_to timestamptz
) RETURNS TABLE (moments tstzmultirange) LANGUAGE sql STABLE AS $$
    SELECT open.moments - taken.moments
    FROM booking.open_moments(p_loctician, p_minutes, p_from, p_to) open,
        booking.taken_moments(p_loctician, p_blocked, p_from, p_to) taken
$$;

-- Sittings that locticians share, one after the other, with as few hand-overs as can be. Of each run only those freest in
-- the time asked for are combined, at most 1000 combinations, however large the salon.
CREATE OR REPLACE FUNCTION booking.shared_sittings(
    p_treatments uuid[], p_from timestamptz, p_to timestamptz, p_taken boolean
) RETURNS TABLE (chairs uuid[], lasts_minutes integer, price_amount integer, free tstzmultirange)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    whole integer := cardinality(p_treatments);
    all_runs booking.run[] := ARRAY (SELECT r FROM booking.runs(p_treatments) r);
    fewest integer[] := array_fill(0, ARRAY[whole + 1]);
    longest integer := (SELECT sum(most) FROM (
        SELECT max(r.lasts_minutes) AS most FROM unnest(all_runs) r WHERE r.first_place = r.last_place
        GROUP BY r.first_place) each);
    until timestamptz := p_to + booking.minutes(longest);
BEGIN
    FOR start_place IN REVERSE whole..1 LOOP
        fewest[start_place] := 1 + fewest[
            (SELECT max(r.last_place) + 1 FROM unnest(all_runs) r WHERE r.first_place = start_place)];
    END LOOP;
    RETURN QUERY
    WITH RECURSIVE timed AS MATERIALIZED (
        SELECT r.*, CASE WHEN p_taken THEN (
                SELECT f.moments FROM booking.free_moments(r.loctician_id, r.lasts_minutes, r.blocked, p_from, until) f)
            ELSE (SELECT o.moments FROM booking.open_moments(r.loctician_id, r.lasts_minutes, p_from, until) o)
            END AS moments
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
$$;

-- Every sitting with the moments from which it is free (or, with p_taken false, within hours). It is shared only when no
-- loctician was asked for and none performs all of it.
CREATE OR REPLACE FUNCTION booking.free_sittings(
    p_treatments uuid[], p_loctician uuid, p_from timestamptz, p_to timestamptz, p_taken boolean DEFAULT true
) RETURNS TABLE (chairs uuid[], shared boolean, lasts_minutes integer, price_amount integer, free tstzmultirange)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY
    SELECT array_fill(s.loctician_id, ARRAY[cardinality(p_treatments)]), false, s.lasts_minutes, s.price_amount,
        CASE WHEN p_taken THEN (
                SELECT f.moments FROM booking.free_moments(s.loctician_id, s.lasts_minutes, s.blocked, p_from, p_to) f)
            ELSE (SELECT o.moments FROM booking.open_moments(s.loctician_id, s.lasts_minutes, p_from, p_to) o) END
    FROM booking.sittings(p_treatments, p_loctician) s;
    IF NOT FOUND AND p_loctician IS NULL AND cardinality(p_treatments) > 1 THEN
        RETURN QUERY SELECT s.chairs, true, s.lasts_minutes, s.price_amount, s.free
        FROM booking.shared_sittings(p_treatments, p_from, p_to, p_taken) s;
    END IF;
END
$$;

-- A slot of each loctician at each start; of shared sittings the cheapest and shortest at each start. Who asks for any
-- loctician is given the first so many: they are looked for in the first day, then in ever longer stretches after it.
CREATE OR REPLACE FUNCTION booking.slots_between(
    p_treatments uuid[], p_loctician uuid, p_from timestamptz, p_to timestamptz, p_limit integer
) RETURNS SETOF booking.slot LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    step interval := booking.grid(p_treatments);
    stretch interval := CASE WHEN p_loctician IS NULL THEN interval '1 day' ELSE p_to - p_from END;
    since timestamptz := p_from;
    until timestamptz;
    missing integer := p_limit;
    added integer;
BEGIN
    WHILE since < p_to AND missing > 0 LOOP
        until := least(since + stretch, p_to);
        RETURN QUERY
        SELECT start, start + booking.minutes(s.lasts_minutes), s.loctician_id, s.price_amount, NULL::jsonb
        FROM booking.sittings(p_treatments, p_loctician) s,
            booking.free_moments(s.loctician_id, s.lasts_minutes, s.blocked, since, until) free,
            unnest(free.moments) moment,
            generate_series(
                date_bin(step, lower(moment), timestamptz '2000-01-01 00:00+00'), upper(moment), step
            ) start
        WHERE start <@ moment
        ORDER BY start, s.loctician_id
        LIMIT missing;
        GET DIAGNOSTICS added = ROW_COUNT;
        missing := missing - added;
        since := until;
        stretch := 2 * stretch;
    END LOOP;
    IF missing = p_limit AND booking.must_share(p_treatments, p_loctician) THEN
        RETURN QUERY SELECT * FROM booking.shared_slots(p_treatments, p_from, p_to, step, p_limit);
    END IF;
END
$$;
