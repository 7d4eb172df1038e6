CREATE FUNCTION booking.refuse(p_code text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'LB001', MESSAGE = p_code;
END
$$

CREATE FUNCTION booking.utc(p_instant timestamptz) RETURNS text LANGUAGE sql STABLE
RETURN to_char(p_instant AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')

-- In PL/pgSQL, like the next: it keeps its plan, where an SQL function is planned at each call.
CREATE FUNCTION booking.booking_json(b booking.bookings) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN jsonb_build_object(
        'id', b.id, 'status', b.status, 'start', booking.utc(b.starts_at), 'end', booking.utc(b.ends_at),
        'customer_id', b.customer_id, 'price_amount', b.price_amount, 'notes', b.notes, 'version', b.version,
        'created_at', booking.utc(b.created_at), 'updated_at', booking.utc(b.updated_at),
        'cancelled_at', booking.utc(b.cancelled_at),
        'items', (
            SELECT jsonb_agg(jsonb_build_object(
                'service_id', i.treatment_id, 'loctician_id', i.loctician_id, 'start', booking.utc(lower(i.during)),
                'end', booking.utc(upper(i.during)), 'price_amount', i.price_amount
            ) ORDER BY i.place)
            FROM booking.booking_items i WHERE i.booking_id = b.id
        )
    );
END
$$

-- The payload of every booking.* event.
CREATE FUNCTION booking.event_data(b booking.bookings, p_reason text, p_previous_start timestamptz)
RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN jsonb_build_object(
        'version', b.version, 'booking_id', b.id, 'status', b.status, 'customer_id', b.customer_id,
        'start', booking.utc(b.starts_at), 'end', booking.utc(b.ends_at),
        'price_amount', b.price_amount, 'currency', b.currency,
        'reason', p_reason, 'previous_start', booking.utc(p_previous_start),
        'items', (
            SELECT jsonb_agg(jsonb_build_object(
                'item_id', i.id, 'treatment_id', i.treatment_id, 'loctician_id', i.loctician_id,
                'start', booking.utc(lower(i.during)), 'end', booking.utc(upper(i.during)),
                'blocked_start', booking.utc(lower(i.blocked)), 'blocked_end', booking.utc(upper(i.blocked)),
                'price_amount', i.price_amount
            ) ORDER BY i.place)
            FROM booking.booking_items i WHERE i.booking_id = b.id
        )
    );
END
$$

CREATE FUNCTION booking.remember(b booking.bookings, p_change text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO booking.booking_history
        (booking_id, customer_id, loctician_ids, actor_id, actor_role, change, status, version)
    SELECT b.id, b.customer_id, b.loctician_ids, booking.claim_sub(), booking.claim_role(),
        p_change, b.status, b.version
$$

-- Claims the key for this caller. NULL: go ahead. Otherwise the first answer; waits while the first is under way.
CREATE FUNCTION booking.first_answer(p_caller uuid, p_key text, p_hash text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    earlier booking.idempotency_keys;
BEGIN
    INSERT INTO booking.idempotency_keys (caller, key, request_hash)
    SELECT p_caller, p_key, p_hash WHERE p_key IS NOT NULL
    ON CONFLICT DO NOTHING;
    IF FOUND OR p_key IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT * INTO earlier FROM booking.idempotency_keys k WHERE k.caller = p_caller AND k.key = p_key;
    IF earlier.request_hash <> p_hash THEN
        PERFORM booking.refuse('idempotency_key_reused');
    END IF;
    RETURN earlier.answer;
END
$$

CREATE FUNCTION booking.check_customer(p_customer uuid, p_caller uuid, p_require_verified boolean)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    known booking.customers;
BEGIN
    SELECT * INTO known FROM booking.customers c WHERE c.id = p_customer;
    IF p_customer <> p_caller AND (known.id IS NULL OR NOT known.active) THEN
        PERFORM booking.refuse('unknown_customer');
    ELSIF p_customer = p_caller AND p_require_verified AND NOT coalesce(known.email_verified, false) THEN
        PERFORM booking.refuse('email_not_verified');
    END IF;
END
$$

-- Sorted, so that bookings meeting at several people wait for each other and never deadlock.
CREATE FUNCTION booking.lock_people(p_people uuid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    one bigint;
BEGIN
    FOR one IN SELECT DISTINCT hashtextextended(p::text, 0) AS key FROM unnest(p_people) p ORDER BY key LOOP
        PERFORM pg_advisory_xact_lock(one);
    END LOOP;
END
$$

-- A free loctician, locked until the transaction ends; looked for again once locked, as others may have been quicker.
CREATE FUNCTION booking.take_chair(p_customer uuid, p_treatments uuid[], p_loctician uuid, p_start timestamptz)
RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    reason text := booking.broken_rule(p_treatments, p_loctician, p_start);
    free uuid[];
BEGIN
    IF reason IS NULL THEN
        free := booking.free_locticians(p_treatments, p_loctician, p_start);
        IF cardinality(free) > 0 THEN
            PERFORM booking.lock_people(free || p_customer);
            free := booking.free_locticians(p_treatments, p_loctician, p_start);
        END IF;
        reason := CASE WHEN cardinality(free) = 0 THEN 'slot_taken' END;
    END IF;
    IF reason IS NOT NULL THEN
        PERFORM booking.refuse(reason);
    END IF;
    RETURN free[1];
END
$$

CREATE FUNCTION booking.add_items(
    b booking.bookings, p_treatments uuid[], p_loctician uuid, p_item_ids uuid[]
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO booking.booking_items
        (id, booking_id, customer_id, loctician_id, treatment_id, place, during, blocked, price_amount)
    SELECT p_item_ids[i.place], b.id, b.customer_id, i.loctician_id, i.treatment_id, i.place,
        tstzrange(b.starts_at + booking.minutes(i.from_minute), b.starts_at + booking.minutes(i.to_minute)),
        tstzrange(b.starts_at + booking.minutes(lower(i.blocked)), b.starts_at + booking.minutes(upper(i.blocked))),
        i.price_amount
    FROM booking.sitting_items(p_treatments, p_loctician) i;
    INSERT INTO booking.occupancy (item_id, loctician_id, blocked)
    SELECT p_item_ids[i.place], i.loctician_id,
        tstzrange(b.starts_at + booking.minutes(lower(part)), b.starts_at + booking.minutes(upper(part)))
    FROM booking.sitting_items(p_treatments, p_loctician) i, unnest(i.blocked) part;
END
$$

-- Books one sitting. One call is the whole transaction; a refusal raises LB001 with its code as the message.
CREATE FUNCTION booking.book(p_claims jsonb, p_request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    asker uuid := (p_claims ->> 'sub')::uuid;
    customer uuid := (p_request ->> 'customer_id')::uuid;
    treatments uuid[] := booking.uuids(p_request -> 'service_ids');
    start timestamptz := (p_request ->> 'start')::timestamptz;
    used_key text := p_request ->> 'key';
    chair uuid;
    booked booking.bookings;
    reply jsonb;
BEGIN
    PERFORM set_config('request.jwt.claims', p_claims::text, true);
    reply := booking.first_answer(asker, used_key, p_request ->> 'request_hash');
    IF reply IS NOT NULL THEN
        RETURN reply;
    END IF;
    PERFORM booking.check_customer(customer, asker, (p_request ->> 'require_verified')::boolean);
    chair := booking.take_chair(customer, treatments, (p_request ->> 'loctician_id')::uuid, start);
    INSERT INTO booking.bookings (id, customer_id, loctician_ids, status, starts_at, ends_at, price_amount, notes)
    SELECT (p_request ->> 'booking_id')::uuid, customer, ARRAY[chair], 'confirmed', start,
        start + booking.minutes(s.lasts_minutes), s.price_amount, p_request ->> 'notes'
    FROM booking.sittings(treatments, chair) s
    RETURNING * INTO booked;
    PERFORM booking.add_items(booked, treatments, chair, booking.uuids(p_request -> 'item_ids'));
    PERFORM booking.remember(booked, 'created');
    PERFORM booking.emit((p_request ->> 'event_id')::uuid, 'booking.created.v1', booked.id::text, booked.version,
        booking.event_data(booked, NULL, NULL));
    reply := booking.booking_json(booked);
    UPDATE booking.idempotency_keys k SET answer = reply WHERE k.caller = asker AND k.key = used_key;
    RETURN reply;
END
$$

-- Bookings the caller may see, by start. Conditions are put together here so that each combination gets its own plan.
-- One loctician performs a whole sitting, so the first is the one to filter by; unlike @> or &&, equality is leakproof
-- and reaches the index under Row Level Security.
CREATE FUNCTION booking.find_bookings(p_claims jsonb, p_filter jsonb) RETURNS SETOF jsonb LANGUAGE plpgsql AS $$
DECLARE
    conditions text := concat_ws(' AND ', 'true',
        CASE WHEN p_filter ? 'id' THEN 'b.id = ($1 ->> ''id'')::uuid' END,
        CASE WHEN p_filter ? 'customer_id' THEN 'b.customer_id = ($1 ->> ''customer_id'')::uuid' END,
        CASE WHEN p_filter ? 'loctician_id' THEN 'b.loctician_ids[1] = ($1 ->> ''loctician_id'')::uuid' END,
        CASE WHEN p_filter ? 'status' THEN 'b.status = $1 ->> ''status''' END,
        CASE WHEN p_filter ? 'from' THEN 'b.starts_at >= ($1 ->> ''from'')::timestamptz' END,
        CASE WHEN p_filter ? 'to' THEN 'b.starts_at < ($1 ->> ''to'')::timestamptz' END,
        CASE WHEN p_filter ? 'after_id' THEN
            '(b.starts_at, b.id) > (($1 ->> ''after_start'')::timestamptz, ($1 ->> ''after_id'')::uuid)' END);
BEGIN
    PERFORM set_config('request.jwt.claims', p_claims::text, true);
    RETURN QUERY EXECUTE
        'SELECT booking.booking_json(b) FROM booking.bookings b WHERE ' || conditions
        || ' ORDER BY b.starts_at, b.id LIMIT ($1 ->> ''limit'')::integer' USING p_filter;
END
$$
