-- In PL/pgSQL, like the next: it keeps its plan, where an SQL function is planned at each call.
CREATE FUNCTION booking.booking_json(b booking.bookings) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN jsonb_build_object(
        'id', b.id, 'status', b.status, 'start', booking.utc(b.starts_at), 'end', booking.utc(b.ends_at),
        'customer_id', CASE WHEN NOT b.walk_in THEN b.customer_id END, 'loctician_ids', b.loctician_ids,
        'price_amount', b.price_amount, 'notes', b.notes, 'internal_notes', b.internal_notes,
        'walk_in', CASE WHEN b.walk_in
            THEN jsonb_build_object('name', b.walk_in_name, 'phone', b.walk_in_phone) END,
        'series_id', b.series_id, 'conflicted', b.conflicted_at IS NOT NULL, 'version', b.version,
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
        'walk_in', b.walk_in, 'start', booking.utc(b.starts_at), 'end', booking.utc(b.ends_at),
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

-- One change of a booking: into its history and, as `booking.<change>.v1`, to everybody.
CREATE FUNCTION booking.record(
    b booking.bookings, p_change text, p_reason text DEFAULT NULL, p_previous_start timestamptz DEFAULT NULL
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO booking.booking_history (booking_id, customer_id, loctician_ids, actor_id, actor_role, change, status,
        starts_at, ends_at, price_amount, version)
    SELECT b.id, b.customer_id, b.loctician_ids, (c ->> 'actor_id')::uuid, coalesce(c ->> 'actor_role', c ->> 'role'),
        p_change, b.status, b.starts_at, b.ends_at, b.price_amount, b.version
    FROM booking.claims() c;
    PERFORM booking.emit(booking.new_id(), 'booking.' || p_change || '.v1', b.id::text, b.version,
        booking.event_data(b, p_reason, p_previous_start));
END
$$

-- Claims the key for this caller, for a day. NULL: go ahead. Otherwise the first answer; waits while the first is under way.
CREATE FUNCTION booking.first_answer(p_caller uuid, p_key text, p_hash text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    earlier booking.idempotency_keys;
BEGIN
    IF p_key IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO booking.idempotency_keys AS k (caller, key, request_hash, created_at)
    VALUES (p_caller, p_key, p_hash, booking.clock())
    ON CONFLICT (caller, key) DO UPDATE
    SET request_hash = excluded.request_hash, answer = NULL, created_at = excluded.created_at
    WHERE k.created_at <= booking.clock() - interval '24 hours';
    IF FOUND THEN
        RETURN NULL;
    END IF;
    SELECT * INTO earlier FROM booking.idempotency_keys k WHERE k.caller = p_caller AND k.key = p_key;
    IF earlier.request_hash <> p_hash THEN
        PERFORM booking.refuse('idempotency_key_reused');
    END IF;
    RETURN earlier.answer;
END
$$

CREATE FUNCTION booking.first_answer(p_request jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT booking.first_answer(booking.claim_sub(), p_request ->> 'key', p_request ->> 'request_hash')
$$

CREATE FUNCTION booking.keep_answer(p_request jsonb, p_answer jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    UPDATE booking.idempotency_keys k SET answer = p_answer
    WHERE k.caller = booking.claim_sub() AND k.key = p_request ->> 'key';
    RETURN p_answer;
END
$$

-- A loctician may book for customers but sees no list of them, so the look-up is the service's own.
CREATE FUNCTION booking.check_customer(p_customer uuid, p_require_verified boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    asker jsonb := booking.claims();
    caller uuid := booking.claim_sub();
    known booking.customers;
BEGIN
    PERFORM booking.act_as_service();
    SELECT * INTO known FROM booking.customers c WHERE c.id = p_customer;
    PERFORM booking.act_as(asker);
    IF p_customer <> caller AND (known.id IS NULL OR NOT known.active) THEN
        PERFORM booking.refuse('unknown_customer');
    ELSIF p_customer = caller AND p_require_verified AND NOT coalesce(known.email_verified, false) THEN
        PERFORM booking.refuse('email_not_verified');
    END IF;
END
$$
