-- Small functions that the others use: time, ids, lists, refusals.

-- The current time for every rule. Tests set another time by replacing this function, which only the owner may do.
CREATE OR REPLACE FUNCTION booking.clock() RETURNS timestamptz LANGUAGE sql STABLE RETURN now();

-- An interval of so many minutes.
CREATE OR REPLACE FUNCTION booking.minutes(p_minutes integer) RETURNS interval LANGUAGE sql IMMUTABLE
RETURN p_minutes * interval '1 minute';

-- The calendar day of an instant in Copenhagen.
CREATE OR REPLACE FUNCTION booking.local_day(p_instant timestamptz) RETURNS date LANGUAGE sql STABLE
RETURN (p_instant AT TIME ZONE 'Europe/Copenhagen')::date;

-- An instant as text for JSON: UTC, with microseconds and a Z (RFC 3339).
CREATE OR REPLACE FUNCTION booking.utc(p_instant timestamptz) RETURNS text LANGUAGE sql STABLE
RETURN to_char(p_instant AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');

-- A JSON list of UUIDs as an array, in the same order. In PL/pgSQL, so that its plan is kept.
CREATE OR REPLACE FUNCTION booking.uuids(p_list jsonb) RETURNS uuid[] LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN (
        SELECT coalesce(array_agg(id::uuid ORDER BY place), '{}')
        FROM jsonb_array_elements_text(p_list) WITH ORDINALITY AS list (id, place)
    );
END
$$;

-- The distinct ids of a list, in the order in which each first appears. In PL/pgSQL, so that its plan is kept.
CREATE OR REPLACE FUNCTION booking.distinct_in_order(p_ids uuid[]) RETURNS uuid[] LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN (
        SELECT array_agg(id ORDER BY place) FROM (
            SELECT id, min(place) AS place FROM unnest(p_ids) WITH ORDINALITY AS list (id, place) GROUP BY id) firsts
    );
END
$$;

-- A new id that sorts by time (UUIDv7, RFC 9562).
CREATE OR REPLACE FUNCTION booking.new_id() RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT encode(set_bit(set_bit(overlay(
        uuid_send(gen_random_uuid())
        PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6
    ), 52, 1), 53, 1), 'hex')::uuid
$$;

-- Refuses the request: raises SQLSTATE LB001 with the refusal's code as the message and values for its text as the
-- detail. The application turns the code into one of its errors (services/booking/errors).
CREATE OR REPLACE FUNCTION booking.refuse(p_code text, p_values jsonb DEFAULT '{}') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'LB001', MESSAGE = p_code, DETAIL = p_values::text;
END
$$;
