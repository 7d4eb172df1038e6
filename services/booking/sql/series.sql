-- Booking a series: the same sitting on several dates.

-- The locticians to lock for a series with any loctician: the best for the first date, who stays for each later date on
-- which nobody else is needed; rather one who is not being booked at this moment. Searched without keeping locks, so
-- others may still be quicker.
CREATE OR REPLACE FUNCTION booking.series_performers(p_treatments uuid[], p_starts timestamptz[]) RETURNS uuid[]
LANGUAGE plpgsql AS $$
DECLARE
    grid interval := booking.opening_grid(p_treatments);
    chosen uuid[] := '{}';
    free booking.sitting[];
    best booking.sitting;
    start timestamptz;
BEGIN
    FOREACH start IN ARRAY p_starts LOOP
        free := ARRAY (SELECT f FROM booking.free_sittings_at(p_treatments, NULL, start, grid, '{}') f);
        CONTINUE WHEN cardinality(free) = 0 OR EXISTS (SELECT FROM unnest(free) f WHERE f.performer_ids <@ chosen);
        FOREACH best IN ARRAY free LOOP
            EXIT WHEN booking.can_lock_people(best.performer_ids);
            best := free[1];
        END LOOP;
        chosen := chosen || best.performer_ids;
    END LOOP;
    RETURN coalesce(booking.distinct_in_order(chosen), '{}');
END
$$;

-- Books each date by itself: a refused date undoes only its own changes and is returned with its reason.
-- Request: as book_sitting, with starts (list of instants), series_id, key and request_hash.
-- Raises LB001 unknown_treatment, unknown_loctician and treatment_not_offered, which hold for every date, and those of
-- claim_idempotency_key and check_customer.
-- Locks: the idempotency key, lock_holders, lock_people (the customer and the loctician or series_performers), all
-- before the first date, then rows; on a date on which another loctician must take over, that one without waiting.
CREATE OR REPLACE FUNCTION booking.book_series(p_claims jsonb, p_request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    loctician uuid := (p_request ->> 'loctician_id')::uuid;
    customer uuid := (p_request ->> 'customer_id')::uuid;
    starts timestamptz[] := ARRAY (SELECT s::timestamptz FROM jsonb_array_elements_text(p_request -> 'starts') s);
    locticians uuid[];
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
    PERFORM booking.check_customer(customer);
    PERFORM booking.lock_holders(customer);
    locticians := CASE WHEN loctician IS NOT NULL THEN ARRAY[loctician]
        ELSE booking.series_performers(booking.uuids(p_request -> 'service_ids'), starts) END;
    PERFORM booking.lock_people(locticians || customer);
    FOREACH start IN ARRAY starts LOOP
        BEGIN
            reason := NULL;
            b := booking.book_sitting(p_request, booking.new_id(), start, locticians);
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
