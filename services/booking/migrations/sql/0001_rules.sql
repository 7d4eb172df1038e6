-- The one clock of every rule. Tests that need another time replace this function, which only the owner can.
CREATE FUNCTION booking.clock() RETURNS timestamptz LANGUAGE sql STABLE RETURN now()

CREATE FUNCTION booking.minutes(p_minutes integer) RETURNS interval LANGUAGE sql IMMUTABLE
RETURN p_minutes * interval '1 minute'

CREATE FUNCTION booking.local_day(p_instant timestamptz) RETURNS date LANGUAGE sql STABLE
RETURN (p_instant AT TIME ZONE 'Europe/Copenhagen')::date

CREATE FUNCTION booking.uuids(p_list jsonb) RETURNS uuid[] LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(array_agg(one::uuid ORDER BY place), '{}')
    FROM jsonb_array_elements_text(p_list) WITH ORDINALITY AS listed (one, place)
$$

-- A time-ordered id (UUIDv7, RFC 9562).
CREATE FUNCTION booking.new_id() RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT encode(set_bit(set_bit(overlay(
        uuid_send(gen_random_uuid())
        PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6
    ), 52, 1), 53, 1), 'hex')::uuid
$$

-- What the salon has chosen, or what holds until it does.
CREATE FUNCTION booking.rules() RETURNS booking.salon LANGUAGE plpgsql STABLE AS $$
DECLARE
    chosen booking.salon;
BEGIN
    SELECT * INTO chosen FROM booking.salon;
    IF NOT FOUND THEN
        chosen := ROW (true, 60, 180, 24, false, 10, 30, 0);
    END IF;
    RETURN chosen;
END
$$

CREATE FUNCTION booking.act_as(p_claims jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('request.jwt.claims', p_claims::text, true);
END
$$

-- The rest of the transaction as the service, after the caller's own claims have shown that the caller may.
-- Who acted stays in the claims, for events and history.
CREATE FUNCTION booking.act_as_service() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('request.jwt.claims', (booking.claims() || '{"role": "service"}')::text, true);
END
$$

CREATE FUNCTION booking.is_salon() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT booking.claim_role() IN ('loctician', 'staff', 'admin')
$$

CREATE FUNCTION booking.refuse(p_code text, p_values jsonb DEFAULT '{}') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'LB001', MESSAGE = p_code, DETAIL = p_values::text;
END
$$

-- Sorted and all at once, before any row is locked, so that whoever meets at several people waits and never deadlocks.
CREATE FUNCTION booking.lock_people(p_people uuid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    one bigint;
BEGIN
    FOR one IN SELECT DISTINCT hashtextextended(p::text, 0) AS key FROM unnest(p_people) p ORDER BY key LOOP
        PERFORM pg_advisory_xact_lock(one);
    END LOOP;
END
$$

CREATE FUNCTION booking.utc(p_instant timestamptz) RETURNS text LANGUAGE sql STABLE
RETURN to_char(p_instant AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
