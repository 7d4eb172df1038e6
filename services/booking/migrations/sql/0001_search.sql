-- Words of the trade that mean the same. Of one line, each word finds the others.
CREATE MATERIALIZED VIEW booking.synonyms AS
SELECT meaning, word, booking.sounds(word) AS sound, booking.lexemes(word, 'da') AS stems
FROM (VALUES
    ('locs', 'locs loc loks dreads dread dreadlocks dreadlock lokker rasta rastahår'),
    ('maintenance', 'retwist opstramning vedligehold vedligeholdelse maintenance tightening reroll palmrolling'),
    ('interlocking', 'interlocking interlock latching latch nålelåsning'),
    ('crochet', 'crochet hækling hæklet hæklenål'),
    ('starter', 'starter nye begynder babylocs'),
    ('twist', 'twist twists tvist snoning'),
    ('sisterlocks', 'sisterlocks microlocs mikrolocs brotherlocks'),
    ('wash', 'vask vaske hårvask shampoo wash washing shampooing'),
    ('detox', 'detox udrensning dybderens rens cleanse'),
    ('scalp', 'hovedbund hårbund scalp'),
    ('care', 'pleje hårpleje care treatment kur'),
    ('repair', 'reparation reparere repair redning fix knækket broken'),
    ('extensions', 'extensions extension forlængelse forlængning hårforlængelse'),
    ('styling', 'styling opsætning frisure updo hairstyle'),
    ('braids', 'fletning fletninger flet braids braid braiding cornrows'),
    ('removal', 'fjernelse udredning removal detangling combout'),
    ('colour', 'farve hårfarve farvning colour color dye toning blegning bleach'),
    ('children', 'barn børn børnehår child children kids kid'),
    ('consultation', 'konsultation rådgivning samtale consultation advice'),
    ('beard', 'skæg beard')
) AS meanings (meaning, words), unnest(string_to_array(words, ' ')) AS word

-- Every word that a treatment has ever been described with; what is typed is compared with these, not with the texts.
-- Sorted, so that treatments written at the same time wait for each other and never deadlock.
CREATE FUNCTION booking.learn_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO booking.search_words (word)
    SELECT DISTINCT lexeme FROM unnest(to_tsvector('pg_catalog.simple', concat_ws(' ',
        NEW.translations #>> '{da,name}', NEW.translations #>> '{da,description}',
        NEW.translations #>> '{en,name}', NEW.translations #>> '{en,description}',
        booking.category_name(NEW.category, 'da'), booking.category_name(NEW.category, 'en')))) AS words
    WHERE lexeme !~ '\W|\d' AND length(lexeme) BETWEEN 2 AND 40
    ORDER BY lexeme ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$

CREATE TRIGGER learn_words AFTER INSERT OR UPDATE OF translations, category ON booking.treatments
FOR EACH ROW EXECUTE FUNCTION booking.learn_words()

CREATE AGGREGATE booking.either(tsquery) (SFUNC = tsquery_or, STYPE = tsquery)

CREATE AGGREGATE booking.every(tsquery) (SFUNC = tsquery_and, STYPE = tsquery)

-- One word by its stem, in either language.
CREATE FUNCTION booking.stem_query(p_word text) RETURNS tsquery LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT plainto_tsquery('pg_catalog.danish', booking.danish_words(p_word))
        || plainto_tsquery('pg_catalog.english', booking.plain(p_word))
$$

-- Words that begin so; NULL for less than three letters.
CREATE FUNCTION booking.prefix_query(p_word text) RETURNS tsquery LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT (quote_literal(letters) || ':*')::tsquery
    FROM regexp_replace(p_word, '\W', '', 'g') AS letters WHERE length(letters) >= 3
$$

-- One word as it was typed, as it sounds, or as the beginning of a longer one.
CREATE FUNCTION booking.exact_query(p_word text, p_sound text) RETURNS tsquery LANGUAGE sql STABLE AS $$
    SELECT booking.either(q) FROM (
        VALUES (booking.stem_query(p_word)), (booking.prefix_query(booking.danish(p_word))),
            (booking.prefix_query(booking.plain(p_word)))
        UNION ALL (SELECT booking.stem_query(w.word) FROM booking.search_words w WHERE w.sound = p_sound LIMIT 10)
    ) AS ways (q)
