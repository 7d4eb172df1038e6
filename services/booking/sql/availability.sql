-- Availability of one start, and alternatives to it.

-- When the customer has active bookings. In PL/pgSQL, so that its plan is kept.
CREATE OR REPLACE FUNCTION booking.customer_times(p_customer uuid) RETURNS tstzmultirange LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT coalesce(range_agg(i.during), '{}') FROM booking.booking_items i
        WHERE i.customer_id = p_customer AND i.active
    );
END
$$;

-- The three free slots nearest to p_start at times at which the customer is free: within 36 hours, else within 14 days.
CREATE OR REPLACE FUNCTION booking.nearest_slots(
    p_treatments uuid[], p_loctician uuid, p_start timestamptz, p_customer uuid
) RETURNS SETOF booking.slot LANGUAGE plpgsql STABLE AS $$
DECLARE
    busy tstzmultirange := booking.customer_times(p_customer);
    span interval;
    nearest booking.slot[];
BEGIN
    FOREACH span IN ARRAY ARRAY[interval '36 hours', interval '14 days'] LOOP
        nearest := ARRAY (
            SELECT ROW (s.*)::booking.slot FROM (
                SELECT DISTINCT ON (f.starts_at) f.*
                FROM booking.free_slots(
                    p_treatments, p_loctician, p_start - span, p_start + span, 100000, NOT booking.is_salon()) f
                WHERE NOT busy && tstzrange(f.starts_at, f.ends_at)
                ORDER BY f.starts_at, f.loctician_id
            ) s
            ORDER BY greatest(s.starts_at - p_start, p_start - s.starts_at), s.starts_at LIMIT 3
        );
        EXIT WHEN cardinality(nearest) = 3;
    END LOOP;
    RETURN QUERY SELECT * FROM unnest(nearest);
END
$$;

-- Whether the sitting can be booked at this start, for POST /bookings/check-availability.
-- Request: service_ids, loctician_id, start, customer_id; nearest: list alternatives also when the start is free.
-- Returns {"reason": code or null, "alternatives": [slot]}. Takes no locks: the answer may be outdated when it arrives.
CREATE OR REPLACE FUNCTION booking.check_availability(p_claims jsonb, p_request jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    treatments uuid[] := booking.uuids(p_request -> 'service_ids');
    loctician uuid := (p_request ->> 'loctician_id')::uuid;
    start timestamptz := (p_request ->> 'start')::timestamptz;
    customer uuid := (p_request ->> 'customer_id')::uuid;
    reason text;
    busy tstzmultirange;
    fits boolean;
BEGIN
    PERFORM booking.act_as(p_claims);
    busy := booking.customer_times(customer);
    reason := booking.broken_rule(treatments, loctician, start, NOT booking.is_salon());
    IF reason IS NULL THEN
        SELECT bool_or(NOT busy && tstzrange(start, start + booking.minutes(f.lasts_minutes))) INTO fits
        FROM booking.free_sittings_at(treatments, loctician, start) f;
        reason := CASE WHEN fits IS NULL THEN 'slot_taken' WHEN NOT fits THEN 'customer_overlap' END;
    END IF;
    RETURN jsonb_build_object('reason', reason, 'alternatives', CASE
        WHEN reason IS NULL AND NOT p_request ? 'nearest' THEN '[]' ELSE (
        SELECT coalesce(jsonb_agg(to_jsonb(n)), '[]')
        FROM booking.nearest_slots(treatments, loctician, start, customer) n
    ) END);
END
$$;
