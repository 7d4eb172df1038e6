-- Listing bookings.

-- The bookings that the caller sees, by start. Filter: id, customer_id, loctician_id, status (any of a list), conflicted,
-- customer_inactive, series_id, from, to (instants of the start), after_start and after_id, limit. The conditions are put
-- together here, so that each combination has its own plan. Unlike @> or &&, equality is leakproof and uses the index
-- under row level security: a loctician's bookings are those whose first loctician it is, and the few shared ones.
CREATE OR REPLACE FUNCTION booking.find_bookings(p_claims jsonb, p_filter jsonb) RETURNS SETOF jsonb
LANGUAGE plpgsql AS $$
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
        CASE WHEN p_filter ? 'after_id' THEN
            '(b.starts_at, b.id) > (($1 ->> ''after_start'')::timestamptz, ($1 ->> ''after_id'')::uuid)' END);
    page text := ' ORDER BY b.starts_at, b.id LIMIT ($1 ->> ''limit'')::integer';
    source text := 'SELECT b.* FROM booking.bookings b WHERE ' || conditions;
BEGIN
    PERFORM booking.act_as(p_claims);
    IF p_filter ? 'loctician_id' THEN
        source := '(' || source || ' AND b.loctician_ids[1] = ($1 ->> ''loctician_id'')::uuid' || page
            || ') UNION ALL (' || source || ' AND b.shared AND b.loctician_ids[1] <> ($1 ->> ''loctician_id'')::uuid'
            || ' AND ($1 ->> ''loctician_id'')::uuid = ANY (b.loctician_ids)' || page || ')';
    END IF;
    RETURN QUERY EXECUTE 'SELECT booking.booking_json(b::booking.bookings) FROM (' || source || ') b' || page
    USING p_filter;
END
$$;
