-- Free time: from which moments a sitting can start. One engine for searching, checking and booking. open_moments,
-- occupied_moments and free_moments are SQL functions that return a set: the planner makes them part of the query that
-- calls them, so that one plan serves any number of locticians.

-- The moments, moved back by so many minutes. Bounds stay inclusive or exclusive as they were.
CREATE OR REPLACE FUNCTION booking.shift_earlier(p_moments tstzmultirange, p_minutes integer) RETURNS tstzmultirange
LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(range_agg(tstzrange(
        lower(moment) - booking.minutes(p_minutes), upper(moment) - booking.minutes(p_minutes),
        CASE WHEN lower_inc(moment) THEN '[' ELSE '(' END || CASE WHEN upper_inc(moment) THEN ']' ELSE ')' END
    )), '{}') FROM unnest(p_moments) moment
$$;

-- The minutes of a sitting that must lie within opening hours: p_lasts from its start, and with p_buffers, which is the
-- salon's rule buffers_within_hours, its buffers too. p_blocked: its hands-on minutes.
CREATE OR REPLACE FUNCTION booking.needed_minutes(p_lasts integer, p_blocked int4multirange, p_buffers boolean)
RETURNS int4range LANGUAGE sql IMMUTABLE
RETURN CASE WHEN p_buffers THEN range_merge(p_blocked) ELSE int4range(0, p_lasts) END;

-- The moments between p_from and p_to from which the needed minutes lie within the loctician's opening hours.
CREATE OR REPLACE FUNCTION booking.open_moments(
    p_loctician uuid, p_needed int4range, p_from timestamptz, p_to timestamptz
) RETURNS TABLE (moments tstzmultirange) LANGUAGE sql STABLE AS $$
    SELECT tstzmultirange(tstzrange(p_from, p_to)) * coalesce(range_agg(tstzrange(
        lower(h) - booking.minutes(lower(p_needed)), upper(h) - booking.minutes(upper(p_needed)), '[]')), '{}')
    FROM (
        SELECT range_agg(w.windows) AS joined FROM booking.open_windows w
        WHERE w.loctician_id = p_loctician
            AND w.day BETWEEN p_from::date - 1 AND p_to::date + 2 + upper(p_needed) / 1440
    ) hours, unnest(hours.joined) h
    WHERE upper(h) - lower(h) >= booking.minutes(upper(p_needed) - lower(p_needed))
$$;

-- The moments from which a hands-on part of the sitting would overlap what is booked or held.
-- Arguments: p_blocked: hands-on minutes from the start of the sitting; p_own: items and holds whose time does not
-- count (own_time). Occupied ranges never overlap, so they end in
-- the order in which they begin: by their end the B-tree index finds them however long the past is, where the GiST
-- index of the constraint would read dozens of pages.
CREATE OR REPLACE FUNCTION booking.occupied_moments(
    p_loctician uuid, p_blocked int4multirange, p_from timestamptz, p_to timestamptz, p_own uuid[]
) RETURNS TABLE (moments tstzmultirange) LANGUAGE sql STABLE AS $$
    SELECT coalesce(range_agg(tstzrange(
        lower(o.blocked) - booking.minutes(upper(part)), upper(o.blocked) - booking.minutes(lower(part)), '()'
    )), '{}')
    FROM booking.occupancy o, unnest(p_blocked) part
    WHERE o.loctician_id = p_loctician AND o.active
        AND upper(o.blocked) > p_from + booking.minutes(lower(p_blocked))
        AND lower(o.blocked) < p_to + booking.minutes(upper(p_blocked))
        AND (o.lapses_at IS NULL OR o.lapses_at > booking.clock()) AND o.item_id <> ALL (p_own)
$$;

-- The moments from which the sitting is within hours and free.
CREATE OR REPLACE FUNCTION booking.free_moments(
    p_loctician uuid, p_needed int4range, p_blocked int4multirange, p_from timestamptz, p_to timestamptz, p_own uuid[]
) RETURNS TABLE (moments tstzmultirange) LANGUAGE sql STABLE AS $$
    SELECT open.moments - occupied.moments
    FROM booking.open_moments(p_loctician, p_needed, p_from, p_to) open,
        booking.occupied_moments(p_loctician, p_blocked, p_from, p_to, p_own) occupied
$$;

-- Sittings that several locticians share, one after the other, with the fewest hand-overs possible.
-- Arguments: p_occupied: occupied time counts; otherwise only opening hours do. Of each run only the
-- locticians who are freest in the period are combined, at most 1000 combinations in any salon.
CREATE OR REPLACE FUNCTION booking.shared_sittings(
    p_treatments uuid[], p_from timestamptz, p_to timestamptz, p_occupied boolean, p_own uuid[]
) RETURNS TABLE (performer_ids uuid[], lasts_minutes integer, price_amount integer, free tstzmultirange)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    buffers boolean := coalesce((SELECT s.buffers_within_hours FROM booking.salon s), false);
    places integer := cardinality(p_treatments);
    all_runs booking.run[] := ARRAY (SELECT r FROM booking.runs(p_treatments) r);
    fewest integer[] := array_fill(0, ARRAY[places + 1]);
    longest integer := (SELECT sum(most) FROM (
        SELECT max(r.lasts_minutes) AS most FROM unnest(all_runs) r WHERE r.first_place = r.last_place
        GROUP BY r.first_place) longest_each);
    until timestamptz := p_to + booking.minutes(longest);
