-- Retention: anonymizing and deleting old bookings.

-- Removes the customer from bookings: what bookkeeping needs stays, each under a new customer id that nobody else has.
-- Returns how many. The transaction acts as the service.
CREATE OR REPLACE FUNCTION booking.anonymize(p_bookings uuid[]) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    changed integer;
BEGIN
    UPDATE booking.bookings SET customer_id = booking.new_id(), notes = NULL, internal_notes = NULL,
        cancel_reason = NULL, walk_in_name = NULL, walk_in_phone = NULL, series_id = NULL,
        anonymized_at = booking.clock()
    WHERE id = ANY (p_bookings);
    GET DIAGNOSTICS changed = ROW_COUNT;
    UPDATE booking.booking_items i SET customer_id = b.customer_id
    FROM booking.bookings b WHERE b.id = i.booking_id AND b.id = ANY (p_bookings);
    UPDATE booking.booking_history h SET customer_id = b.customer_id
    FROM booking.bookings b WHERE b.id = h.booking_id AND b.id = ANY (p_bookings);
    RETURN changed;
END
$$;

-- Anonymizes up to p_limit bookings that began before p_before, and removes the actors from their history. Returns how
-- many. Takes the youngest first: those just due lie next to p_before, and the many that are anonymized already behind
-- them.
CREATE OR REPLACE FUNCTION booking.anonymize_old(p_before timestamptz, p_limit integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    old uuid[] := ARRAY (
        SELECT b.id FROM booking.bookings b WHERE b.starts_at < p_before AND b.anonymized_at IS NULL
        ORDER BY b.starts_at DESC, b.id DESC LIMIT p_limit);
BEGIN
    UPDATE booking.booking_history SET actor_id = NULL WHERE booking_id = ANY (old) AND actor_id IS NOT NULL;
    RETURN booking.anonymize(old);
END
$$;

-- The end of the last financial year (calendar year) that had ended by p_before and at least five years ago: what began
-- before it may be deleted (bogføringsloven).
CREATE OR REPLACE FUNCTION booking.bookkeeping_cutoff(p_before timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
    SELECT date_trunc('year', least(p_before, booking.clock() - interval '5 years'), 'Europe/Copenhagen')
$$;

-- Deletes up to p_limit bookings that bookkeeping no longer needs, with their items and history. Returns how many. Runs
-- as the owner (SECURITY DEFINER), because the role of the service may delete neither bookings nor their history.
CREATE OR REPLACE FUNCTION booking.delete_bookings(p_before timestamptz, p_limit integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    old uuid[] := ARRAY (
        SELECT b.id FROM booking.bookings b WHERE b.starts_at < booking.bookkeeping_cutoff(p_before)
        ORDER BY b.starts_at, b.id LIMIT p_limit);
BEGIN
    DELETE FROM booking.occupancy o USING booking.booking_items i
    WHERE o.item_id = i.id AND i.booking_id = ANY (old);
    DELETE FROM booking.booking_items i WHERE i.booking_id = ANY (old);
    DELETE FROM booking.booking_history h WHERE h.booking_id = ANY (old);
    DELETE FROM booking.bookings b WHERE b.id = ANY (old);
    RETURN cardinality(old);
END
$$;

REVOKE ALL ON FUNCTION booking.delete_bookings(timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION booking.delete_bookings(timestamptz, integer) TO loctician_booking;