$$

-- What means the same as a word or is nearly spelt like it.
CREATE FUNCTION booking.near_query(p_word text, p_sound text) RETURNS tsquery LANGUAGE sql STABLE AS $$
    SELECT booking.either(booking.stem_query(near.word)) FROM (
        SELECT other.word FROM booking.synonyms other WHERE other.meaning IN (
            SELECT s.meaning FROM booking.synonyms s
            WHERE s.sound = p_sound OR s.stems = booking.lexemes(p_word, 'da')
                OR length(p_word) > 5 AND public.similarity(s.sound, p_sound) > 0.55)
        UNION (
            SELECT w.word FROM booking.search_words w WHERE length(p_word) > 3 AND p_sound OPERATOR(public.<%) w.sound
            ORDER BY public.similarity(p_sound, w.sound) DESC LIMIT 20)
    ) near
$$

-- Words that say something: those that are stop words in either language are left out.
CREATE FUNCTION booking.search_terms(p_words text[])
RETURNS TABLE (place bigint, exact tsquery, broad tsquery) LANGUAGE sql STABLE AS $$
    SELECT row_number() OVER (ORDER BY w.place), q.exact,
        coalesce(q.exact || booking.near_query(w.word, booking.sounds(w.word)), q.exact)
    FROM unnest(p_words) WITH ORDINALITY AS w (word, place),
        LATERAL (SELECT booking.exact_query(w.word, booking.sounds(w.word))) AS q (exact)
    WHERE booking.lexemes(w.word, 'da') <> '' AND booking.lexemes(w.word, 'en') <> ''
$$

-- In millionths: every word as it was typed, in the asker's language or else in the other, comes before what is near.
CREATE FUNCTION booking.search_rank(
    p_own tsvector, p_other tsvector, p_exact tsquery, p_either_exact tsquery, p_either_broad tsquery
) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT (1e6 * CASE
        WHEN p_own @@ p_exact THEN 3 + ts_rank(p_own, p_either_exact, 1)
        WHEN p_other @@ p_exact THEN 2 + ts_rank(p_other, p_either_exact, 1)
        WHEN p_own @@ p_either_broad THEN 1 + ts_rank(p_own, p_either_broad, 1)
        ELSE ts_rank(p_other, p_either_broad, 1)
    END)::integer
$$

-- Which words of a text answer the search.
CREATE FUNCTION booking.words_to_mark(p_text text, p_either tsquery) RETURNS tsquery LANGUAGE sql STABLE AS $$
    SELECT booking.either(quote_literal(lexeme)::tsquery)
    FROM unnest(to_tsvector('pg_catalog.simple', p_text))
    WHERE lexeme !~ '\W'
        AND (booking.lexemes(lexeme, 'da') @@ p_either OR booking.lexemes(lexeme, 'en') @@ p_either)
$$

CREATE FUNCTION booking.mark(p_text text, p_words tsquery, p_options text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        ts_headline('pg_catalog.simple', clean, p_words, U&'StartSel=\E000, StopSel=\E001, ' || p_options), clean)
    FROM translate(p_text, U&'\E000\E001', '') AS clean
$$

-- A page of the treatments that hold every word, the best first. Marks stand between U+E000 and U+E001; whoever shows
-- them as HTML escapes the text first. The condition is put together here so that the indexes are used.
CREATE FUNCTION booking.search_treatments(
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
    SELECT booking.every(s.exact), booking.either(s.exact), booking.either(s.broad),
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
            SELECT booking.words_to_mark(string_agg(name || '' '' || description, '' ''), $4) AS words FROM page
        )
        SELECT page.id, page.rank, booking.mark(page.name, marks.words, ''HighlightAll=true''),
            booking.mark(page.description, marks.words, ''MaxFragments=2, MaxWords=24, MinWords=8'')
        FROM page, marks ORDER BY page.rank DESC, page.id', holds_all)
    USING p_language, exact, either_exact, either_broad, broad, p_inactive, p_category, p_after_rank, p_after_id,
        p_limit;
END
$$
