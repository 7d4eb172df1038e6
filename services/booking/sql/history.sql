-- What is recorded of a change: history and events.

-- The reasons that events may give: the codes of EventReason in events.py. Never what somebody wrote.
CREATE OR REPLACE FUNCTION booking.event_reasons() RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
    SELECT ARRAY['by_customer', 'by_salon', 'customer_erased', 'hours_changed', 'not_confirmed']
$$;

-- The payload of every booking.* event. Arguments: p_reason: why it was cancelled or has a conflict; p_previous_start:
-- of a booking that was moved. Raises check_violation for a reason that is not one of event_reasons().
CREATE OR REPLACE FUNCTION booking.booking_event_data(b booking.bookings, p_reason text, p_previous_start timestamptz)
RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF p_reason <> ALL (booking.event_reasons()) THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = 'the reason of an event is a code';
    END IF;
    RETURN jsonb_build_object(
        'version', b.version, 'booking_id', b.id, 'status', b.status, 'customer_id', b.customer_id,
        'walk_in', b.walk_in, 'series_id', b.series_id, 'start', booking.utc(b.starts_at), 'end', booking.utc(b.ends_at),
        'price_amount', b.price_amount, 'currency', b.currency,
        'reason', p_reason, 'previous_start', booking.utc(p_previous_start),
        'items', (
            SELECT jsonb_agg(jsonb_build_object(
                'item_id', i.id, 'service_id', i.treatment_id, 'loctician_id', i.loctician_id,
                'start', booking.utc(lower(i.during)), 'end', booking.utc(upper(i.during)),
                'blocked_start', booking.utc(lower(i.blocked)), 'blocked_end', booking.utc(upper(i.blocked)),
                'price_amount', i.price_amount
            ) ORDER BY i.place)
            FROM booking.booking_items i WHERE i.booking_id = b.id
        )
    );
END
$$;

-- Records one change of a booking: a row of its history, and the event `booking.<p_change>.v1`. p_message: of a
-- cancellation by the salon, what the customer is told, sealed.
CREATE OR REPLACE FUNCTION booking.record_change(
    b booking.bookings, p_change text, p_reason text DEFAULT NULL, p_previous_start timestamptz DEFAULT NULL,
    p_message text DEFAULT NULL
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO booking.booking_history (booking_id, customer_id, loctician_ids, at, actor_id, actor_role, change,
        status, starts_at, ends_at, price_amount, version)
    SELECT b.id, b.customer_id, b.loctician_ids, booking.clock(), (c ->> 'actor_id')::uuid,
        coalesce(c ->> 'actor_role', c ->> 'role'),
        p_change, b.status, b.starts_at, b.ends_at, b.price_amount, b.version
    FROM booking.claims() c;
    PERFORM booking.emit(booking.new_id(), 'booking.' || p_change || '.v1', b.id::text, b.version,
        booking.booking_event_data(b, p_reason, p_previous_start)
            || CASE WHEN p_message IS NULL THEN '{}' ELSE jsonb_build_object('message', p_message) END);
END
$$;