BEGIN
    FOR start_place IN REVERSE places..1 LOOP
        fewest[start_place] := 1 + fewest[
            (SELECT max(r.last_place) + 1 FROM unnest(all_runs) r WHERE r.first_place = start_place)];
    END LOOP;
    RETURN QUERY
    WITH RECURSIVE timed AS MATERIALIZED (
        SELECT r.*, CASE WHEN p_occupied THEN (
                SELECT f.moments
                FROM booking.free_moments(r.loctician_id, n.needed, r.blocked, p_from, until, p_own) f)
            ELSE (SELECT o.moments FROM booking.open_moments(r.loctician_id, n.needed, p_from, until) o)
            END AS moments
        FROM unnest(all_runs) r, booking.needed_minutes(r.lasts_minutes, r.blocked, buffers) AS n (needed)
        WHERE fewest[r.first_place] = 1 + fewest[r.last_place + 1]
    ), best AS MATERIALIZED (
        SELECT t.* FROM (
            SELECT timed.*, row_number() OVER (PARTITION BY first_place, last_place ORDER BY (
                SELECT sum(upper(m) - lower(m)) FROM unnest(moments) m) DESC, loctician_id) AS number
            FROM timed WHERE NOT isempty(moments)
        ) t WHERE t.number <= power(1000, 1.0 / fewest[1])
    ), chain AS (
        SELECT array_fill(b.loctician_id, ARRAY[b.last_place]) AS performer_ids, b.last_place AS done,
            b.lasts_minutes AS lasts, b.price_amount AS price, b.moments FROM best b WHERE b.first_place = 1
        UNION ALL
        SELECT c.performer_ids || array_fill(b.loctician_id, ARRAY[b.last_place - c.done]), b.last_place,
            c.lasts + b.lasts_minutes, c.price + b.price_amount, c.moments * booking.shift_earlier(b.moments, c.lasts)
        FROM chain c JOIN best b ON b.first_place = c.done + 1 WHERE NOT isempty(c.moments)
    )
    SELECT c.performer_ids, c.lasts, c.price, c.moments * tstzmultirange(tstzrange(p_from, p_to))
    FROM chain c WHERE c.done = places AND NOT isempty(c.moments);
END
$$;

-- Every sitting with the moments between p_from and p_to from which it is free (or, without p_occupied, within hours).
-- It is shared only when no loctician is asked for and none performs all of it. p_own: as in occupied_moments.
CREATE OR REPLACE FUNCTION booking.free_sittings(
    p_treatments uuid[], p_loctician uuid, p_from timestamptz, p_to timestamptz, p_occupied boolean, p_own uuid[]
) RETURNS TABLE (performer_ids uuid[], shared boolean, lasts_minutes integer, price_amount integer, free tstzmultirange)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    buffers boolean := coalesce((SELECT s.buffers_within_hours FROM booking.salon s), false);
BEGIN
    RETURN QUERY
    SELECT array_fill(s.loctician_id, ARRAY[cardinality(p_treatments)]), false, s.lasts_minutes, s.price_amount,
        CASE WHEN p_occupied THEN (
                SELECT f.moments FROM booking.free_moments(s.loctician_id,
                    booking.needed_minutes(s.lasts_minutes, s.blocked, buffers), s.blocked, p_from, p_to, p_own) f)
            ELSE (SELECT o.moments FROM booking.open_moments(s.loctician_id,
                booking.needed_minutes(s.lasts_minutes, s.blocked, buffers), p_from, p_to) o) END
    FROM booking.sittings(p_treatments, p_loctician) s;
    IF NOT FOUND AND p_loctician IS NULL AND cardinality(p_treatments) > 1 THEN
        RETURN QUERY SELECT s.performer_ids, true, s.lasts_minutes, s.price_amount, s.free
        FROM booking.shared_sittings(p_treatments, p_from, p_to, p_occupied, p_own) s;
    END IF;
END
$$;

-- The sittings that are free at this start, the best first. Of single locticians without a wish: the least booked that
-- day; of shared sittings: the cheapest, then the shortest, which is the one that the search shows.
-- Arguments: p_grid: the grid, if starts count from the opening and it applies (opening_grid), otherwise NULL; p_own:
-- as in occupied_moments.
CREATE OR REPLACE FUNCTION booking.free_sittings_at(
    p_treatments uuid[], p_loctician uuid, p_start timestamptz, p_grid interval, p_own uuid[]
) RETURNS SETOF booking.sitting LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    midnight timestamptz := date_trunc('day', p_start, 'Europe/Copenhagen');
    next_midnight timestamptz := date_trunc('day', midnight + interval '36 hours', 'Europe/Copenhagen');
BEGIN
    RETURN QUERY
    SELECT f.performer_ids, f.shared, f.lasts_minutes, f.price_amount
    FROM booking.free_sittings(p_treatments, p_loctician, p_start, p_start + interval '1 minute', true, p_own) f
    WHERE f.free @> p_start AND (p_grid IS NULL OR booking.is_on_opening_grid(f.performer_ids[1], p_start, p_grid))
    ORDER BY CASE WHEN f.shared THEN f.price_amount END, CASE WHEN f.shared THEN f.lasts_minutes END,
        CASE WHEN p_loctician IS NULL THEN (
            SELECT sum(upper(o.blocked) - lower(o.blocked)) FROM booking.occupancy o
            WHERE o.loctician_id = ANY (f.performer_ids) AND o.active
                AND (o.lapses_at IS NULL OR o.lapses_at > booking.clock())
                AND o.blocked && tstzrange(midnight, next_midnight)
        ) END NULLS FIRST, f.performer_ids;
END
$$;
