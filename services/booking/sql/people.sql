-- Names and search of the people of bookings: customers, and walk-ins, whose customer_id only their booking has. LIKE
-- uses no index of a table whose policies read the caller's claims, so what people are found by is in a table of its
-- own, which only these functions reach.

-- The owner's functions read every row; the service's role has no privilege on the table.
DROP POLICY IF EXISTS customer_search_functions ON booking.customer_search;
CREATE POLICY customer_search_functions ON booking.customer_search USING (true);

-- Locticians see the customers whose bookings they perform.
DROP POLICY IF EXISTS shown_with_bookings ON booking.customers;
CREATE POLICY shown_with_bookings ON booking.customers FOR SELECT
USING ((SELECT booking.claim_role()) = 'loctician' AND EXISTS (
    SELECT FROM booking.bookings b
    WHERE b.customer_id = customers.id AND (SELECT booking.claim_sub()) = ANY (b.loctician_ids)));

-- The customer of a booking as the caller may see it: {"id", "name", "phone", "email", "no_show_count"}; NULL for an
-- account that the caller does not see. The no-shows of the customer with any loctician are counted, so that is done as
-- the service. Raises nothing, takes no lock.
CREATE OR REPLACE FUNCTION booking.customer_of(b booking.bookings) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    caller_claims jsonb := booking.claims();
    customer jsonb;
    missed bigint;
BEGIN
    IF b.walk_in THEN
        RETURN jsonb_build_object('id', NULL, 'name', b.walk_in_name, 'phone', b.walk_in_phone, 'email', NULL,
            'no_show_count', (b.status = 'no_show')::integer);
    END IF;
    SELECT jsonb_build_object('id', c.id, 'name', c.name, 'phone', c.phone, 'email', c.email) INTO customer
    FROM booking.customers c WHERE c.id = b.customer_id;
    IF customer IS NOT NULL THEN
        PERFORM booking.act_as_service();
        SELECT count(*) INTO missed FROM booking.bookings o WHERE o.customer_id = b.customer_id AND o.status = 'no_show';
        PERFORM booking.act_as(caller_claims);
    END IF;
    RETURN customer || jsonb_build_object('no_show_count', missed);
END
$$;

