-- The catalog as the API returns it.

-- An amount in øre as domain/money.py formats it: 1.299 kr. in Danish, DKK 1,299.50 in English; no decimals for whole
-- kroner. STABLE as to_char() is; it would not be inlined otherwise.
CREATE OR REPLACE FUNCTION booking.format_price(p_amount integer, p_language text) RETURNS text LANGUAGE sql STABLE
RETURN CASE p_language
    WHEN 'en' THEN 'DKK ' || to_char(p_amount / 100.0, CASE p_amount % 100 WHEN 0 THEN 'FM999,999,990' ELSE 'FM999,999,990.00' END)
    ELSE translate(
        to_char(p_amount / 100.0, CASE p_amount % 100 WHEN 0 THEN 'FM999,999,990' ELSE 'FM999,999,990.00' END),
        ',.', '.,') || ' kr.' END;

-- The 25 % VAT in an amount that includes it, in øre.
CREATE OR REPLACE FUNCTION booking.included_vat(p_amount integer) RETURNS integer LANGUAGE sql IMMUTABLE
RETURN round(p_amount * 25 / 125.0)::integer;

-- A price as the API returns it, with the VAT in it.
CREATE OR REPLACE FUNCTION booking.price_json(p_amount integer, p_language text) RETURNS json LANGUAGE sql STABLE
RETURN json_build_object('amount', p_amount, 'currency', 'DKK', 'formatted', booking.format_price(p_amount, p_language),
    'vat', json_build_object('rate', 25, 'amount', booking.included_vat(p_amount)));

-- A cursor of a page, as shared/http/pagination.py reads it.
CREATE OR REPLACE FUNCTION booking.encode_cursor(p_values json) RETURNS text LANGUAGE sql IMMUTABLE
RETURN translate(encode(convert_to(p_values::text, 'UTF8'), 'base64'), E'+/=\n', '-_');

-- A marked text (see highlight_words) as HTML: everything in it is escaped, then the marks become elements.
CREATE OR REPLACE FUNCTION booking.highlight_html(p_marked text) RETURNS text LANGUAGE sql IMMUTABLE
RETURN replace(replace(replace(replace(replace(replace(replace(p_marked,
    '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;'), '''', '&#x27;'),
    U&'\E000', '<mark>'), U&'\E001', '</mark>');

-- A treatment as the API returns it: price_from, price_to and the two durations are those with any loctician who offers
-- it, the catalog's own if nobody does. In PL/pgSQL, so that its plan is kept.
CREATE OR REPLACE FUNCTION booking.treatment_json(t booking.treatments, p_language text) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
    offered record;
BEGIN
    SELECT coalesce(jsonb_agg(o.loctician_id ORDER BY o.loctician_id), '[]') AS loctician_ids,
        coalesce(min(coalesce(o.price_amount, t.price_amount)), t.price_amount) AS price_from,
        coalesce(max(coalesce(o.price_amount, t.price_amount)), t.price_amount) AS price_to,
        coalesce(min(coalesce(o.duration_minutes, t.duration_minutes)), t.duration_minutes) AS shortest,
        coalesce(max(coalesce(o.duration_minutes, t.duration_minutes)), t.duration_minutes) AS longest
    INTO offered
    FROM booking.loctician_treatments o
    JOIN booking.locticians l ON l.loctician_id = o.loctician_id AND l.active WHERE o.treatment_id = t.id;
    RETURN jsonb_build_object(
        'id', t.id, 'name', t.translations -> p_language -> 'name',
        'description', t.translations -> p_language -> 'description', 'category', t.category,
        'category_name', t.category_names ->> p_language, 'duration_minutes', t.duration_minutes,
        'processing', CASE WHEN t.processing_start_minutes IS NOT NULL THEN jsonb_build_object(
            'start_minutes', t.processing_start_minutes, 'minutes', t.processing_minutes) END,
        'buffer_before_minutes', t.buffer_before_minutes, 'buffer_after_minutes', t.buffer_after_minutes,
        'grid_minutes', t.grid_minutes, 'grid_from', t.grid_from,
        'price', booking.price_json(t.price_amount, p_language),
        'price_from', booking.price_json(offered.price_from, p_language),
        'price_to', booking.price_json(offered.price_to, p_language),
        'duration_from_minutes', offered.shortest, 'duration_to_minutes', offered.longest,
        'loctician_ids', offered.loctician_ids, 'pictures', booking.pictures_json('treatment', t.id),
        'translations', t.translations, 'active', t.active, 'version', t.version
    );
END
$$;

-- Copies the names of a treatment's category into the treatment, where search and listing read them. A category that is
-- not in booking.categories is its own name. After a change of booking.categories write the treatments again:
-- UPDATE booking.treatments SET category = category
CREATE OR REPLACE FUNCTION booking.name_category() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.category_names := coalesce(
        (SELECT jsonb_build_object('da', c.name_da, 'en', c.name_en) FROM booking.categories c
        WHERE c.code = NEW.category),
        jsonb_build_object('da', NEW.category, 'en', NEW.category));
    RETURN NEW;
END
$$;

CREATE OR REPLACE TRIGGER name_category BEFORE INSERT OR UPDATE OF category, category_names ON booking.treatments
FOR EACH ROW EXECUTE FUNCTION booking.name_category();
