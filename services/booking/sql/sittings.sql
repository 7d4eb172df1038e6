-- Sittings: treatments performed one after the other, by one loctician or by several in turn. Minutes count from the
-- start of the sitting. Ranges of minutes are half open.

-- Each treatment of the list (place: its position, from 1) with each active loctician who performs it, at the
-- loctician's own length and price where there is one. Archived treatments are left out. Terms that the transaction
-- applies (agreed_terms.sql) replace those of the catalog: what was agreed with a loctician can be performed by that
-- loctician although the treatment was archived or the profile no longer lists it, and by others whose profile lists
-- it. p_loctician: only this one, NULL for any.
CREATE OR REPLACE FUNCTION booking.treatments_by_loctician(p_treatments uuid[], p_loctician uuid)
RETURNS TABLE (
    loctician_id uuid, place integer, treatment_id uuid, lasts integer, price integer, grid_minutes integer,
    buffer_before integer, buffer_after integer, processing_from integer, processing integer
) LANGUAGE sql STABLE AS $$
    SELECT o.loctician_id, a.place::integer, t.id, coalesce(o.duration_minutes, t.duration_minutes),
        coalesce(o.price_amount, t.price_amount), t.grid_minutes, t.buffer_before_minutes, t.buffer_after_minutes,
        t.processing_start_minutes, t.processing_minutes
    FROM unnest(p_treatments) WITH ORDINALITY AS a (id, place)
    JOIN booking.treatments t ON t.id = a.id
    JOIN booking.loctician_treatments o ON o.treatment_id = t.id
    JOIN booking.locticians l ON l.loctician_id = o.loctician_id AND l.active
    WHERE (p_loctician IS NULL OR o.loctician_id = p_loctician)
        AND (t.active OR EXISTS (SELECT FROM booking.agreed_terms() g WHERE g.treatment_id = t.id))
        AND NOT EXISTS (SELECT FROM booking.agreed_terms() g
            WHERE g.exactly OR (g.treatment_id = t.id AND g.loctician_id = o.loctician_id))
    UNION ALL
    SELECT g.loctician_id, a.place::integer, t.id, g.lasts, g.price, t.grid_minutes, g.buffer_before, g.buffer_after,
        g.processing_from, g.processing
    FROM booking.agreed_terms() g
    JOIN unnest(p_treatments) WITH ORDINALITY AS a (id, place) ON a.id = g.treatment_id
    JOIN booking.treatments t ON t.id = a.id
    JOIN booking.locticians l ON l.loctician_id = g.loctician_id AND l.active
    WHERE p_loctician IS NULL OR g.loctician_id = p_loctician
$$;

-- The minutes in which a treatment needs its loctician, with the buffers before and after. Processing time in its
-- middle leaves the loctician free, unless the loctician's own duration is too short for it.
CREATE OR REPLACE FUNCTION booking.hands_on_minutes(
    p_from integer, p_to integer, p_before integer, p_after integer, p_processing_from integer, p_processing integer
) RETURNS int4multirange LANGUAGE sql IMMUTABLE
RETURN int4multirange(int4range(p_from - p_before, p_to + p_after)) - int4multirange(CASE
    WHEN p_processing_from + p_processing < p_to - p_from
    THEN int4range(p_from + p_processing_from, p_from + p_processing_from + p_processing) ELSE 'empty' END);

-- Sittings of one loctician each who performs all treatments. Buffers count at the two ends only. p_loctician: only
-- this one, NULL for any.
CREATE OR REPLACE FUNCTION booking.sittings(p_treatments uuid[], p_loctician uuid)
RETURNS TABLE (
    loctician_id uuid, lasts_minutes integer, price_amount integer, grid_minutes integer, blocked int4multirange
) LANGUAGE sql STABLE AS $$
    WITH placed AS (
        SELECT o.*, (sum(o.lasts) OVER (PARTITION BY o.loctician_id ORDER BY o.place))::integer AS ends
        FROM booking.treatments_by_loctician(p_treatments, p_loctician) o
    )
    SELECT i.loctician_id, max(ends), sum(price)::integer, max(i.grid_minutes), range_agg(booking.hands_on_minutes(
        ends - lasts, ends, CASE WHEN place = 1 THEN buffer_before ELSE 0 END,
        CASE WHEN place = cardinality(p_treatments) THEN buffer_after ELSE 0 END, processing_from, processing))
    FROM placed i
    GROUP BY i.loctician_id
    HAVING count(*) = cardinality(p_treatments)
$$;

-- Whether no loctician performs all of it and none was asked for, so that several have to share the sitting.
CREATE OR REPLACE FUNCTION booking.must_share(p_treatments uuid[], p_loctician uuid) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN p_loctician IS NULL AND cardinality(p_treatments) > 1
        AND NOT EXISTS (SELECT FROM booking.sittings(p_treatments, NULL));
