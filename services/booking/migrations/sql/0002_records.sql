CREATE OR REPLACE FUNCTION booking.booking_json(b booking.bookings) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN jsonb_build_object(
        'id', b.id, 'status', b.status, 'start', booking.utc(b.starts_at), 'end', booking.utc(b.ends_at),
        'customer_id', CASE WHEN NOT b.walk_in THEN b.customer_id END, 'loctician_ids', b.loctician_ids,
        'price_amount', b.price_amount, 'notes', b.notes, 'internal_notes', b.internal_notes,
        'walk_in', CASE WHEN b.walk_in
            THEN jsonb_build_object('name', b.walk_in_name, 'phone', b.walk_in_phone) END,
        'series_id', b.series_id, 'conflicted', b.conflicted_at IS NOT NULL, 'version', b.version,
        'created_at', booking.utc(b.created_at), 'updated_at', booking.utc(b.updated_at),
        'cancelled_at', booking.utc(b.cancelled_at), 'cancel_reason', b.cancel_reason,
        'items', (
            SELECT jsonb_agg(jsonb_build_object(
                'service_id', i.treatment_id, 'loctician_id', i.loctician_id, 'start', booking.utc(lower(i.during)),
                'end', booking.utc(upper(i.during)), 'price_amount', i.price_amount
            ) ORDER BY i.place)
            FROM booking.booking_items i WHERE i.booking_id = b.id
        )
    );
END
$$;
