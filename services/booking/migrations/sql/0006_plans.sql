-- A function in SQL that does not become part of the query that calls it is planned again at every call; in PL/pgSQL its plan
-- is kept.

CREATE OR REPLACE FUNCTION booking.uuids(p_list jsonb) RETURNS uuid[] LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN (
        SELECT coalesce(array_agg(one::uuid ORDER BY place), '{}')
        FROM jsonb_array_elements_text(p_list) WITH ORDINALITY AS listed (one, place)
    );
END
$$;

CREATE OR REPLACE FUNCTION booking.distinct_in_order(p_ids uuid[]) RETURNS uuid[] LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN (
        SELECT array_agg(id ORDER BY place) FROM (
            SELECT id, min(place) AS place FROM unnest(p_ids) WITH ORDINALITY AS listed (id, place) GROUP BY id) each
    );
END
$$;

-- Grids divide the hour and Danish offsets are whole hours, so a grid laid in UTC is one on the wall clock.
CREATE OR REPLACE FUNCTION booking.grid(p_treatments uuid[]) RETURNS interval LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT booking.minutes(max(t.grid_minutes)) FROM booking.treatments t WHERE t.id = ANY (p_treatments));
END
$$;

CREATE OR REPLACE FUNCTION booking.own_times(p_customer uuid) RETURNS tstzmultirange LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT coalesce(range_agg(i.during), '{}') FROM booking.booking_items i
        WHERE i.customer_id = p_customer AND i.active
    );
END
$$;

-- Lapsed holds keep nobody from a time: whoever takes it removes them, however late the job is that would have.
CREATE OR REPLACE FUNCTION booking.clear_lapsed(p_locticians uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM booking.occupancy o WHERE o.loctician_id = ANY (p_locticians) AND o.lapses_at <= booking.clock();
END
$$;

-- The caller is found first: under Row Level Security an index is not searched by an expression that could tell of other
-- rows, for which COALESCE, as in claims(), is taken. It was read whole: every key of a day, for each booking.
CREATE OR REPLACE FUNCTION booking.keep_answer(p_request jsonb, p_answer jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    asker uuid := booking.claim_sub();
    used text := p_request ->> 'key';
BEGIN
    UPDATE booking.idempotency_keys k SET answer = p_answer WHERE k.caller = asker AND k.key = used;
    RETURN p_answer;
END
$$;
