-- The waitlist: joining, leaving, and what an offer changes. services/booking/waitlist/offers.py decides who is offered
-- which time, in which order and for how long; offers.sql finds the time. Whoever changes the wishes, offers and holds
-- of a customer holds the customer's lock (lock_customers), so that nobody offers, accepts, declines, ends or removes
-- the same wish at the same time.

-- An entry of the waitlist as the application reads it, with its open offer.
CREATE OR REPLACE FUNCTION booking.waitlist_entry_json(w booking.waitlist) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN jsonb_build_object(
        'id', w.id, 'customer_id', w.customer_id, 'service_ids', w.treatment_ids, 'loctician_id', w.loctician_id,
        'from', w.first_day, 'to', w.last_day, 'earliest', to_char(w.earliest, 'HH24:MI'),
        'latest', to_char(w.latest, 'HH24:MI'), 'status', w.status, 'version', w.version,
        'created_at', booking.utc(w.created_at), 'booking_id', CASE WHEN w.status = 'accepted' THEN w.booking_id END,
        'offer', (
            SELECT booking.hold_json(h)
            FROM booking.holds h WHERE h.waitlist_id = w.id AND h.expires_at > booking.clock())
    );
END
$$;

-- Stores when an entry of the waitlist was accepted.
CREATE OR REPLACE FUNCTION booking.set_answered_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.answered_at := CASE WHEN NEW.status = 'accepted' THEN booking.clock() END;
    RETURN NEW;
END
$$;

CREATE OR REPLACE TRIGGER set_answered_at BEFORE UPDATE OF status ON booking.waitlist
FOR EACH ROW WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION booking.set_answered_at();

