-- Functions that generated columns need: how texts are made comparable. To change one, write a revision that replaces
-- it and rewrites the rows of the columns that use it.

-- public.unaccent() is only STABLE, because its rules are a file on the server. After a change of that file the rows of
-- booking.treatments have to be written again, as with any dictionary.
CREATE FUNCTION booking.unaccent(p_text text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT public.unaccent('public.unaccent'::regdictionary, p_text)
$$;

-- Lower case without accents: the form in which English is searched.
CREATE FUNCTION booking.fold_english(p_text text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT booking.unaccent(lower(normalize(p_text, NFC)))
$$;

-- The same, but æ, ø and å stay letters of their own, also when written ae, oe and aa: the form in which Danish is searched.
CREATE FUNCTION booking.fold_danish(p_text text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT translate(booking.unaccent(translate(
        replace(replace(replace(lower(normalize(p_text, NFC)), 'ae', 'æ'), 'oe', 'ø'), 'aa', 'å'),
        'æøåäö', U&'\E001\E002\E003\E001\E002'
    )), U&'\E001\E002\E003', 'æøå')
$$;

-- A text prepared for the Danish stemmer, which does not reduce nouns in -ning and -ing to their verbs: farvning becomes
-- farve, opstramningen becomes opstramme; the stemmer does the rest.
CREATE FUNCTION booking.danish_stem_input(p_text text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT regexp_replace(booking.fold_danish(p_text), '\m(\w{3,}?)n?ing(en|er|erne|ens|ernes|s)?\M', '\1e', 'g')
$$;

-- How a text sounds, roughly: c, ch, ck, k and q are the same, and so are w and v, z and s, ph and f, single and double
-- consonants. Typos are looked for in this form.
CREATE FUNCTION booking.sounds(p_text text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT regexp_replace(translate(
        replace(replace(replace(replace(replace(replace(regexp_replace(booking.fold_danish(p_text), '\W+', ' ', 'g'),
            'ch', 'k'), 'ph', 'f'), 'x', 'ks'), 'æ', 'ae'), 'ø', 'oe'), 'å', 'aa'),
        'cqwz', 'kkvs'
    ), '([bdfgklmnprstv])\1+', '\1', 'g')
$$;

-- The stems of a text. p_language: 'da' or 'en'.
CREATE FUNCTION booking.lexemes(p_text text, p_language text)
RETURNS tsvector LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE p_language
        WHEN 'da' THEN to_tsvector('pg_catalog.danish', booking.danish_stem_input(p_text))
        ELSE to_tsvector('pg_catalog.english', booking.fold_english(p_text))
    END
$$;

-- What one language says of a treatment: the name weighs most, then the category, then the description.
CREATE FUNCTION booking.search_vector(p_translations jsonb, p_category_names jsonb, p_language text)
RETURNS tsvector LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT setweight(booking.lexemes(coalesce(p_translations -> p_language ->> 'name', ''), p_language), 'A')
        || setweight(booking.lexemes(p_category_names ->> p_language, p_language), 'B')
        || setweight(booking.lexemes(coalesce(p_translations -> p_language ->> 'description', ''), p_language), 'C')
$$;
