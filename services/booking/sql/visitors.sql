-- People who are not signed in: how many times they may hold and ask for. Addresses are counted by a keyed digest, of
-- the network and of the mail address; neither is stored.

-- How many holds and waiting requests may be open at a time, and how many made within a day, by what they are counted.
CREATE OR REPLACE FUNCTION booking.visitor_limit(p_counted text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE p_counted
        WHEN 'open_of_network' THEN 6 WHEN 'daily_of_network' THEN 60
        WHEN 'open_of_email' THEN 3 WHEN 'daily_of_email' THEN 10 END
$$;

-- The digest that a request names, or NULL. Request: network, email: in hexadecimal digits.
CREATE OR REPLACE FUNCTION booking.visitor_digest(p_request jsonb, p_name text) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT decode(p_request ->> p_name, 'hex')
$$;

-- Has calls of one network, and those for one mail address, wait for each other, so that they are counted right. Without
-- network in the request the caller is signed in, and nothing is locked. Call it before lock_customers.
-- Locks: an advisory lock each, key hashtextextended(digest, 2), in the order of the keys.
CREATE OR REPLACE FUNCTION booking.lock_visitor(p_request jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    key bigint;
BEGIN
    IF p_request ->> 'network' IS NOT NULL THEN
        FOR key IN
            SELECT hashtextextended(name, 2) AS k
            FROM unnest(ARRAY[p_request ->> 'network', p_request ->> 'email']) name WHERE name IS NOT NULL ORDER BY k
        LOOP
            PERFORM pg_advisory_xact_lock(key);
        END LOOP;
    END IF;
END
$$;

-- How many of the calls are open: a hold or a request that waits, until it lapses. The caller acts as the service.
CREATE OR REPLACE FUNCTION booking.open_calls(p_ids uuid[]) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT count(*) FROM booking.holds h WHERE h.id = ANY (p_ids) AND h.expires_at > booking.clock())
        + (SELECT count(*) FROM booking.requests r
            WHERE r.id = ANY (p_ids) AND r.status = 'waiting' AND r.expires_at > booking.clock());
END
$$;

-- Raises LB001 too_many_requests when these calls of the last day are as many as there may be, or as many of them open.
-- Arguments: p_counted: network or email; p_first: when the first was made. The caller acts as the service.
CREATE OR REPLACE FUNCTION booking.check_calls(p_counted text, p_ids uuid[], p_first timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF booking.open_calls(p_ids) >= booking.visitor_limit('open_of_' || p_counted) THEN
        PERFORM booking.refuse('too_many_requests', '{"seconds": 900}');
    ELSIF cardinality(p_ids) >= booking.visitor_limit('daily_of_' || p_counted) THEN
        PERFORM booking.refuse('too_many_requests', jsonb_build_object('seconds',
            1 + floor(extract(epoch FROM p_first + interval '1 day' - booking.clock()))::integer));
    END IF;
END
$$;

-- Raises LB001 too_many_requests (seconds: until it is worth another try) when so much was held and asked for from this
-- network, or for this mail address, that there may be no more. Request: network, email; without network the caller is
-- signed in. The caller holds lock_visitor.
CREATE OR REPLACE FUNCTION booking.check_visitor(p_request jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    caller_claims jsonb := booking.claims();
    network_digest bytea := booking.visitor_digest(p_request, 'network');
    email_digest bytea := booking.visitor_digest(p_request, 'email');
    since timestamptz := booking.clock() - interval '1 day';
BEGIN
    IF network_digest IS NULL THEN
        RETURN;
    END IF;
    PERFORM booking.act_as_service();
    PERFORM booking.check_calls('network', array_agg(c.id), min(c.made_at)) FROM booking.visitor_calls c
    WHERE c.network = network_digest AND c.made_at > since;
    PERFORM booking.check_calls('email', array_agg(c.id), min(c.made_at)) FROM booking.visitor_calls c
    WHERE c.email = email_digest AND c.made_at > since;
    PERFORM booking.act_as(caller_claims);
END
$$;

-- Counts a hold or a request of somebody who is not signed in. Request: network, email; without network the caller is
-- signed in, and not counted.
CREATE OR REPLACE FUNCTION booking.count_visitor(p_request jsonb, p_id uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    caller_claims jsonb := booking.claims();
BEGIN
    IF p_request ->> 'network' IS NOT NULL THEN
        PERFORM booking.act_as_service();
        INSERT INTO booking.visitor_calls (id, network, email, made_at)
        VALUES (p_id, booking.visitor_digest(p_request, 'network'), booking.visitor_digest(p_request, 'email'),
            booking.clock());
        PERFORM booking.act_as(caller_claims);
    END IF;
END
$$;

-- Only functions read and write what is counted, as the service.
DROP POLICY IF EXISTS service_only ON booking.visitor_calls;
CREATE POLICY service_only ON booking.visitor_calls USING ((SELECT booking.claim_role()) = 'service');
