-- Listing bookings.

-- The statement that selects the bookings of a filter, for EXECUTE with the filter as $1. p_page: ORDER BY and LIMIT,
-- or an empty text. Filter: id, customer_id, loctician_id, status (any of a list), conflicted, customer_inactive,
-- series_id, from, to (instants of the start), terms (texts that name, phone or address of the customer contain),
-- first_id and last_id (or bookings with such ids), after_start and after_id, sort (start, or -start for the latest
-- first), limit. The conditions are put together here, so that each combination has its own plan. Unlike @> or &&,
-- equality is leakproof and uses the index under row level security: a loctician's bookings are those whose first
-- loctician it is, and the few shared ones.
CREATE OR REPLACE FUNCTION booking.bookings_found(p_filter jsonb, p_page text) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    conditions text := concat_ws(' AND ', 'true',
        CASE WHEN p_filter ? 'id' THEN 'b.id = ($1 ->> ''id'')::uuid' END,
        CASE WHEN p_filter ? 'customer_id' THEN 'b.customer_id = ($1 ->> ''customer_id'')::uuid' END,
        CASE WHEN p_filter ? 'status' THEN
            'b.status = ANY (ARRAY(SELECT jsonb_array_elements_text($1 -> ''status'')))' END,
        CASE p_filter ->> 'conflicted' WHEN 'true' THEN 'b.conflicted_at IS NOT NULL'
            WHEN 'false' THEN 'b.conflicted_at IS NULL' END,
        CASE p_filter ->> 'customer_inactive' WHEN 'true' THEN 'b.customer_inactive_at IS NOT NULL'
            WHEN 'false' THEN 'b.customer_inactive_at IS NULL' END,
        CASE WHEN p_filter ? 'series_id' THEN 'b.series_id = ($1 ->> ''series_id'')::uuid' END,
        CASE WHEN p_filter ? 'from' THEN 'b.starts_at >= ($1 ->> ''from'')::timestamptz' END,
        CASE WHEN p_filter ? 'to' THEN 'b.starts_at < ($1 ->> ''to'')::timestamptz' END,
        CASE WHEN p_filter ? 'terms' THEN 'b.id IN (
            SELECT f.id FROM booking.bookings f WHERE f.customer_id IN (
                SELECT booking.search_customers(ARRAY(SELECT jsonb_array_elements_text($1 -> ''terms''))))
            UNION ALL
            SELECT f.id FROM booking.bookings f
            WHERE f.id BETWEEN ($1 ->> ''first_id'')::uuid AND ($1 ->> ''last_id'')::uuid)' END,
        CASE WHEN p_filter ? 'after_id' THEN
            '(b.starts_at, b.id) ' || CASE p_filter ->> 'sort' WHEN '-start' THEN '<' ELSE '>' END
            || ' (($1 ->> ''after_start'')::timestamptz, ($1 ->> ''after_id'')::uuid)' END);
    source text := 'SELECT b.* FROM booking.bookings b WHERE ' || conditions;
BEGIN
    IF p_filter ? 'loctician_id' THEN
        source := '(' || source || ' AND b.loctician_ids[1] = ($1 ->> ''loctician_id'')::uuid' || p_page
            || ') UNION ALL (' || source || ' AND b.shared AND b.loctician_ids[1] <> ($1 ->> ''loctician_id'')::uuid'
            || ' AND ($1 ->> ''loctician_id'')::uuid = ANY (b.loctician_ids)' || p_page || ')';
    END IF;
    RETURN source;
END
$$;

-- The bookings that the caller sees, by start. Filter: as bookings_found.
CREATE OR REPLACE FUNCTION booking.find_bookings(p_claims jsonb, p_filter jsonb) RETURNS SETOF jsonb
LANGUAGE plpgsql AS $$
DECLARE
    direction text := CASE p_filter ->> 'sort' WHEN '-start' THEN ' DESC' ELSE '' END;
    page text := ' ORDER BY b.starts_at' || direction || ', b.id' || direction || ' LIMIT ($1 ->> ''limit'')::integer';
BEGIN
    PERFORM booking.act_as(p_claims);
    RETURN QUERY EXECUTE 'SELECT booking.booking_json(b::booking.bookings) FROM ('
        || booking.bookings_found(p_filter, page) || ') b' || page
    USING p_filter;
END
$$;

-- How many bookings of the filter the caller sees, at most as many as its limit. Filter: as bookings_found, without
-- after_start and after_id.
CREATE OR REPLACE FUNCTION booking.count_bookings(p_claims jsonb, p_filter jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    counted bigint;
BEGIN
    PERFORM booking.act_as(p_claims);
    EXECUTE 'SELECT count(*) FROM (SELECT FROM (' || booking.bookings_found(p_filter, '')
        || ') b LIMIT ($1 ->> ''limit'')::integer) c' INTO counted USING p_filter;
    RETURN to_jsonb(counted);
END
$$;