-- The form in which texts are compared: without case, accents and compatibility forms. Raises nothing, takes no lock.
CREATE OR REPLACE FUNCTION booking.search_form(p_text text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT public.unaccent('public.unaccent'::regdictionary, regexp_replace(
        lower(normalize(p_text, NFKD) COLLATE pg_catalog."und-x-icu"), U&'[\0300-\036F]', '', 'g'))
$$;
REVOKE ALL ON FUNCTION booking.search_form FROM PUBLIC;

-- The same where aa is written for å and oe for ø (ae for æ is the form above). Raises nothing, takes no lock.
CREATE OR REPLACE FUNCTION booking.search_form_danish(p_text text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT replace(replace(booking.search_form(p_text), 'aa', 'a'), 'oe', 'o')
$$;
REVOKE ALL ON FUNCTION booking.search_form_danish FROM PUBLIC;

-- What a text is found by, in both forms; an empty text for NULL. Raises nothing, takes no lock.
CREATE OR REPLACE FUNCTION booking.search_words(p_text text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT concat_ws(E'\n', booking.search_form(typed),
        nullif(booking.search_form_danish(typed), booking.search_form(typed)))
    FROM coalesce(p_text, '') AS typed
$$;
REVOKE ALL ON FUNCTION booking.search_words FROM PUBLIC;

-- The pattern of LIKE for texts that contain this one, whose own wildcards are literal. Raises nothing, takes no lock.
CREATE OR REPLACE FUNCTION booking.containing(p_text text) RETURNS text
LANGUAGE sql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT '%' || regexp_replace(p_text, '([\\%_])', '\\\1', 'g') || '%'
$$;
REVOKE ALL ON FUNCTION booking.containing FROM PUBLIC;

-- Trigger: keeps what a customer is found by. Raises nothing, locks the customer's row of customer_search.
CREATE OR REPLACE FUNCTION booking.learn_customer() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM booking.customer_search s WHERE s.customer_id = OLD.id;
        RETURN NULL;
    END IF;
    INSERT INTO booking.customer_search AS s (customer_id, words, address)
    VALUES (NEW.id, booking.search_words(concat_ws(E'\n', NEW.name, NEW.phone)), booking.search_words(NEW.email))
    ON CONFLICT (customer_id) DO UPDATE SET words = excluded.words, address = excluded.address
    WHERE s.words <> excluded.words OR s.address <> excluded.address;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION booking.learn_customer FROM PUBLIC;

CREATE OR REPLACE TRIGGER learn_customer AFTER INSERT OR DELETE OR UPDATE OF name, phone, email ON booking.customers
FOR EACH ROW EXECUTE FUNCTION booking.learn_customer();

-- Trigger: keeps what a walk-in is found by; nothing once name and phone are gone. Raises nothing, locks the walk-in's
-- row of customer_search.
CREATE OR REPLACE FUNCTION booking.learn_walk_in() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM booking.customer_search s WHERE OLD.walk_in AND s.customer_id = OLD.customer_id;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO booking.customer_search (customer_id, words, address)
        SELECT NEW.customer_id, booking.search_words(concat_ws(E'\n', NEW.walk_in_name, NEW.walk_in_phone)), ''
        WHERE NEW.walk_in AND num_nonnulls(NEW.walk_in_name, NEW.walk_in_phone) > 0;
    END IF;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION booking.learn_walk_in FROM PUBLIC;

CREATE OR REPLACE TRIGGER learn_walk_in
AFTER INSERT OR DELETE OR UPDATE OF customer_id, walk_in_name, walk_in_phone ON booking.bookings
FOR EACH ROW EXECUTE FUNCTION booking.learn_walk_in();

-- Adds walk-ins of before the trigger was there. The policies of bookings bind the owner too, so it acts as the service.
-- Raises nothing, locks the new rows.
CREATE OR REPLACE FUNCTION booking.learn_walk_ins() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    caller_claims jsonb := booking.claims();
BEGIN
    PERFORM booking.act_as_service();
    INSERT INTO booking.customer_search (customer_id, words, address)
    SELECT b.customer_id, booking.search_words(concat_ws(E'\n', b.walk_in_name, b.walk_in_phone)), ''
    FROM booking.bookings b
    WHERE b.walk_in AND num_nonnulls(b.walk_in_name, b.walk_in_phone) > 0 ON CONFLICT (customer_id) DO NOTHING;
    PERFORM booking.act_as(caller_claims);
END $$;
REVOKE ALL ON FUNCTION booking.learn_walk_ins FROM PUBLIC;

SELECT booking.learn_walk_ins();

-- The ids of people who are found by every one of the terms. Staff, admins and the service search names, phone numbers
-- and mail addresses; locticians names and phone numbers, since they are not shown addresses; others find nobody. The
-- condition is put together here, so that the indexes are used. Raises nothing, takes no lock.
CREATE OR REPLACE FUNCTION booking.search_customers(p_terms text[]) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE ROWS 20 SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    role text := booking.claim_role();
    forms text := CASE WHEN role = 'loctician' THEN '(s.words LIKE %1$L OR s.words LIKE %2$L)'
        ELSE '(s.words LIKE %1$L OR s.words LIKE %2$L OR s.address LIKE %1$L OR s.address LIKE %2$L)' END;
    contains_all text;
BEGIN
    IF role NOT IN ('loctician', 'staff', 'admin', 'service') THEN RETURN; END IF;
    SELECT string_agg(format(forms, booking.containing(booking.search_form(term)),
        booking.containing(booking.search_form_danish(term))), ' AND ') INTO contains_all
    FROM unnest(p_terms) AS terms (term);
    RETURN QUERY EXECUTE 'SELECT s.customer_id FROM booking.customer_search s WHERE ' || coalesce(contains_all, 'false');
END $$;
REVOKE ALL ON FUNCTION booking.search_customers FROM PUBLIC;
GRANT EXECUTE ON FUNCTION booking.search_customers TO loctician_booking;
