-- Parts bookings from their customer: what bookkeeping needs stays, each under an id of its own that nobody else has.
CREATE FUNCTION booking.part(p_bookings uuid[]) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    parted integer;
BEGIN
    UPDATE booking.bookings SET customer_id = booking.new_id(), notes = NULL, internal_notes = NULL,
        cancel_reason = NULL, walk_in_name = NULL, walk_in_phone = NULL, series_id = NULL, parted_at = booking.clock()
    WHERE id = ANY (p_bookings);
    GET DIAGNOSTICS parted = ROW_COUNT;
    UPDATE booking.booking_items i SET customer_id = b.customer_id
    FROM booking.bookings b WHERE b.id = i.booking_id AND b.id = ANY (p_bookings);
    UPDATE booking.booking_history h SET customer_id = b.customer_id
    FROM booking.bookings b WHERE b.id = h.booking_id AND b.id = ANY (p_bookings);
    RETURN parted;
END
$$;

-- The youngest first: those just due lie next to p_before, and the many that are parted already behind them.
CREATE FUNCTION booking.part_old(p_before timestamptz, p_limit integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    old uuid[] := ARRAY (
        SELECT b.id FROM booking.bookings b WHERE b.starts_at < p_before AND b.parted_at IS NULL
        ORDER BY b.starts_at DESC, b.id DESC LIMIT p_limit);
BEGIN
    UPDATE booking.booking_history SET actor_id = NULL WHERE booking_id = ANY (old) AND actor_id IS NOT NULL;
    RETURN booking.part(old);
END
$$;

-- What began before this moment belongs to a financial year that had ended by p_before, five years ago at the least.
CREATE FUNCTION booking.books_closed(p_before timestamptz) RETURNS timestamptz LANGUAGE sql STABLE
RETURN date_trunc('year', least(p_before, booking.clock() - interval '5 years'), 'Europe/Copenhagen');

-- The service's role may delete neither bookings nor their history; this does, and only what the books need no more.
CREATE FUNCTION booking.remove_bookings(p_before timestamptz, p_limit integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    old uuid[] := ARRAY (
        SELECT b.id FROM booking.bookings b WHERE b.starts_at < booking.books_closed(p_before)
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

REVOKE ALL ON FUNCTION booking.remove_bookings(timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION booking.remove_bookings(timestamptz, integer) TO loctician_booking;
