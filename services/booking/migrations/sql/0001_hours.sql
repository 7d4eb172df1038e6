-- Hours as calendar last published them, day by day; then the bookings that fit no longer, or again.
CREATE FUNCTION booking.open_days(p_loctician uuid, p_version integer, p_days jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    first date;
    last date;
BEGIN
    PERFORM booking.lock_people(ARRAY[p_loctician]);
    INSERT INTO booking.open_windows AS known (loctician_id, day, version, windows, closed_for)
    SELECT DISTINCT ON (d.date) p_loctician, d.date, p_version, coalesce((
        SELECT range_agg(tstzrange((w ->> 'start')::timestamptz, (w ->> 'end')::timestamptz))
        FROM jsonb_array_elements(d.windows) w), '{}'), d.closed_for
    FROM jsonb_to_recordset(p_days) AS d (date date, windows jsonb, closed_for text)
    ON CONFLICT (loctician_id, day) DO UPDATE
    SET version = excluded.version, windows = excluded.windows, closed_for = excluded.closed_for
    WHERE known.version < excluded.version;
    SELECT min(d.date), max(d.date) INTO first, last FROM jsonb_to_recordset(p_days) AS d (date date);
    PERFORM booking.check_hours(p_loctician, tstzrange((first - 1)::timestamptz, (last + 2)::timestamptz));
END
$$

CREATE FUNCTION booking.fits_hours(p_booking uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN NOT EXISTS (
        SELECT FROM booking.booking_items i LEFT JOIN booking.locticians l ON l.loctician_id = i.loctician_id
        WHERE i.booking_id = p_booking AND i.active AND NOT (coalesce(l.active, false) AND i.during <@ coalesce((
            SELECT range_agg(w.windows) FROM booking.open_windows w WHERE w.loctician_id = i.loctician_id
                AND w.day BETWEEN lower(i.during)::date - 1 AND upper(i.during)::date + 1), '{}'))
    );
END
$$

-- Flags a loctician's coming bookings that no longer lie within hours, and unflags those that do again. They stay as they
-- are: what to do about them is for people to decide. The caller has the loctician's lock.
CREATE FUNCTION booking.check_hours(p_loctician uuid, p_during tstzrange) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    b booking.bookings;
    fits boolean;
BEGIN
    FOR b IN
        SELECT * FROM booking.bookings WHERE id IN (
            SELECT i.booking_id FROM booking.occupancy o JOIN booking.booking_items i ON i.id = o.item_id
            WHERE o.loctician_id = p_loctician AND o.active
                AND o.blocked && (p_during * tstzrange(booking.clock(), NULL))
        ) AND status IN ('pending', 'confirmed') ORDER BY id FOR UPDATE
    LOOP
        fits := booking.fits_hours(b.id);
        CONTINUE WHEN fits = (b.conflicted_at IS NULL);
        UPDATE booking.bookings SET conflicted_at = CASE WHEN NOT fits THEN booking.clock() END,
            updated_at = booking.clock(), version = version + 1
        WHERE id = b.id RETURNING * INTO b;
        PERFORM booking.record(b, CASE WHEN fits THEN 'fits_again' ELSE 'conflicted' END,
            CASE WHEN NOT fits THEN 'hours_changed' END);
    END LOOP;
END
$$

-- A loctician who takes no more bookings has no hours either.
CREATE FUNCTION booking.check_hours_of_chair() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM booking.lock_people(ARRAY[NEW.loctician_id]);
    PERFORM booking.check_hours(NEW.loctician_id, tstzrange(booking.clock(), NULL));
    RETURN NULL;
END
$$

CREATE TRIGGER check_hours_of_chair AFTER UPDATE OF active ON booking.locticians
FOR EACH ROW WHEN (OLD.active <> NEW.active) EXECUTE FUNCTION booking.check_hours_of_chair()
