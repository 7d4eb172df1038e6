-- Search of the catalog: by stem in Danish and English, by sound, by synonym and by similar spelling.

-- Adds the words of a treatment to search_words: what is typed is compared with these, not with the texts. Sorted, so
-- that treatments written at the same time wait for each other and do not deadlock.
CREATE OR REPLACE FUNCTION booking.learn_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO booking.search_words (word)
    SELECT DISTINCT lexeme FROM unnest(to_tsvector('pg_catalog.simple', concat_ws(' ',
        NEW.translations #>> '{da,name}', NEW.translations #>> '{da,description}',
        NEW.translations #>> '{en,name}', NEW.translations #>> '{en,description}',
        NEW.category_names ->> 'da', NEW.category_names ->> 'en'))) AS words
    WHERE lexeme !~ '\W|\d' AND length(lexeme) BETWEEN 2 AND 40
    ORDER BY lexeme ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER learn_words AFTER INSERT OR UPDATE OF translations, category ON booking.treatments
FOR EACH ROW EXECUTE FUNCTION booking.learn_words();

-- Queries joined by OR; NULLs are ignored.
CREATE OR REPLACE AGGREGATE booking.any_of(tsquery) (SFUNC = tsquery_or, STYPE = tsquery);

-- Queries joined by AND; NULLs are ignored.
CREATE OR REPLACE AGGREGATE booking.all_of(tsquery) (SFUNC = tsquery_and, STYPE = tsquery);

-- One word by its stem, in either language.
CREATE OR REPLACE FUNCTION booking.stem_query(p_word text) RETURNS tsquery
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT plainto_tsquery('pg_catalog.danish', booking.danish_stem_input(p_word))
        || plainto_tsquery('pg_catalog.english', booking.fold_english(p_word))
$$;

-- Words that begin with this; NULL for less than three letters.
CREATE OR REPLACE FUNCTION booking.prefix_query(p_word text) RETURNS tsquery
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT (quote_literal(letters) || ':*')::tsquery
    FROM regexp_replace(p_word, '\W', '', 'g') AS letters WHERE length(letters) >= 3
$$;

-- One word as it was typed, as it sounds, or as the beginning of a longer word. Each way is named once (DISTINCT): the
-- ways are mostly the same, and each is looked up in both indexes. In PL/pgSQL, so that its plan is kept.
CREATE OR REPLACE FUNCTION booking.exact_query(p_word text, p_sound text) RETURNS tsquery LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT booking.any_of(DISTINCT q) FROM (
            VALUES (plainto_tsquery('pg_catalog.danish', booking.danish_stem_input(p_word))),
                (plainto_tsquery('pg_catalog.english', booking.fold_english(p_word))),
                (booking.prefix_query(booking.fold_danish(p_word))),
                (booking.prefix_query(booking.fold_english(p_word)))
            UNION ALL (SELECT booking.stem_query(w.word) FROM booking.search_words w WHERE w.sound = p_sound LIMIT 10)
        ) AS ways (q)
    );
END
$$;

-- Words that mean the same as this one or are spelt nearly like it. In PL/pgSQL, so that its plan is kept.
CREATE OR REPLACE FUNCTION booking.near_query(p_word text, p_sound text) RETURNS tsquery LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT booking.any_of(DISTINCT way.q) FROM (
            SELECT other.word FROM booking.synonyms other WHERE other.meaning IN (
                SELECT s.meaning FROM booking.synonyms s
                WHERE s.sound = p_sound OR s.stems = booking.lexemes(p_word, 'da')
                    OR length(p_word) > 5 AND public.similarity(s.sound, p_sound) > 0.55)
            UNION (
                SELECT w.word FROM booking.search_words w
                WHERE length(p_word) > 3 AND p_sound OPERATOR(public.<%) w.sound
                ORDER BY public.similarity(p_sound, w.sound) DESC LIMIT 20)
        ) near, LATERAL (VALUES (plainto_tsquery('pg_catalog.danish', booking.danish_stem_input(near.word))),
            (plainto_tsquery('pg_catalog.english', booking.fold_english(near.word)))) way (q)
    );
END
$$;

-- The queries for each word that says something: words that are stop words in a language are left out.
CREATE OR REPLACE FUNCTION booking.search_terms(p_words text[])
RETURNS TABLE (place bigint, exact tsquery, broad tsquery) LANGUAGE sql STABLE AS $$
    SELECT row_number() OVER (ORDER BY w.place), q.exact,
        coalesce(q.exact || booking.near_query(w.word, booking.sounds(w.word)), q.exact)
    FROM unnest(p_words) WITH ORDINALITY AS w (word, place),
        LATERAL (SELECT booking.exact_query(w.word, booking.sounds(w.word))) AS q (exact)
    WHERE booking.lexemes(w.word, 'da') <> '' AND booking.lexemes(w.word, 'en') <> ''