-- Emits `waitlist.<p_change>.v1` for an offer: offered, accepted or expired.
CREATE OR REPLACE FUNCTION booking.emit_waitlist_event(w booking.waitlist, h booking.holds, p_change text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM booking.emit(booking.new_id(), 'waitlist.' || p_change || '.v1', w.id::text, w.version, jsonb_build_object(
        'version', w.version, 'waitlist_id', w.id, 'offer_id', h.id, 'customer_id', w.customer_id,
        'loctician_id', h.performer_ids[1], 'service_ids', h.treatment_ids, 'start', booking.utc(h.starts_at),
        'end', booking.utc(h.ends_at), 'expires_at', booking.utc(h.expires_at)));
END
$$;

-- The code of the rule that forbids waiting for this; NULL when none does. p_last_day: in Copenhagen.
CREATE OR REPLACE FUNCTION booking.broken_waitlist_rule(p_treatments uuid[], p_loctician uuid, p_last_day date)
RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN CASE
        WHEN p_last_day < booking.local_day(booking.clock()) THEN 'in_past'
        WHEN (SELECT count(*) FROM booking.treatments t WHERE t.active AND t.id = ANY (p_treatments))
            < cardinality(p_treatments) THEN 'unknown_treatment'
        WHEN p_loctician IS NOT NULL AND NOT EXISTS (
            SELECT FROM booking.locticians l WHERE l.active AND l.loctician_id = p_loctician) THEN 'unknown_loctician'
        WHEN (SELECT count(DISTINCT o.place) FROM booking.treatments_by_loctician(p_treatments, p_loctician) o)
            < cardinality(p_treatments) THEN 'treatment_not_offered'
    END;
END
$$;

-- Adds an entry: POST /waitlist. The application then looks for a time that is free already (offers.py).
-- Request: as that of add_wish, with key and request_hash.
-- Returns {"wish": the entry, "repeated": whether the key came before}.
-- Raises LB001 of claim_idempotency_key, check_customer and add_wish.
-- Locks: the idempotency key, lock_customers (the customer).
CREATE OR REPLACE FUNCTION booking.join_waitlist(p_claims jsonb, p_request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    answer jsonb;
BEGIN
    PERFORM booking.act_as(p_claims);
    answer := booking.claim_idempotency_key(p_request);
    IF answer IS NOT NULL THEN
        RETURN jsonb_build_object('wish', answer, 'repeated', true);
    END IF;
    PERFORM booking.check_customer((p_request ->> 'customer_id')::uuid);
    RETURN jsonb_build_object('repeated', false, 'wish',
        booking.store_answer(p_request, booking.waitlist_entry_json(booking.add_wish(p_request))));
END
$$;

-- Adds an entry as the caller and returns it.
-- Request: customer_id, service_ids, loctician_id, first_day, last_day, earliest, latest.
-- Raises LB001 of broken_waitlist_rule, and too_many_wishes above ten open entries.
-- Locks: lock_customers (the customer).
CREATE OR REPLACE FUNCTION booking.add_wish(p_request jsonb) RETURNS booking.waitlist LANGUAGE plpgsql AS $$
DECLARE
    customer uuid := (p_request ->> 'customer_id')::uuid;
    treatments uuid[] := booking.uuids(p_request -> 'service_ids');
    loctician uuid := (p_request ->> 'loctician_id')::uuid;
    reason text;
    entry booking.waitlist;
BEGIN
    PERFORM booking.lock_customers(ARRAY[customer]);
    reason := booking.broken_waitlist_rule(treatments, loctician, (p_request ->> 'last_day')::date);
    IF reason IS NOT NULL THEN
        PERFORM booking.refuse(reason);
    ELSIF (SELECT count(*) FROM booking.waitlist w WHERE w.customer_id = customer
        AND w.status <> 'accepted' AND w.last_day >= booking.local_day(booking.clock())) >= 10 THEN
        PERFORM booking.refuse('too_many_wishes');
    END IF;
    INSERT INTO booking.waitlist (id, customer_id, treatment_ids, loctician_id, first_day, last_day, earliest, latest,
        queued_at, created_at)
    VALUES (booking.new_id(), customer, treatments, loctician, (p_request ->> 'first_day')::date,
        (p_request ->> 'last_day')::date, (p_request ->> 'earliest')::time, (p_request ->> 'latest')::time,
        booking.clock(), booking.clock())
    RETURNING * INTO entry;
    RETURN entry;
END
$$;

-- The entry as it is now, stored as the answer to the request that added it. Request: id, key.
CREATE OR REPLACE FUNCTION booking.joined_entry(p_claims jsonb, p_request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    entry booking.waitlist;
BEGIN
    PERFORM booking.act_as(p_claims);
    SELECT * INTO STRICT entry FROM booking.waitlist w WHERE w.id = (p_request ->> 'id')::uuid;
    RETURN booking.store_answer(p_request, booking.waitlist_entry_json(entry));
END
$$;

-- A page of the entries that the caller sees, by when they were made. Filter: customer_id, after_at and after_id,
-- limit.
CREATE OR REPLACE FUNCTION booking.list_waitlist(p_claims jsonb, p_filter jsonb) RETURNS SETOF jsonb
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM booking.act_as(p_claims);
    RETURN QUERY SELECT booking.waitlist_entry_json(w) FROM booking.waitlist w
    WHERE (NOT p_filter ? 'customer_id' OR w.customer_id = (p_filter ->> 'customer_id')::uuid)
        AND (NOT p_filter ? 'after_id' OR (w.created_at, w.id)
            > ((p_filter ->> 'after_at')::timestamptz, (p_filter ->> 'after_id')::uuid))
    ORDER BY w.created_at, w.id LIMIT (p_filter ->> 'limit')::integer;
END
$$;

-- Removes an entry. Request: id.
-- Returns {"freed": [{"loctician_id", "times"}]}, of its open offer: to be offered to others.
-- Raises LB001 not_found.
-- Locks: lock_customers (its customer, so that no offer is made or accepted meanwhile), lock_people (locticians of the
-- offer), the entry and the offer's hold FOR UPDATE.
CREATE OR REPLACE FUNCTION booking.leave_waitlist(p_claims jsonb, p_request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    entry booking.waitlist;
    h booking.holds;
    freed jsonb := '[]';
BEGIN
    PERFORM booking.act_as(p_claims);
    SELECT * INTO entry FROM booking.waitlist w WHERE w.id = (p_request ->> 'id')::uuid;
    IF NOT FOUND THEN
        PERFORM booking.refuse('not_found');
    END IF;
    PERFORM booking.act_as_service();
    PERFORM booking.lock_customers(ARRAY[entry.customer_id]);
    SELECT * INTO h FROM booking.holds o WHERE o.waitlist_id = entry.id;
    PERFORM booking.lock_people(h.performer_ids);
    PERFORM FROM booking.waitlist w WHERE w.id = entry.id FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM booking.refuse('not_found');
    END IF;
    SELECT * INTO h FROM booking.holds o WHERE o.waitlist_id = entry.id FOR UPDATE;
    IF h.id IS NOT NULL THEN
        freed := booking.end_hold(h);
    END IF;
    DELETE FROM booking.waitlist w WHERE w.id = entry.id;
    RETURN jsonb_build_object('freed', freed);
END
$$;

-- Offers a sitting to an entry of the waitlist: holds it for p_minutes, but not beyond its start. Returns false when the
-- entry waits no more.
-- Arguments: p_performers: the loctician of each treatment; p_price: in øre.
-- Raises exclusion_violation slot_taken when the time is taken. The transaction acts as the service and holds the locks
-- of the customer and the locticians. Locks: the entry FOR UPDATE SKIP LOCKED.
CREATE OR REPLACE FUNCTION booking.offer_sitting(
    p_entry uuid, p_performers uuid[], p_start timestamptz, p_end timestamptz, p_price integer, p_minutes integer
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    entry booking.waitlist;
    h booking.holds;
BEGIN
    PERFORM FROM booking.waitlist w WHERE w.id = p_entry AND w.status = 'waiting' FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE booking.waitlist w SET status = 'offered', unexamined = false, version = w.version + 1,
        offer_id = booking.new_id(), booking_id = NULL,
        offer_ends_at = least(booking.clock() + booking.minutes(p_minutes), p_start)
    WHERE w.id = p_entry RETURNING * INTO entry;
    h := ROW (entry.offer_id, entry.customer_id, entry.treatment_ids, p_performers, p_start, p_end, p_price, entry.id,
        entry.offer_ends_at, booking.clock(), NULL);
    PERFORM booking.delete_lapsed_occupancy(p_performers);
    h := booking.add_hold(h);
    PERFORM booking.emit_waitlist_event(entry, h, 'offered');
    RETURN true;
END
$$;
