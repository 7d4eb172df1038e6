-- public.unaccent() is only STABLE, since its rules are a file of the server's. Whoever changes that file has to
-- rewrite the rows of booking.treatments, as for any dictionary.
CREATE FUNCTION booking.unaccent(p_text text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT public.unaccent('public.unaccent'::regdictionary, p_text)
$$

-- Lower case without accents, the form in which English is searched.
CREATE FUNCTION booking.plain(p_text text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT booking.unaccent(lower(normalize(p_text, NFC)))
$$

-- The same, but æ, ø and å stay letters of their own, also when written ae, oe and aa.
CREATE FUNCTION booking.danish(p_text text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT translate(booking.unaccent(translate(
        replace(replace(replace(lower(normalize(p_text, NFC)), 'ae', 'æ'), 'oe', 'ø'), 'aa', 'å'),
        'æøåäö', U&'\E001\E002\E003\E001\E002'
    )), U&'\E001\E002\E003', 'æøå')
$$

-- Ready for the Danish stemmer, which leaves the nouns that end in -ning and -ing beside their verbs: so farvning
-- becomes farve, opstramningen opstramme, and the rest is the stemmer's.
CREATE FUNCTION booking.danish_words(p_text text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT regexp_replace(booking.danish(p_text), '\m(\w{3,}?)n?ing(en|er|erne|ens|ernes|s)?\M', '\1e', 'g')
$$

-- How it sounds, roughly: what is written with c, ch, ck, k or q is the same, and so are w and v, z and s, ph and f,
-- single and double consonants. Typos are looked for in this form.
CREATE FUNCTION booking.sounds(p_text text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT regexp_replace(translate(
        replace(replace(replace(replace(replace(replace(regexp_replace(booking.danish(p_text), '\W+', ' ', 'g'),
            'ch', 'k'), 'ph', 'f'), 'x', 'ks'), 'æ', 'ae'), 'ø', 'oe'), 'å', 'aa'),
        'cqwz', 'kkvs'
    ), '([bdfgklmnprstv])\1+', '\1', 'g')
$$

-- The kinds of treatment there are, in both languages; another code is its own name.
CREATE FUNCTION booking.category_name(p_category text, p_language text)
RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(
        CASE p_language WHEN 'da' THEN CASE p_category
            WHEN 'consultation' THEN 'Konsultation'
            WHEN 'starter' THEN 'Nye locs'
            WHEN 'maintenance' THEN 'Vedligehold'
            WHEN 'repair' THEN 'Reparation'
            WHEN 'care' THEN 'Vask og pleje'
            WHEN 'colour' THEN 'Farve'
            WHEN 'styling' THEN 'Styling'
            WHEN 'extensions' THEN 'Forlængelse'
            WHEN 'removal' THEN 'Udredning og fjernelse'
        END ELSE CASE p_category
            WHEN 'consultation' THEN 'Consultation'
            WHEN 'starter' THEN 'Starter locs'
            WHEN 'maintenance' THEN 'Maintenance'
            WHEN 'repair' THEN 'Repair'
            WHEN 'care' THEN 'Wash and care'
            WHEN 'colour' THEN 'Colour'
            WHEN 'styling' THEN 'Styling'
            WHEN 'extensions' THEN 'Extensions'
            WHEN 'removal' THEN 'Removal'
        END END,
        p_category)
$$

CREATE FUNCTION booking.lexemes(p_text text, p_language text)
RETURNS tsvector LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE p_language
        WHEN 'da' THEN to_tsvector('pg_catalog.danish', booking.danish_words(p_text))
        ELSE to_tsvector('pg_catalog.english', booking.plain(p_text))
    END
$$

-- What one language says of a treatment: the name weighs most, then the category, then the description.
CREATE FUNCTION booking.search_vector(p_translations jsonb, p_category text, p_language text)
RETURNS tsvector LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT setweight(booking.lexemes(coalesce(p_translations -> p_language ->> 'name', ''), p_language), 'A')
        || setweight(booking.lexemes(booking.category_name(p_category, p_language), p_language), 'B')
        || setweight(booking.lexemes(coalesce(p_translations -> p_language ->> 'description', ''), p_language), 'C')
$$
