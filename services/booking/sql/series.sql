-- Booking a series: the same sitting on several dates.

-- Books each date by itself: a refused date undoes only its own changes and is returned with its reason.
-- Request: as book_sitting, with starts (list of instants), series_id, require_verified, key and request_hash.
-- Raises LB001 unknown_treatment, unknown_loctician and treatment_not_offered, which hold for every date, and those of
-- claim_idempotency_key and check_customer.
-- Locks: the idempotency key, lock_customers, lock_people (the customer and every loctician who performs one of the
-- treatments), all before the first date, then rows.
CREATE OR REPLACE FUNCTION booking.book_series(p_claims jsonb, p_request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    loctician uuid := (p_request ->> 'loctician_id')::uuid;
    customer uuid := (p_request ->> 'customer_id')::uuid;
    start timestamptz;
    b booking.bookings;
    dates jsonb := '[]';
    booked jsonb;
    reason text;
    answer jsonb;
BEGIN
    PERFORM booking.act_as(p_claims);
    answer := booking.claim_idempotency_key(p_request);
    IF answer IS NOT NULL THEN
        RETURN answer;
    END IF;
    PERFORM booking.check_customer(customer, (p_request ->> 'require_verified')::boolean);
    PERFORM booking.lock_customers(ARRAY[customer]);
    PERFORM booking.lock_people(customer || ARRAY (
        SELECT DISTINCT t.loctician_id
        FROM booking.treatments_by_loctician(booking.uuids(p_request -> 'service_ids'), loctician) t));
    FOR start IN SELECT s::timestamptz FROM jsonb_array_elements_text(p_request -> 'starts') s LOOP
        BEGIN
            reason := NULL;
            b := booking.book_sitting(p_request, booking.new_id(), start);
            booked := booking.booking_json(b);
        EXCEPTION
            WHEN SQLSTATE 'LB001' THEN
                booked := NULL;
                reason := SQLERRM;
                IF reason IN ('unknown_treatment', 'unknown_loctician', 'treatment_not_offered') THEN
                    RAISE;
                END IF;
            WHEN exclusion_violation THEN
                GET STACKED DIAGNOSTICS reason = CONSTRAINT_NAME;
                booked := NULL;
        END;
        dates := dates || jsonb_build_object('start', booking.utc(start), 'booking', booked, 'reason', reason);
    END LOOP;
    RETURN booking.store_answer(p_request, jsonb_build_object('series_id', p_request ->> 'series_id', 'items', dates));
END
$$;