$$;

-- The rank of a treatment, in millionths: every word as typed, in the caller's language or else in the other, comes
-- before what is only near.
CREATE OR REPLACE FUNCTION booking.search_rank(
    p_own tsvector, p_other tsvector, p_exact tsquery, p_either_exact tsquery, p_either_broad tsquery
) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT (1e6 * CASE
        WHEN p_own @@ p_exact THEN 3 + ts_rank(p_own, p_either_exact, 1)
        WHEN p_other @@ p_exact THEN 2 + ts_rank(p_other, p_either_exact, 1)
        WHEN p_own @@ p_either_broad THEN 1 + ts_rank(p_own, p_either_broad, 1)
        ELSE ts_rank(p_other, p_either_broad, 1)
    END)::integer
$$;

-- The words of a text that match the search.
CREATE OR REPLACE FUNCTION booking.words_to_highlight(p_text text, p_either tsquery) RETURNS tsquery
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT booking.any_of(quote_literal(lexeme)::tsquery)
        FROM unnest(to_tsvector('pg_catalog.simple', p_text))
        WHERE lexeme !~ '\W'
            AND (booking.lexemes(lexeme, 'da') @@ p_either OR booking.lexemes(lexeme, 'en') @@ p_either)
    );
END
$$;

-- The text with the words marked, between U+E000 and U+E001. p_options: of ts_headline(). Whoever shows it as HTML
-- escapes it first (highlight_html).
CREATE OR REPLACE FUNCTION booking.highlight_words(p_text text, p_words tsquery, p_options text) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
    clean text := translate(p_text, U&'\E000\E001', '');
BEGIN
    RETURN coalesce(
        ts_headline('pg_catalog.simple', clean, p_words, U&'StartSel=\E000, StopSel=\E001, ' || p_options), clean);
END
$$;

-- A page of the treatments that contain every word, the best first.
-- Arguments: p_after_rank, p_after_id: of the last treatment of the page before. The condition is put together here, so
-- that the indexes are used.
CREATE OR REPLACE FUNCTION booking.search_treatments(
    p_words text[], p_language text, p_category text, p_inactive boolean,
    p_after_rank integer, p_after_id uuid, p_limit integer
) RETURNS TABLE (treatment_id uuid, rank integer, marked_name text, marked_description text)
LANGUAGE plpgsql STABLE SET client_min_messages = warning AS $$
DECLARE
    exact tsquery;
    either_exact tsquery;
    either_broad tsquery;
    broad tsquery[];
    holds_all text;
BEGIN
    SELECT booking.all_of(s.exact), booking.any_of(s.exact), booking.any_of(s.broad),
        array_agg(s.broad ORDER BY s.place),
        string_agg(format('(t.search_da @@ ($5)[%1$s] OR t.search_en @@ ($5)[%1$s])', s.place), ' AND ')
    INTO exact, either_exact, either_broad, broad, holds_all
    FROM booking.search_terms(p_words) s;
    IF broad IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY EXECUTE format('
        WITH page AS (
            SELECT t.id, r.rank, t.translations -> $1 ->> ''name'' AS name,
                t.translations -> $1 ->> ''description'' AS description
            FROM booking.treatments t, LATERAL (SELECT booking.search_rank(
                CASE $1 WHEN ''da'' THEN t.search_da ELSE t.search_en END,
                CASE $1 WHEN ''da'' THEN t.search_en ELSE t.search_da END, $2, $3, $4)) AS r (rank)
            WHERE %s AND (t.active OR $6) AND ($7 IS NULL OR t.category = $7)
                AND ($8 IS NULL OR r.rank < $8 OR r.rank = $8 AND t.id > $9)
            ORDER BY r.rank DESC, t.id LIMIT $10
        ), marks AS (
            SELECT booking.words_to_highlight(string_agg(name || '' '' || description, '' ''), $4) AS words FROM page
        )
        SELECT page.id, page.rank, booking.highlight_words(page.name, marks.words, ''HighlightAll=true''),
            booking.highlight_words(page.description, marks.words, ''MaxFragments=2, MaxWords=24, MinWords=8'')
        FROM page, marks ORDER BY page.rank DESC, page.id', holds_all)
    USING p_language, exact, either_exact, either_broad, broad, p_inactive, p_category, p_after_rank, p_after_id,
        p_limit;
END
$$;
