-- Opening hours of locticians, and the bookings that do not fit them.

-- The opening hours of a loctician on these days.
CREATE OR REPLACE FUNCTION booking.open_hours_on(p_loctician uuid, p_days date[]) RETURNS tstzmultirange
LANGUAGE sql STABLE AS $$
    SELECT coalesce(range_agg(w.windows), '{}') FROM booking.open_windows w
    WHERE w.loctician_id = p_loctician AND w.day = ANY (p_days)
$$;

-- Whether each item of a booking lies within its loctician's hours, and the loctician is active.
CREATE OR REPLACE FUNCTION booking.fits_open_hours(p_booking uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN NOT EXISTS (
        SELECT FROM booking.booking_items i LEFT JOIN booking.locticians l ON l.loctician_id = i.loctician_id
        WHERE i.booking_id = p_booking AND i.active AND NOT (coalesce(l.active, false) AND i.during <@ coalesce((
            SELECT range_agg(w.windows) FROM booking.open_windows w WHERE w.loctician_id = i.loctician_id
                AND w.day BETWEEN lower(i.during)::date - 1 AND upper(i.during)::date + 1), '{}'))
    );
END
$$;

-- Marks coming bookings of a loctician that no longer lie within hours as conflicted, and unmarks those that do again.
-- The bookings stay: people decide what to do about them. The caller holds the loctician's lock. Locks: the bookings
-- FOR UPDATE, in the order of their ids.
CREATE OR REPLACE FUNCTION booking.flag_conflicts(p_loctician uuid, p_during tstzrange) RETURNS void
LANGUAGE plpgsql AS $$
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
        fits := booking.fits_open_hours(b.id);
        CONTINUE WHEN fits = (b.conflicted_at IS NULL);
        UPDATE booking.bookings SET conflicted_at = CASE WHEN NOT fits THEN booking.clock() END,
            updated_at = booking.clock(), version = version + 1
        WHERE id = b.id RETURNING * INTO b;
        PERFORM booking.record_change(b, CASE WHEN fits THEN 'fits_again' ELSE 'conflicted' END,
            CASE WHEN NOT fits THEN 'hours_changed' END);
    END LOOP;
END
$$;

-- Stores hours as calendar published them, day by day; the newest version of a day counts. Then marks the bookings that
-- no longer fit, and notes newly opened times for the waitlist.
-- Arguments: p_days: [{"date", "windows": [{"start", "end"}], "closed_for"}].
-- Locks: lock_people (the loctician), then the bookings FOR UPDATE.
CREATE OR REPLACE FUNCTION booking.set_open_days(p_loctician uuid, p_version integer, p_days jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    days date[] := ARRAY (SELECT d.date FROM jsonb_to_recordset(p_days) AS d (date date) ORDER BY d.date);
    former_hours tstzmultirange;
BEGIN
    PERFORM booking.lock_people(ARRAY[p_loctician]);
    former_hours := booking.open_hours_on(p_loctician, days);
    INSERT INTO booking.open_windows AS stored (loctician_id, day, version, windows, closed_for)
    SELECT DISTINCT ON (d.date) p_loctician, d.date, p_version, coalesce((
        SELECT range_agg(tstzrange((w ->> 'start')::timestamptz, (w ->> 'end')::timestamptz))
        FROM jsonb_array_elements(d.windows) w), '{}'), d.closed_for
    FROM jsonb_to_recordset(p_days) AS d (date date, windows jsonb, closed_for text)
    ON CONFLICT (loctician_id, day) DO UPDATE
    SET version = excluded.version, windows = excluded.windows, closed_for = excluded.closed_for
    WHERE stored.version < excluded.version;
    PERFORM booking.note_freed_time(p_loctician, booking.open_hours_on(p_loctician, days) - former_hours);
    PERFORM booking.flag_conflicts(p_loctician, tstzrange(
        (days[1] - 1)::timestamptz, (days[cardinality(days)] + 2)::timestamptz));
END
$$;

-- A loctician who takes no more bookings has no hours either; one who comes back has them all again.
CREATE OR REPLACE FUNCTION booking.flag_conflicts_of_loctician() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM booking.lock_people(ARRAY[NEW.loctician_id]);
    PERFORM booking.flag_conflicts(NEW.loctician_id, tstzrange(booking.clock(), NULL));
    PERFORM booking.note_open_hours(NEW.loctician_id, tstzrange(booking.clock(), NULL));
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER flag_conflicts AFTER UPDATE OF active ON booking.locticians
FOR EACH ROW WHEN (OLD.active <> NEW.active) EXECUTE FUNCTION booking.flag_conflicts_of_loctician();