END
$$;

-- The treatments of one sitting, performed by the locticians in p_performers (one for each treatment). Buffers count
-- where a loctician's part begins and ends. What a sitting takes of a loctician who has several parts in it is shared
-- out among them: a buffer that reaches into a later part of the same loctician ends where that part begins, and what
-- lies beyond belongs to the later part. So no item's time is empty or lies within another's.
CREATE OR REPLACE FUNCTION booking.sitting_items(p_treatments uuid[], p_performers uuid[])
RETURNS TABLE (
    loctician_id uuid, place integer, treatment_id uuid, from_minute integer, to_minute integer,
    price_amount integer, buffer_before integer, buffer_after integer, processing_from integer, processing integer,
    blocked int4multirange
) LANGUAGE sql STABLE AS $$
    WITH placed AS (
        SELECT o.*, (sum(o.lasts) OVER (ORDER BY o.place))::integer AS ends,
            lag(o.loctician_id) OVER (ORDER BY o.place) IS DISTINCT FROM o.loctician_id AS begins,
            lead(o.loctician_id) OVER (ORDER BY o.place) IS DISTINCT FROM o.loctician_id AS finishes
        FROM booking.treatments_by_loctician(p_treatments, NULL) o WHERE o.loctician_id = p_performers[o.place]
    ), busy_items AS (
        SELECT placed.*, booking.hands_on_minutes(ends - lasts, ends, CASE WHEN begins THEN buffer_before ELSE 0 END,
            CASE WHEN finishes THEN buffer_after ELSE 0 END, processing_from, processing) AS busy
        FROM placed
    ), bounded AS (
        SELECT i.*, range_agg(i.busy) OVER (PARTITION BY i.loctician_id) AS all_busy,
            least(max(upper(i.busy)) OVER (PARTITION BY i.loctician_id ORDER BY i.place),
                lead(i.ends - i.lasts) OVER (PARTITION BY i.loctician_id ORDER BY i.place)) AS until
        FROM busy_items i
    )
    SELECT i.loctician_id, i.place, i.treatment_id, i.ends - i.lasts, i.ends, i.price,
        i.buffer_before, i.buffer_after, i.processing_from, i.processing,
        i.all_busy * int4multirange(int4range(
            lag(i.until) OVER per_loctician,
            CASE WHEN lead(i.place) OVER per_loctician IS NOT NULL THEN i.until END))
    FROM bounded i
    WINDOW per_loctician AS (PARTITION BY i.loctician_id ORDER BY i.place)
$$;

-- Runs of consecutive treatments, each by one loctician who performs all of the run: what it takes of the loctician, in
-- minutes from the start of the run.
CREATE OR REPLACE FUNCTION booking.runs(p_treatments uuid[]) RETURNS SETOF booking.run LANGUAGE sql STABLE AS $$
    WITH placed AS (
        SELECT o.*, row_number() OVER per_loctician AS number, (sum(o.lasts) OVER per_loctician)::integer AS ends
        FROM booking.treatments_by_loctician(p_treatments, NULL) o
        WINDOW per_loctician AS (PARTITION BY o.loctician_id ORDER BY o.place)
    )
    SELECT head.loctician_id, head.place, tail.place, tail.ends - head.ends + head.lasts, sum(item.price)::integer,
        range_agg(booking.hands_on_minutes(
            item.ends - item.lasts - head.ends + head.lasts, item.ends - head.ends + head.lasts,
            CASE WHEN item.place = head.place THEN item.buffer_before ELSE 0 END,
            CASE WHEN item.place = tail.place THEN item.buffer_after ELSE 0 END, item.processing_from, item.processing))
    FROM placed head
    JOIN placed tail ON tail.loctician_id = head.loctician_id AND tail.place - head.place = tail.number - head.number
        AND tail.place >= head.place
    JOIN placed item ON item.loctician_id = head.loctician_id AND item.place BETWEEN head.place AND tail.place
    GROUP BY head.loctician_id, head.place, head.ends, head.lasts, tail.place, tail.ends
$$;

-- Who performs what and when in a sitting, as JSON: [{"service_id", "loctician_id", "from", "to"}] in minutes from its
-- start.
CREATE OR REPLACE FUNCTION booking.sitting_parts(p_treatments uuid[], p_performers uuid[]) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT jsonb_agg(jsonb_build_object(
            'service_id', i.treatment_id, 'loctician_id', i.loctician_id, 'from', i.from_minute, 'to', i.to_minute
        ) ORDER BY i.place) FROM booking.sitting_items(p_treatments, p_performers) i
    );
END
$$;
