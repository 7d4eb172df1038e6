-- Bookings the caller may see, by start. Conditions are put together here so that each combination gets its own plan.
-- Unlike @> or &&, equality is leakproof and reaches the index under Row Level Security: a loctician's bookings are those
-- of which the loctician is the first, and the few shared ones.
CREATE FUNCTION booking.find_bookings(p_claims jsonb, p_filter jsonb) RETURNS SETOF jsonb LANGUAGE plpgsql AS $$
DECLARE
    conditions text := concat_ws(' AND ', 'true',
        CASE WHEN p_filter ? 'id' THEN 'b.id = ($1 ->> ''id'')::uuid' END,
        CASE WHEN p_filter ? 'customer_id' THEN 'b.customer_id = ($1 ->> ''customer_id'')::uuid' END,
        CASE WHEN p_filter ? 'status' THEN 'b.status = $1 ->> ''status''' END,
        CASE p_filter ->> 'conflicted' WHEN 'true' THEN 'b.conflicted_at IS NOT NULL'
            WHEN 'false' THEN 'b.conflicted_at IS NULL' END,
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
$$
