-- Search of users by name, e-mail address and phone number. Operators such as LIKE use no index of a table whose
-- policies read the caller's claims, so what is searched is in a table of its own, which only these functions reach.

-- The owner's functions read every row; the runtime role has no privilege on the table.
DROP POLICY IF EXISTS user_search_functions ON auth.user_search;
CREATE POLICY user_search_functions ON auth.user_search USING (true);

-- The form in which texts are compared: without case, accents and compatibility forms. Raises nothing, takes no lock.
CREATE OR REPLACE FUNCTION auth.search_form(p_text text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT public.unaccent('public.unaccent'::regdictionary, regexp_replace(
        lower(normalize(p_text, NFKD) COLLATE pg_catalog."und-x-icu"), U&'[\0300-\036F]', '', 'g'))
$$;
REVOKE ALL ON FUNCTION auth.search_form FROM PUBLIC;

-- The same where aa is written for å and oe for ø (ae for æ is the form above). Raises nothing, takes no lock.
CREATE OR REPLACE FUNCTION auth.search_form_danish(p_text text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT replace(replace(auth.search_form(p_text), 'aa', 'a'), 'oe', 'o')
$$;
REVOKE ALL ON FUNCTION auth.search_form_danish FROM PUBLIC;

-- What a user is found by, in both forms. Raises nothing, takes no lock.
CREATE OR REPLACE FUNCTION auth.search_words(p_name text, p_email text, p_phone text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT concat_ws(E'\n', auth.search_form(typed), nullif(auth.search_form_danish(typed), auth.search_form(typed)))
    FROM concat_ws(E'\n', p_name, p_email, p_phone) AS typed
$$;
REVOKE ALL ON FUNCTION auth.search_words FROM PUBLIC;

-- The pattern of LIKE for texts that contain this one, whose own wildcards are literal. Raises nothing, takes no lock.
CREATE OR REPLACE FUNCTION auth.containing(p_text text) RETURNS text
LANGUAGE sql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT '%' || regexp_replace(p_text, '([\\%_])', '\\\1', 'g') || '%'
$$;
REVOKE ALL ON FUNCTION auth.containing FROM PUBLIC;

-- Trigger: keeps what a user is found by; nothing of an erased user. Raises nothing, locks the user's row of
-- user_search.
CREATE OR REPLACE FUNCTION auth.learn_user() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.email = NEW.id || '@erased.invalid' THEN
        DELETE FROM auth.user_search s WHERE s.user_id = NEW.id;
        RETURN NULL;
    END IF;
    INSERT INTO auth.user_search AS s (user_id, created_at, words)
    VALUES (NEW.id, NEW.created_at, auth.search_words(NEW.full_name, NEW.email, NEW.phone))
    ON CONFLICT (user_id) DO UPDATE SET words = excluded.words WHERE s.words <> excluded.words;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION auth.learn_user FROM PUBLIC;

CREATE OR REPLACE TRIGGER learn_user AFTER INSERT OR UPDATE OF full_name, email, phone ON auth.users
    FOR EACH ROW EXECUTE FUNCTION auth.learn_user();

-- Users of before the trigger was there.
INSERT INTO auth.user_search (user_id, created_at, words)
SELECT u.id, u.created_at, auth.search_words(u.full_name, u.email, u.phone) FROM auth.users u
WHERE u.email <> u.id || '@erased.invalid'
    AND NOT EXISTS (SELECT FROM auth.user_search s WHERE s.user_id = u.id) ON CONFLICT (user_id) DO NOTHING;

-- The ids of users who are found by every one of the terms, the oldest first. p_after_at, p_after_id: of the last user
-- read, or NULL. For staff, admins and the service; others find nobody. The condition is put together here, so that the
-- index is used. Raises nothing, takes no lock.
CREATE OR REPLACE FUNCTION auth.search_users(p_terms text[], p_after_at timestamptz, p_after_id uuid, p_limit integer)
RETURNS TABLE (user_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE contains_all text;
BEGIN
    IF auth.claim_role() NOT IN ('staff', 'admin', 'service') THEN RETURN; END IF;
    SELECT string_agg(format('(s.words LIKE %L OR s.words LIKE %L)', auth.containing(auth.search_form(term)),
        auth.containing(auth.search_form_danish(term))), ' AND ') INTO contains_all
    FROM unnest(p_terms) AS terms (term);
    RETURN QUERY EXECUTE format('
        SELECT s.user_id FROM auth.user_search s
        WHERE %s AND ($1 IS NULL OR (s.created_at, s.user_id) > ($1, $2))
        ORDER BY s.created_at, s.user_id LIMIT $3', coalesce(contains_all, 'true'))
    USING p_after_at, p_after_id, p_limit;
END $$;
REVOKE ALL ON FUNCTION auth.search_users FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.search_users TO loctician_auth;
