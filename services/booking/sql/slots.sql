-- Slots: free starts as the API lists them.

-- Slots of shared sittings: at each start the cheapest, then the shortest. A grid that counts from the opening counts
-- from that of the loctician who begins. p_own: as in occupied_moments.
CREATE OR REPLACE FUNCTION booking.shared_slots(
    p_treatments uuid[], p_from timestamptz, p_to timestamptz, p_limit integer, p_own uuid[]
) RETURNS SETOF booking.slot LANGUAGE plpgsql STABLE AS $$
DECLARE
    grid interval := booking.start_grid(p_treatments);
    from_opening boolean := booking.opening_grid(p_treatments) IS NOT NULL;
BEGIN
    RETURN QUERY
    WITH chosen AS MATERIALIZED (
        SELECT DISTINCT ON (g.start) g.start, f.performer_ids, f.lasts_minutes, f.price_amount
        FROM booking.shared_sittings(p_treatments, p_from, p_to, true, p_own) f,
            booking.starts_on_grid(f.performer_ids[1], f.free, grid, from_opening) g
        ORDER BY g.start, f.price_amount, f.lasts_minutes, f.performer_ids
        LIMIT p_limit
    ), laid AS MATERIALIZED (
        SELECT d.performer_ids, booking.sitting_parts(p_treatments, d.performer_ids) AS parts
        FROM (SELECT DISTINCT c.performer_ids FROM chosen c) d
    )
    SELECT c.start, c.start + booking.minutes(c.lasts_minutes), c.performer_ids[1], c.price_amount, l.parts
    FROM chosen c JOIN laid l USING (performer_ids) ORDER BY c.start;
END
$$;

-- A slot of each loctician at each start; of shared sittings the cheapest and shortest at each start. For any loctician
-- the first p_limit slots are searched in the first day, then in ever longer periods after it. p_own: as in
-- occupied_moments.
CREATE OR REPLACE FUNCTION booking.slots_between(
    p_treatments uuid[], p_loctician uuid, p_from timestamptz, p_to timestamptz, p_limit integer,
    p_own uuid[] DEFAULT '{}'
) RETURNS SETOF booking.slot LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    grid interval := booking.start_grid(p_treatments);
    from_opening boolean := booking.opening_grid(p_treatments) IS NOT NULL;
    buffers boolean := coalesce((SELECT s.buffers_within_hours FROM booking.salon s), false);
    period interval := CASE WHEN p_loctician IS NULL THEN interval '1 day' ELSE p_to - p_from END;
    since timestamptz := p_from;
    until timestamptz;
    missing integer := p_limit;
    added integer;
BEGIN
    WHILE since < p_to AND missing > 0 LOOP
        until := least(since + period, p_to);
        RETURN QUERY
        SELECT g.start, g.start + booking.minutes(s.lasts_minutes), s.loctician_id, s.price_amount, NULL::jsonb
        FROM booking.sittings(p_treatments, p_loctician) s,
            booking.free_moments(s.loctician_id, booking.needed_minutes(s.lasts_minutes, s.blocked, buffers),
                s.blocked, since, until, p_own) free,
            booking.starts_on_grid(s.loctician_id, free.moments, grid, from_opening) g
        ORDER BY g.start, s.loctician_id
        LIMIT missing;
        GET DIAGNOSTICS added = ROW_COUNT;
        missing := missing - added;
        since := until;
        period := 2 * period;
    END LOOP;
    IF missing = p_limit AND booking.must_share(p_treatments, p_loctician) THEN
        RETURN QUERY SELECT * FROM booking.shared_slots(p_treatments, p_from, p_to, p_limit, p_own);
    END IF;
END
$$;

