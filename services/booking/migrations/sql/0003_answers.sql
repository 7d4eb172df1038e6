-- What the API answers, written where it is read, for the calls made most: passing a text on costs a service next to
-- nothing, making an object of each row costs more than the search.

-- As Babel writes it: 1.299,00 kr. in Danish, DKK 1,299.00 in English. STABLE as to_char() is, or it would not be inlined.
CREATE FUNCTION booking.formatted(p_amount integer, p_language text) RETURNS text LANGUAGE sql STABLE
RETURN CASE p_language
    WHEN 'en' THEN 'DKK ' || to_char(p_amount / 100.0, 'FM999,999,990.00')
    ELSE translate(to_char(p_amount / 100.0, 'FM999,999,990.00'), ',.', '.,') || ' kr.' END;

CREATE FUNCTION booking.vat_in(p_amount integer) RETURNS integer LANGUAGE sql IMMUTABLE
RETURN round(p_amount * 25 / 125.0)::integer;

CREATE FUNCTION booking.cursor(p_values json) RETURNS text LANGUAGE sql IMMUTABLE
RETURN translate(encode(convert_to(p_values::text, 'UTF8'), 'base64'), E'+/=\n', '-_');

-- Escaped first, whatever it holds, and then its marks as elements.
CREATE FUNCTION booking.html(p_marked text) RETURNS text LANGUAGE sql IMMUTABLE
RETURN replace(replace(replace(replace(replace(replace(replace(p_marked,
    '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;'), '''', '&#x27;'),
    U&'\E000', '<mark>'), U&'\E001', '</mark>');

-- Who does what and when, where several locticians share a sitting.
CREATE FUNCTION booking.parts_json(p_start timestamptz, p_parts jsonb) RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_agg(json_build_object(
        'service_id', part ->> 'service_id', 'loctician_id', part ->> 'loctician_id',
        'start', p_start + booking.minutes((part ->> 'from')::integer),
        'end', p_start + booking.minutes((part ->> 'to')::integer)) ORDER BY place)
    FROM jsonb_array_elements(p_parts) WITH ORDINALITY AS listed (part, place)
$$;

-- NULL when nothing is free. Put together as text: a thousand slots as JSON objects would take longer than finding them.
CREATE FUNCTION booking.slots_answer(
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
                'formatted', booking.formatted(each.price_amount, p_language)) AS money
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

-- In PL/pgSQL: it keeps its plan, where an SQL function is planned at each call.
CREATE FUNCTION booking.treatment_json(t booking.treatments, p_language text) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN jsonb_build_object(
        'id', t.id, 'name', t.translations -> p_language -> 'name',
        'description', t.translations -> p_language -> 'description', 'category', t.category,
        'category_name', booking.category_name(t.category, p_language), 'duration_minutes', t.duration_minutes,
        'processing', CASE WHEN t.processing_start_minutes IS NOT NULL THEN jsonb_build_object(
            'start_minutes', t.processing_start_minutes, 'minutes', t.processing_minutes) END,
        'buffer_before_minutes', t.buffer_before_minutes, 'buffer_after_minutes', t.buffer_after_minutes,
        'grid_minutes', t.grid_minutes, 'price', jsonb_build_object(
            'amount', t.price_amount, 'currency', 'DKK', 'formatted', booking.formatted(t.price_amount, p_language),
            'vat', jsonb_build_object('rate', 25, 'amount', booking.vat_in(t.price_amount))),
        'loctician_ids', (
            SELECT coalesce(jsonb_agg(o.loctician_id ORDER BY o.loctician_id), '[]') FROM booking.loctician_treatments o
            JOIN booking.locticians l ON l.loctician_id = o.loctician_id AND l.active WHERE o.treatment_id = t.id
        ),
        'translations', t.translations, 'active', t.active, 'version', t.version
    );
END
$$;
