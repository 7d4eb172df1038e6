-- Free times by day, for a month that is shown at once. They are counted from booking.free_slots(), so a day has
-- exactly the starts that GET /slots lists for it. Takes no locks.

-- Each day from p_first to p_last in Copenhagen: its first and last start, how many different starts it has (a start at
-- which two locticians are free counts once), and the lowest price in øre. Without a free time: 0, and NULLs.
-- p_own: as in occupied_moments.
CREATE OR REPLACE FUNCTION booking.slot_days(
    p_treatments uuid[], p_loctician uuid, p_first date, p_last date, p_notice boolean, p_own uuid[] DEFAULT '{}'
) RETURNS TABLE (day date, first_start timestamptz, last_start timestamptz, starts bigint, price_amount integer)
LANGUAGE plpgsql STABLE SET timezone = 'Europe/Copenhagen' AS $$
BEGIN
    RETURN QUERY
    WITH start AS (
        SELECT s.starts_at, min(s.price_amount) AS price_amount
        FROM booking.free_slots(p_treatments, p_loctician, p_first::timestamptz, (p_last + 1)::timestamptz,
            2147483647, p_notice, p_own) s
        GROUP BY s.starts_at
    ), free_day AS (
        SELECT s.starts_at::date AS day, min(s.starts_at) AS first_start, max(s.starts_at) AS last_start,
            count(*) AS starts, min(s.price_amount) AS price_amount
        FROM start s GROUP BY 1
    )
    SELECT p_first + d.number, f.first_start, f.last_start, coalesce(f.starts, 0), f.price_amount
    FROM generate_series(0, p_last - p_first) d (number) LEFT JOIN free_day f ON f.day = p_first + d.number
    ORDER BY d.number;
END
$$;

-- The response of GET /slots/days, and whether anything is free. p_language: 'da' or 'en'; the rest as in slot_days.
CREATE OR REPLACE FUNCTION booking.slot_days_json(
    p_treatments uuid[], p_loctician uuid, p_first date, p_last date, p_notice boolean, p_language text,
    p_own uuid[] DEFAULT '{}', OUT answer text, OUT found boolean
) LANGUAGE plpgsql STABLE SET timezone = 'Europe/Copenhagen' AS $$
BEGIN
    SELECT json_build_object('items', json_agg(json_build_object(
            'day', d.day, 'first', d.first_start, 'last', d.last_start, 'start_count', d.starts,
            'price_from', CASE WHEN d.starts > 0 THEN booking.price_json(d.price_amount, p_language) END
        ) ORDER BY d.day)), bool_or(d.starts > 0)
    INTO answer, found
    FROM booking.slot_days(p_treatments, p_loctician, p_first, p_last, p_notice, p_own) d;
END
$$;

-- The same for the caller who is to move a booking, as slots_to_move. Request: booking_id, service_ids (the booking's
-- own when empty), loctician_id, from, to (dates), language. Raises LB001 not_found.
CREATE OR REPLACE FUNCTION booking.slot_days_to_move(
    p_claims jsonb, p_request jsonb, OUT answer text, OUT found boolean
) LANGUAGE plpgsql AS $$
DECLARE
    s record := booking.prepare_search_to_move(p_claims, p_request);
BEGIN
    SELECT j.answer, j.found INTO answer, found
    FROM booking.slot_days_json(s.treatments, (p_request ->> 'loctician_id')::uuid, (p_request ->> 'from')::date,
        (p_request ->> 'to')::date, s.notice, p_request ->> 'language', s.own) j;
END
$$;
