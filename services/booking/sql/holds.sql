-- Holds: a time kept for a few minutes while somebody fills in the form. An offer to the waitlist is a hold too. A hold
-- occupies its locticians' time until it lapses.

-- For how long a time is held, and by how much it can be prolonged.
CREATE OR REPLACE FUNCTION booking.hold_time() RETURNS interval LANGUAGE sql IMMUTABLE RETURN interval '15 minutes';

-- Deletes occupancy of lapsed holds, so that they keep nobody from the time however late the job runs that ends them.
-- The caller holds the locks of the locticians. In PL/pgSQL, so that its plan is kept.
CREATE OR REPLACE FUNCTION booking.delete_lapsed_occupancy(p_locticians uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM booking.occupancy o WHERE o.loctician_id = ANY (p_locticians) AND o.lapses_at <= booking.clock();
END
$$;

-- A hold as the application reads it; parts: who performs what and when, at which price.
CREATE OR REPLACE FUNCTION booking.hold_json(h booking.holds) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN jsonb_build_object(
        'id', h.id, 'service_ids', h.treatment_ids, 'start', booking.utc(h.starts_at), 'end', booking.utc(h.ends_at),
        'loctician_id', h.performer_ids[1], 'price_amount', h.price_amount, 'expires_at', booking.utc(h.expires_at),
        'parts', booking.parts_of_terms(coalesce(h.terms, booking.current_terms(h.treatment_ids, h.performer_ids))));
END
$$;

-- Adds a hold, with the terms of today, and what it occupies. Returns it as stored. Raises exclusion_violation
-- slot_taken when the time is taken. The caller holds the locks of its locticians.
CREATE OR REPLACE FUNCTION booking.add_hold(h booking.holds) RETURNS booking.holds LANGUAGE plpgsql AS $$
BEGIN
    h.terms := booking.current_terms(h.treatment_ids, h.performer_ids);
    INSERT INTO booking.holds SELECT h.*;
    INSERT INTO booking.occupancy (item_id, loctician_id, blocked, lapses_at)
    SELECT h.id, i.loctician_id, tstzrange(
        h.starts_at + booking.minutes(lower(part)), h.starts_at + booking.minutes(upper(part))), h.expires_at
    FROM booking.sitting_items(h.treatment_ids, h.performer_ids) i, unnest(i.blocked) part;
    RETURN h;
END
$$;

-- The times that a hold takes of each loctician, buffers included: from the first minute to the last, [{"loctician_id",
-- "times"}]. Of a lapsed hold somebody may have deleted the occupancy, so the sitting on its terms counts too.
CREATE OR REPLACE FUNCTION booking.held_times(h booking.holds) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    times jsonb;
BEGIN
    PERFORM booking.apply_terms(h.terms, true);
    times := (
        SELECT jsonb_agg(jsonb_build_object('loctician_id', t.loctician_id,
            'times', tstzmultirange(t.whole)::text) ORDER BY t.loctician_id)
        FROM (
            SELECT taken.loctician_id, range_merge(range_agg(taken.during)) AS whole FROM (
                SELECT unnest(h.performer_ids) AS loctician_id, tstzrange(h.starts_at, h.ends_at) AS during
                UNION ALL
                SELECT o.loctician_id, o.blocked FROM booking.occupancy o WHERE o.item_id = h.id
                UNION ALL
                SELECT i.loctician_id, tstzrange(h.starts_at + booking.minutes(lower(i.blocked)),
                    h.starts_at + booking.minutes(upper(i.blocked)))
                FROM booking.sitting_items(h.treatment_ids, h.performer_ids) i WHERE NOT isempty(i.blocked)
            ) taken GROUP BY taken.loctician_id
        ) t
    );
    PERFORM booking.stop_terms();
    RETURN times;
END
$$;

-- Deletes a hold and what it occupies. The caller holds the locks of its locticians.
CREATE OR REPLACE FUNCTION booking.delete_hold(p_hold uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM booking.occupancy o WHERE o.item_id = p_hold;
    DELETE FROM booking.holds h WHERE h.id = p_hold;
END
$$;

-- Deletes the customer's own holds, so that they do not stand in the customer's way, and notes their times as freed:
-- the waitlist is offered them after this transaction, since the customer is about to take some of that time.
-- Arguments: p_lapsed: also lapsed ones. Those may be deleted only with the locks of their locticians, because whoever
-- takes such a time deletes the occupancy. The caller holds the customer's lock (lock_customers).
CREATE OR REPLACE FUNCTION booking.delete_own_holds(p_customer uuid, p_lapsed boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    h booking.holds;
BEGIN
    FOR h IN SELECT * FROM booking.holds o WHERE o.customer_id = p_customer AND o.waitlist_id IS NULL
        AND (p_lapsed OR o.expires_at > booking.clock()) LOOP
        PERFORM booking.note_freed_time(f.loctician_id, f.times)
        FROM jsonb_to_recordset(booking.held_times(h)) AS f (loctician_id uuid, times tstzmultirange);
        PERFORM booking.delete_hold(h.id);
    END LOOP;
END
$$;

-- Deletes the holds of the customer and of the caller's browser that have not lapsed, as delete_own_holds.
CREATE OR REPLACE FUNCTION booking.delete_holds_of_caller(p_customer uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    browser uuid := nullif(booking.claim_browser(), p_customer);
BEGIN
    PERFORM booking.delete_own_holds(p_customer);
    IF browser IS NOT NULL THEN
        PERFORM booking.delete_own_holds(browser);
    END IF;
END
$$;

-- Holds a time for hold_time(); an earlier hold of the same customer or browser ends: POST /bookings/holds.
-- Request: customer_id (the browser's, of a caller who is not signed in), service_ids, loctician_id, start, browser_id,
-- key, request_hash; network: see check_visitor.
-- Raises LB001 of claim_idempotency_key, check_customer, check_visitor and take_sitting.
-- Locks: the idempotency key, lock_visitor, lock_holders, lock_people (in take_sitting), rows.
CREATE OR REPLACE FUNCTION booking.hold(p_claims jsonb, p_request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    customer uuid := (p_request ->> 'customer_id')::uuid;
    h booking.holds;
    answer jsonb;
BEGIN
    PERFORM booking.act_as(p_claims, p_request);
    answer := booking.claim_idempotency_key(p_request);
    IF answer IS NOT NULL THEN
        RETURN answer;
    END IF;
    PERFORM booking.check_customer(customer);
    h := booking.add_hold(booking.take_time(p_request, customer, booking.hold_time()));
    PERFORM booking.count_visitor(p_request, h.id);
    RETURN booking.store_answer(p_request, booking.hold_json(h));
END
$$;

-- Takes the time that a request asks for, and returns it as a hold that is still to be added. The caller's earlier
-- holds end. Request: as that of hold. Raises LB001 of check_visitor and take_sitting.
-- Locks: lock_visitor, lock_holders, lock_people (in take_sitting).
CREATE OR REPLACE FUNCTION booking.take_time(p_request jsonb, p_customer uuid, p_time interval) RETURNS booking.holds
LANGUAGE plpgsql AS $$
DECLARE
    treatments uuid[] := booking.uuids(p_request -> 'service_ids');
    start timestamptz := (p_request ->> 'start')::timestamptz;
    sitting booking.sitting;
    h booking.holds;
BEGIN
    PERFORM booking.lock_visitor(p_request);
    PERFORM booking.lock_holders(p_customer);
    PERFORM booking.delete_holds_of_caller(p_customer);
    PERFORM booking.check_visitor(p_request);
    sitting := booking.take_sitting(p_customer, treatments, (p_request ->> 'loctician_id')::uuid, start, NULL,
        NOT booking.is_salon(), false);
    PERFORM booking.delete_own_holds(p_customer, true);
    h := ROW (booking.new_id(), p_customer, treatments, sitting.performer_ids, start,
        start + booking.minutes(sitting.lasts_minutes), sitting.price_amount, NULL,
        booking.clock() + p_time, booking.clock(), NULL);
    RETURN h;
END
$$;

-- Prolongs a hold once, by hold_time() from now: POST /bookings/holds/{id}/prolong. Request: id, browser_id.
-- Raises LB001 not_found when the caller has no such hold, or it has lapsed; already_prolonged.
-- Locks: lock_customers, lock_people (its locticians), the hold FOR UPDATE.
CREATE OR REPLACE FUNCTION booking.prolong_hold(p_claims jsonb, p_request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    h booking.holds;
BEGIN
    PERFORM booking.act_as(p_claims, p_request);
    h := booking.lock_hold((p_request ->> 'id')::uuid);
    IF h.id IS NULL OR h.waitlist_id IS NOT NULL OR h.expires_at <= booking.clock() THEN
        PERFORM booking.refuse('not_found');
    ELSIF h.expires_at > h.created_at + booking.hold_time() THEN
        PERFORM booking.refuse('already_prolonged');
    END IF;
    UPDATE booking.holds o SET expires_at = booking.clock() + booking.hold_time() WHERE o.id = h.id RETURNING * INTO h;
    UPDATE booking.occupancy o SET lapses_at = h.expires_at WHERE o.item_id = h.id;
    RETURN booking.hold_json(h);
END
$$;

-- Locks a hold that the caller sees and returns it, or NULLs. The transaction acts as the service from then on.
-- Locks: lock_customers (its customer), lock_people (its locticians), the hold FOR UPDATE.
CREATE OR REPLACE FUNCTION booking.lock_hold(p_hold uuid) RETURNS booking.holds LANGUAGE plpgsql AS $$
DECLARE
    h booking.holds;
BEGIN
    SELECT * INTO h FROM booking.holds o WHERE o.id = p_hold;
    PERFORM booking.act_as_service();
    PERFORM booking.lock_customers(ARRAY[h.customer_id]);
    PERFORM booking.lock_people(h.performer_ids);
    -- it may have gone to a request meanwhile
    SELECT * INTO h FROM booking.holds o WHERE o.id = h.id AND o.customer_id = h.customer_id FOR UPDATE;
    RETURN h;
END
$$;

-- Ends the hold that is to become a booking and returns it; its locticians stay locked. An offer becomes accepted.
-- Without hold_id in the request it ends the hold of the customer and of the caller's browser, and returns NULLs.
-- Raises LB001 hold_lapsed when there is none, hold_mismatch when the request is for something else.
-- Locks: lock_customers (the customer and whoever holds it; without hold_id lock_holders), lock_people (its locticians
-- and the customer), the hold FOR UPDATE.
CREATE OR REPLACE FUNCTION booking.use_hold(p_request jsonb, p_customer uuid) RETURNS booking.holds
LANGUAGE plpgsql AS $$
DECLARE
    h booking.holds;
    entry booking.waitlist;
    loctician uuid := (p_request ->> 'loctician_id')::uuid;
BEGIN
    IF p_request ->> 'hold_id' IS NULL THEN
        PERFORM booking.lock_holders(p_customer);
        PERFORM booking.delete_holds_of_caller(p_customer);
        RETURN NULL;
    END IF;
    SELECT * INTO h FROM booking.holds o WHERE o.id = (p_request ->> 'hold_id')::uuid
        AND o.customer_id IN (p_customer, booking.claim_sub(), booking.claim_browser());
    PERFORM booking.lock_customers(ARRAY[p_customer, h.customer_id]);
    PERFORM booking.lock_people(h.performer_ids || p_customer);
    SELECT * INTO h FROM booking.holds o WHERE o.id = h.id AND o.customer_id = h.customer_id FOR UPDATE;
    IF NOT FOUND OR h.expires_at <= booking.clock() THEN
        PERFORM booking.refuse('hold_lapsed');
    ELSIF h.treatment_ids <> booking.uuids(p_request -> 'service_ids')
        OR h.starts_at <> (p_request ->> 'start')::timestamptz OR loctician <> ANY (h.performer_ids) THEN
        PERFORM booking.refuse('hold_mismatch');
    END IF;
    PERFORM booking.delete_hold(h.id);
    UPDATE booking.waitlist w SET status = 'accepted', booking_id = (p_request ->> 'booking_id')::uuid,
        version = w.version + 1
    WHERE w.id = h.waitlist_id RETURNING * INTO entry;
    IF FOUND THEN
        PERFORM booking.emit_waitlist_event(entry, h, 'accepted');
    END IF;
    RETURN h;
END
$$;

-- Ends a hold. The customer of an offer that was not taken goes to the end of the queue; other wishes of the customer,
-- which the offer may have kept from time that is free, are examined again.
-- Returns its time as freed (held_times): to be offered to the waitlist.
-- The caller holds the locks of its customer and its locticians, and acts as the service.
CREATE OR REPLACE FUNCTION booking.end_hold(h booking.holds) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    entry booking.waitlist;
    freed jsonb := booking.held_times(h);
BEGIN
    PERFORM booking.delete_hold(h.id);
    UPDATE booking.waitlist w SET status = 'waiting', queued_at = booking.clock(), version = w.version + 1
    WHERE w.id = h.waitlist_id RETURNING * INTO entry;
    IF FOUND THEN
        PERFORM booking.emit_waitlist_event(entry, h, 'expired');
        PERFORM booking.examine_wishes_of(entry.customer_id, entry.id);
    END IF;
    RETURN freed;
END
$$;

-- Ends a hold that the transaction has locked (lock_lapsed_hold, lock_customer_holds).
-- Returns {"freed": [{"loctician_id", "times"}]}.
CREATE OR REPLACE FUNCTION booking.end_locked_hold(p_hold uuid) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    h booking.holds;
BEGIN
    SELECT * INTO STRICT h FROM booking.holds o WHERE o.id = p_hold;
    RETURN jsonb_build_object('freed', booking.end_hold(h));
END
$$;

-- Ends a hold before it lapses, or turns an offer down. Request: id, browser_id. Returns the same as end_locked_hold.
-- Raises LB001 not_found. Locks: those of lock_hold.
CREATE OR REPLACE FUNCTION booking.release_hold(p_claims jsonb, p_request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    h booking.holds;
BEGIN
    PERFORM booking.act_as(p_claims, p_request);
    h := booking.lock_hold((p_request ->> 'id')::uuid);
    IF h.id IS NULL THEN
        PERFORM booking.refuse('not_found');
    END IF;
    RETURN booking.end_locked_hold(h.id);
END
$$;

-- The hold that lapsed first, locked, or none. The transaction acts as the service.
-- Locks: lock_customers (its customer), lock_people (its locticians), the hold FOR UPDATE.
CREATE OR REPLACE FUNCTION booking.lock_lapsed_hold() RETURNS SETOF uuid LANGUAGE plpgsql AS $$
DECLARE
    h booking.holds;
BEGIN
    SELECT * INTO h FROM booking.holds o WHERE o.expires_at <= booking.clock() ORDER BY o.expires_at, o.id LIMIT 1;
    PERFORM booking.lock_customers(ARRAY[h.customer_id]);
    PERFORM booking.lock_people(h.performer_ids);
    RETURN QUERY SELECT o.id FROM booking.holds o WHERE o.id = h.id FOR UPDATE;
END
$$;

-- Locks a customer, so that nobody offers, holds or books the customer a time until the transaction ends, and returns
-- the customer's holds and offers. The transaction acts as the service.
-- Arguments: p_bookings: whether the transaction is going to cancel the coming bookings too.
-- Raises serialization_failure when a booking went to another loctician meanwhile.
-- Locks: lock_customers, lock_people (the customer, the locticians of the holds and bookings), the holds FOR UPDATE.
CREATE OR REPLACE FUNCTION booking.lock_customer_holds(p_customer uuid, p_bookings boolean DEFAULT false)
RETURNS SETOF uuid LANGUAGE plpgsql AS $$
DECLARE
    people uuid[];
BEGIN
    PERFORM booking.lock_customers(ARRAY[p_customer]);
    people := booking.people_of_customer(p_customer, p_bookings);
    PERFORM booking.lock_people(people);
    IF NOT booking.people_of_customer(p_customer, p_bookings) <@ people THEN
        RAISE EXCEPTION USING ERRCODE = 'serialization_failure', MESSAGE = 'a booking went to another loctician';
    END IF;
    RETURN QUERY SELECT h.id FROM booking.holds h WHERE h.customer_id = p_customer ORDER BY h.id FOR UPDATE;
END
$$;

-- The customer and the locticians of the customer's holds and, with p_bookings, of the coming bookings.
CREATE OR REPLACE FUNCTION booking.people_of_customer(p_customer uuid, p_bookings boolean) RETURNS uuid[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN p_customer || ARRAY (
        SELECT unnest(h.performer_ids) FROM booking.holds h WHERE h.customer_id = p_customer
        UNION SELECT unnest(b.loctician_ids) FROM booking.bookings b
        WHERE p_bookings AND b.customer_id = p_customer AND b.status IN ('pending', 'confirmed')
            AND b.starts_at > booking.clock());
END
$$;
