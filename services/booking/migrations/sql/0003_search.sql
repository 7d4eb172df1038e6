-- The functions of the search as they were, in PL/pgSQL, which keeps their plans, and each way to find a word named once:
-- the ways of one word are mostly the same, and each is looked up in both indexes and weighed in every text found.
CREATE OR REPLACE FUNCTION booking.exact_query(p_word text, p_sound text) RETURNS tsquery LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT booking.either(DISTINCT q) FROM (
            VALUES (plainto_tsquery('pg_catalog.danish', booking.danish_words(p_word))),
                (plainto_tsquery('pg_catalog.english', booking.plain(p_word))),
                (booking.prefix_query(booking.danish(p_word))), (booking.prefix_query(booking.plain(p_word)))
            UNION ALL (SELECT booking.stem_query(w.word) FROM booking.search_words w WHERE w.sound = p_sound LIMIT 10)
        ) AS ways (q)
    );
END
$$;

CREATE OR REPLACE FUNCTION booking.near_query(p_word text, p_sound text) RETURNS tsquery LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT booking.either(DISTINCT way.q) FROM (
            SELECT other.word FROM booking.synonyms other WHERE other.meaning IN (
                SELECT s.meaning FROM booking.synonyms s
                WHERE s.sound = p_sound OR s.stems = booking.lexemes(p_word, 'da')
                    OR length(p_word) > 5 AND public.similarity(s.sound, p_sound) > 0.55)
            UNION (
                SELECT w.word FROM booking.search_words w WHERE length(p_word) > 3 AND p_sound OPERATOR(public.<%) w.sound
                ORDER BY public.similarity(p_sound, w.sound) DESC LIMIT 20)
        ) near, LATERAL (VALUES (plainto_tsquery('pg_catalog.danish', booking.danish_words(near.word))),
            (plainto_tsquery('pg_catalog.english', booking.plain(near.word)))) way (q)
    );
END
$$;

CREATE OR REPLACE FUNCTION booking.words_to_mark(p_text text, p_either tsquery) RETURNS tsquery
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT booking.either(quote_literal(lexeme)::tsquery)
        FROM unnest(to_tsvector('pg_catalog.simple', p_text))
        WHERE lexeme !~ '\W'
            AND (booking.lexemes(lexeme, 'da') @@ p_either OR booking.lexemes(lexeme, 'en') @@ p_either)
    );
END
$$;

CREATE OR REPLACE FUNCTION booking.mark(p_text text, p_words tsquery, p_options text) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
    clean text := translate(p_text, U&'\E000\E001', '');
BEGIN
    RETURN coalesce(
        ts_headline('pg_catalog.simple', clean, p_words, U&'StartSel=\E000, StopSel=\E001, ' || p_options), clean);
END
$$;