-- Slots that may still be booked: not in the past, within the salon's horizon and, with p_notice, with its minimum
-- notice. p_own: as in occupied_moments.
CREATE OR REPLACE FUNCTION booking.free_slots(
    p_treatments uuid[], p_loctician uuid, p_from timestamptz, p_to timestamptz, p_limit integer,
    p_notice boolean DEFAULT true, p_own uuid[] DEFAULT '{}'
) RETURNS SETOF booking.slot LANGUAGE plpgsql STABLE AS $$
DECLARE
    rules booking.salon := booking.rules();
    soonest timestamptz := booking.clock()
        + CASE WHEN p_notice THEN booking.minutes(rules.minimum_notice_minutes) ELSE interval '0' END;
    first timestamptz := greatest(p_from, soonest, booking.clock() + interval '1 microsecond');
    until timestamptz := least(p_to, booking.horizon_end(rules.horizon_days) + interval '1 microsecond');
BEGIN
    IF first < until THEN
        RETURN QUERY SELECT * FROM booking.slots_between(p_treatments, p_loctician, first, until, p_limit, p_own);
    END IF;
END
$$;

-- The parts of a shared sitting as the API returns them, with instants in place of minutes.
CREATE OR REPLACE FUNCTION booking.sitting_parts_json(p_start timestamptz, p_parts jsonb) RETURNS json
LANGUAGE sql STABLE AS $$
    SELECT json_agg(json_build_object(
        'service_id', part ->> 'service_id', 'loctician_id', part ->> 'loctician_id',
        'start', p_start + booking.minutes((part ->> 'from')::integer),
        'end', p_start + booking.minutes((part ->> 'to')::integer)) ORDER BY place)
    FROM jsonb_array_elements(p_parts) WITH ORDINALITY AS list (part, place)
$$;

-- The response of GET /slots as text; NULL when nothing is free. p_language: 'da' or 'en'; p_own: as in
-- occupied_moments; p_after_start, p_after_loctician: only the slots after this one, which next_cursor of the page before
-- names. At its start there is at most a slot of each loctician, so that many more are searched than are shown. Put
-- together as text: a thousand slots as JSON objects would take longer than finding them.
CREATE OR REPLACE FUNCTION booking.slots_json(
    p_treatments uuid[], p_loctician uuid, p_from timestamptz, p_to timestamptz, p_limit integer, p_notice boolean,
    p_language text, p_own uuid[] DEFAULT '{}', p_after_start timestamptz DEFAULT NULL,
    p_after_loctician uuid DEFAULT NULL
) RETURNS text LANGUAGE plpgsql STABLE SET timezone = 'Europe/Copenhagen' AS $$
DECLARE
    treatments text := to_json(p_treatments);
    at_cursor bigint := CASE WHEN p_after_start IS NULL THEN 0 ELSE (SELECT count(*) FROM booking.locticians) END;
BEGIN
    RETURN (
        WITH slot AS MATERIALIZED (
            SELECT f.*, row_number() OVER (ORDER BY f.starts_at, f.loctician_id) AS place
            FROM booking.free_slots(p_treatments, p_loctician, greatest(p_from, p_after_start), p_to,
                (p_limit + 1 + at_cursor)::integer, p_notice, p_own) f
            WHERE p_after_start IS NULL OR (f.starts_at, f.loctician_id) > (p_after_start, p_after_loctician)
        ), price AS MATERIALIZED (
            SELECT p.price_amount, booking.price_json(p.price_amount, p_language) AS money
            FROM (SELECT DISTINCT s.price_amount FROM slot s) p
        ), listed AS (
            SELECT string_agg(format(
                '{"start":%s,"end":%s,"loctician_id":"%s","service_ids":%s,"price":%s%s}',
                to_json(s.starts_at), to_json(s.ends_at), s.loctician_id, treatments, p.money,
                CASE WHEN s.parts IS NOT NULL THEN ',"items":' || booking.sitting_parts_json(s.starts_at, s.parts) END
            ), ',' ORDER BY s.place) AS items
            FROM slot s JOIN price p USING (price_amount) WHERE s.place <= p_limit
        )
        SELECT '{"items":[' || l.items || '],"next_cursor":' || coalesce((
            SELECT to_json(booking.encode_cursor(json_build_array(s.starts_at, s.loctician_id)))::text
            FROM slot s WHERE s.place = p_limit AND EXISTS (SELECT FROM slot more WHERE more.place > p_limit)
        ), 'null') || '}'
        FROM listed l
    );
END
$$;
