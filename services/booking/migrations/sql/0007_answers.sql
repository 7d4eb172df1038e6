-- NULL when nothing is free. Put together as text: a thousand slots as JSON objects would take longer than finding them.
CREATE OR REPLACE FUNCTION booking.slots_answer(
    p_treatments uuid[], p_loctician uuid, p_from timestamptz, p_to timestamptz, p_limit integer, p_notice boolean,
    p_language text
) RETURNS text LANGUAGE plpgsql STABLE SET timezone = 'Europe/Copenhagen' AS $$
DECLARE
    treatments text := to_json(p_treatments);
BEGIN
    RETURN (
        WITH slot AS MATERIALIZED (
            SELECT * FROM booking.free_slots(p_treatments, p_loctician, p_from, p_to, p_limit, p_notice)
        ), price AS MATERIALIZED (
            SELECT each.price_amount, json_build_object('amount', each.price_amount, 'currency', 'DKK',
                'formatted', booking.formatted(each.price_amount, p_language),
                'vat', json_build_object('rate', 25, 'amount', booking.vat_in(each.price_amount))) AS money
            FROM (SELECT DISTINCT s.price_amount FROM slot s) each
        )
        SELECT '{"items":[' || string_agg(format(
            '{"start":%s,"end":%s,"loctician_id":"%s","service_ids":%s,"price":%s%s}',
            to_json(s.starts_at), to_json(s.ends_at), s.loctician_id, treatments, p.money,
            CASE WHEN s.parts IS NOT NULL THEN ',"items":' || booking.parts_json(s.starts_at, s.parts) END
        ), ',' ORDER BY s.starts_at, s.loctician_id) || ']}'
        FROM slot s JOIN price p USING (price_amount)
    );
END
$$;
