-- Requests: what somebody who is not signed in asks for. The time is kept until the address is proven, or half an hour
-- has passed. The hold of a request belongs to the request: its customer is the request's id.

-- Adds a request, and publishes it: POST /bookings/requests and POST /waitlist/requests.
-- Request: request_id, kind, service_ids, loctician_id, start or hold_id, notes; of a wish first_day, last_day, earliest,
-- latest; network, email: see check_visitor; sealed: who asks, for auth; key, request_hash.
-- Returns {"id", "expires_at"}. Raises LB001 of claim_idempotency_key, check_visitor, take_sitting and
-- broken_waitlist_rule; hold_lapsed when the browser has no such hold.
-- Locks: the idempotency key, lock_visitor, lock_holders, lock_people, rows.
CREATE OR REPLACE FUNCTION booking.add_request(p_claims jsonb, p_request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    r booking.requests;
    h booking.holds;
    answer jsonb;
BEGIN
    PERFORM booking.act_as(p_claims);
    answer := booking.claim_idempotency_key(p_request);
    IF answer IS NOT NULL THEN
        RETURN answer;
    END IF;
    r.id := (p_request ->> 'request_id')::uuid;
    r.kind := p_request ->> 'kind';
    r.status := 'waiting';
    IF r.kind = 'waitlist' THEN
        r := booking.request_of_wish(p_request, r);
    ELSE
        h := CASE WHEN p_request ->> 'hold_id' IS NULL
            THEN booking.hold_for_request(p_request, r.id) ELSE booking.hand_over_hold(p_request, r.id) END;
        r.hold_id := h.id;
        r.treatment_ids := h.treatment_ids;
        r.loctician_id := h.performer_ids[1];
        r.starts_at := h.starts_at;
        r.notes := p_request ->> 'notes';
    END IF;
    PERFORM booking.count_visitor(p_request, r.id);
    PERFORM booking.act_as((p_claims || '{"role": "service"}') - 'actor_id' - 'actor_role'); -- nobody in particular
    r.created_at := booking.clock();
    r.expires_at := coalesce(h.expires_at, booking.clock() + booking.request_time());
    INSERT INTO booking.requests SELECT r.*;
    PERFORM booking.emit(booking.new_id(), 'booking.requested.v1', r.id::text, 1, jsonb_build_object(
        'version', 1, 'request_id', r.id, 'kind', r.kind, 'expires_at', booking.utc(r.expires_at),
        'service_ids', r.treatment_ids, 'loctician_id', r.loctician_id, 'start', booking.utc(r.starts_at),
        'end', booking.utc(h.ends_at), 'price_amount', h.price_amount, 'sealed', p_request ->> 'sealed'));
    PERFORM booking.act_as(p_claims);
    RETURN booking.store_answer(p_request, jsonb_build_object('id', r.id, 'expires_at', booking.utc(r.expires_at)));
END
$$;

-- For how long a request waits for the proof of its address.
CREATE OR REPLACE FUNCTION booking.request_time() RETURNS interval LANGUAGE sql IMMUTABLE RETURN interval '30 minutes';

-- Takes the time that somebody asks for, and holds it for the request, not beyond its start. The browser's earlier hold
-- ends. Raises and locks as take_time.
CREATE OR REPLACE FUNCTION booking.hold_for_request(p_request jsonb, p_id uuid) RETURNS booking.holds
LANGUAGE plpgsql AS $$
DECLARE
    h booking.holds := booking.take_time(p_request, booking.claim_sub(), booking.request_time());
    caller_claims jsonb := booking.claims();
BEGIN
    PERFORM booking.act_as_service();
    h.customer_id := p_id;
    h.expires_at := least(h.expires_at, h.starts_at);
    h := booking.add_hold(h);
    PERFORM booking.act_as(caller_claims);
    RETURN h;
END
$$;

-- Gives the browser's hold to the request, on its terms, and counts it no more.
-- Raises LB001 hold_lapsed, and as check_visitor. Locks: lock_visitor and those of lock_hold.
CREATE OR REPLACE FUNCTION booking.hand_over_hold(p_request jsonb, p_id uuid) RETURNS booking.holds
LANGUAGE plpgsql AS $$
DECLARE
    h booking.holds;
    caller_claims jsonb := booking.claims();
BEGIN
    PERFORM booking.lock_visitor(p_request);
    h := booking.lock_hold((p_request ->> 'hold_id')::uuid);
    IF h.id IS NULL OR h.waitlist_id IS NOT NULL OR h.expires_at <= booking.clock() THEN
        PERFORM booking.refuse('hold_lapsed');
    END IF;
    DELETE FROM booking.visitor_calls c WHERE c.id = h.id;
    PERFORM booking.check_visitor(p_request);
    UPDATE booking.holds o
    SET customer_id = p_id, expires_at = least(booking.clock() + booking.request_time(), h.starts_at)
    WHERE o.id = h.id RETURNING * INTO h;
    UPDATE booking.occupancy o SET lapses_at = h.expires_at WHERE o.item_id = h.id;
    PERFORM booking.act_as(caller_claims);
    RETURN h;
END
$$;

-- The request for a place on the waitlist. Raises LB001 of broken_waitlist_rule and check_visitor. Locks: lock_visitor.
CREATE OR REPLACE FUNCTION booking.request_of_wish(p_request jsonb, r booking.requests) RETURNS booking.requests
LANGUAGE plpgsql AS $$
DECLARE
    reason text;
BEGIN
    PERFORM booking.lock_visitor(p_request);
    PERFORM booking.check_visitor(p_request);
    r.treatment_ids := booking.uuids(p_request -> 'service_ids');
    r.loctician_id := (p_request ->> 'loctician_id')::uuid;
    r.wish := (SELECT jsonb_object_agg(key, p_request -> key)
        FROM unnest(ARRAY['first_day', 'last_day', 'earliest', 'latest']) key);
    reason := booking.broken_waitlist_rule(r.treatment_ids, r.loctician_id, (p_request ->> 'last_day')::date);
    IF reason IS NOT NULL THEN
        PERFORM booking.refuse(reason);
    END IF;
    RETURN r;
END
$$;

-- A request as its asker reads it, who proved to know its secret. Reasons that tell of the customer are `not_possible`:
-- whoever asks may not be who has the address. Request: id. Raises LB001 not_found.
CREATE OR REPLACE FUNCTION booking.find_request(p_claims jsonb, p_request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    r booking.requests;
BEGIN
    PERFORM booking.act_as(p_claims);
    PERFORM booking.act_as_service();
    SELECT * INTO r FROM booking.requests o WHERE o.id = (p_request ->> 'id')::uuid;
    IF NOT FOUND THEN
        PERFORM booking.refuse('not_found');
    END IF;
    RETURN jsonb_build_object('id', r.id, 'kind', r.kind, 'expires_at', booking.utc(r.expires_at),
        'status', CASE WHEN r.status = 'waiting' AND r.expires_at <= booking.clock() THEN 'lapsed' ELSE r.status END,
        'booking_id', CASE WHEN r.status = 'booked' THEN r.result_id END,
        'waitlist_id', CASE WHEN r.status = 'joined' THEN r.result_id END,
        'reason', CASE
            WHEN r.reason IN ('customer_overlap', 'too_many_open', 'too_many_wishes', 'account_closed')
            THEN 'not_possible' ELSE r.reason END);
END
$$;

-- Turns a request into the booking or the wish of the user who has proven the address, by the rules for customers; when
-- that is not possible any more, the time becomes free, and the request is refused. Does nothing for a request that is
-- unknown or was answered before. A wish joins also after its request has lapsed: it kept no time.
-- The transaction acts as the service. Locks: lock_customers (the request, the user, and those of use_hold), lock_people
-- (the user and the locticians), rows.
CREATE OR REPLACE FUNCTION booking.accept_request(p_id uuid, p_user uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    service_claims jsonb := booking.claims();
    r booking.requests;
    h booking.holds;
BEGIN
    PERFORM booking.lock_customers(ARRAY[p_id, p_user]);
    SELECT * INTO r FROM booking.requests o WHERE o.id = p_id AND o.status IN ('waiting', 'lapsed');
    IF NOT FOUND THEN
        RETURN;
    END IF;
    BEGIN
        PERFORM booking.act_as(service_claims || jsonb_build_object('role', 'customer', 'sub', p_user,
            'actor_id', p_user, 'actor_role', 'customer', 'browser', p_id));
        r.result_id := booking.perform_request(r, p_user);
        r.status := CASE r.kind WHEN 'waitlist' THEN 'joined' ELSE 'booked' END;
    EXCEPTION
        WHEN SQLSTATE 'LB001' THEN
            r.reason := SQLERRM;
        WHEN exclusion_violation THEN
            GET STACKED DIAGNOSTICS r.reason = CONSTRAINT_NAME;
    END;
    PERFORM booking.act_as(service_claims);
    IF r.reason IS NOT NULL THEN
        r.status := 'refused';
        SELECT * INTO h FROM booking.holds o WHERE o.id = r.hold_id;
        PERFORM booking.lock_people(h.performer_ids);
        PERFORM booking.delete_own_holds(p_id, true);
    END IF;
    UPDATE booking.requests o SET status = r.status, reason = r.reason, result_id = r.result_id, user_id = p_user,
        notes = NULL, answered_at = booking.clock() WHERE o.id = p_id;
    IF r.reason <> 'account_closed' THEN
        PERFORM booking.emit(booking.new_id(), 'booking.request_refused.v1', p_id::text, 2, jsonb_build_object(
            'version', 2, 'request_id', p_id, 'customer_id', p_user, 'kind', r.kind, 'reason', r.reason,
            'service_ids', r.treatment_ids, 'loctician_id', r.loctician_id, 'start', booking.utc(r.starts_at)));
    END IF;
END
$$;

-- Books, or joins the waitlist, as the user, and returns the id of the booking or the wish. Acts as the user.
-- Raises LB001 account_closed, and as book_sitting or add_wish.
CREATE OR REPLACE FUNCTION booking.perform_request(r booking.requests, p_user uuid) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    b booking.bookings;
    request jsonb := jsonb_build_object('customer_id', p_user, 'service_ids', r.treatment_ids);
    id uuid := booking.new_id();
BEGIN
    IF NOT EXISTS (SELECT FROM booking.customers c WHERE c.id = p_user AND c.active) THEN
        PERFORM booking.refuse('account_closed');
    ELSIF r.kind = 'waitlist' THEN
        RETURN (booking.add_wish(request || r.wish || jsonb_build_object('loctician_id', r.loctician_id))).id;
    END IF;
    b := booking.book_sitting(request || jsonb_build_object('hold_id', r.hold_id, 'start', r.starts_at,
        'notes', r.notes, 'booking_id', id), id, r.starts_at);
    RETURN b.id;
END
$$;

-- Ends the requests whose address was not proven in time; their holds end by themselves. Returns how many.
CREATE OR REPLACE FUNCTION booking.lapse_requests() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    lapsed bigint;
BEGIN
    UPDATE booking.requests r SET status = 'lapsed', notes = NULL, answered_at = r.expires_at
    WHERE r.status = 'waiting' AND r.expires_at <= booking.clock();
    GET DIAGNOSTICS lapsed = ROW_COUNT;
    RETURN lapsed;
END
$$;

-- Only functions read and write requests, as the service.
DROP POLICY IF EXISTS service_only ON booking.requests;
CREATE POLICY service_only ON booking.requests USING ((SELECT booking.claim_role()) = 'service');
