CREATE FUNCTION booking.note_opening(p_loctician uuid, p_opened tstzmultirange) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO booking.openings (loctician_id, opened)
    SELECT p_loctician, ahead FROM (
        SELECT p_opened * tstzmultirange(tstzrange(booking.clock(), NULL)) AS ahead) o
    WHERE NOT isempty(ahead);
END
$$;

-- A waiting customer's first free start of this loctician that uses some of the freed time and suits the wish; rather one
-- within that time than one that begins before it.
CREATE FUNCTION booking.fitting(w booking.waitlist, p_loctician uuid, p_freed tstzmultirange) RETURNS booking.slot
LANGUAGE plpgsql STABLE AS $$
DECLARE
    found booking.slot;
    busy tstzmultirange := booking.own_times(w.customer_id);
BEGIN
    SELECT s.* INTO found FROM booking.free_slots(w.treatment_ids, p_loctician,
        greatest(lower(p_freed) - interval '1 day', w.first_day::timestamp AT TIME ZONE 'Europe/Copenhagen'),
        least(upper(p_freed), (w.last_day + 1)::timestamp AT TIME ZONE 'Europe/Copenhagen'), 100000) s
    WHERE p_freed && tstzrange(s.starts_at, s.ends_at) AND NOT busy && tstzrange(s.starts_at, s.ends_at)
        AND booking.local_day(s.starts_at) BETWEEN w.first_day AND w.last_day
        AND (w.earliest IS NULL OR (s.starts_at AT TIME ZONE 'Europe/Copenhagen')::time >= w.earliest)
        AND (w.latest IS NULL OR (s.ends_at AT TIME ZONE 'Europe/Copenhagen')
            <= booking.local_day(s.starts_at) + w.latest)
    ORDER BY NOT p_freed @> s.starts_at, s.starts_at LIMIT 1;
    RETURN found;
END
$$;

-- Offers freed time to whoever has waited longest and fits, then what is left to the next. The transaction acts as the
-- service and has the loctician's lock. Passed over: who is being offered another time at this moment, and whose account
-- is closed.
CREATE FUNCTION booking.offer(p_loctician uuid, p_freed tstzmultirange, p_except uuid DEFAULT NULL) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    waiting booking.waitlist;
    slot booking.slot;
    made booking.holds;
BEGIN
    FOR waiting IN
        SELECT w.* FROM booking.waitlist w
        WHERE w.status = 'waiting' AND w.id IS DISTINCT FROM p_except AND upper(p_freed) > booking.clock()
            AND (w.loctician_id IS NULL OR w.loctician_id = p_loctician)
            AND w.first_day <= booking.local_day(upper(p_freed)) AND w.last_day >= booking.local_day(lower(p_freed))
            AND NOT EXISTS (SELECT FROM booking.customers c WHERE c.id = w.customer_id AND NOT c.active)
        ORDER BY w.queued_at, w.id LIMIT 100
    LOOP
        slot := booking.fitting(waiting, p_loctician, p_freed);
        CONTINUE WHEN slot.starts_at IS NULL;
        PERFORM FROM booking.waitlist w WHERE w.id = waiting.id AND w.status = 'waiting' FOR UPDATE SKIP LOCKED;
        CONTINUE WHEN NOT FOUND;
        UPDATE booking.waitlist w SET status = 'offered', version = w.version + 1 WHERE w.id = waiting.id
        RETURNING * INTO waiting;
        made := ROW (booking.new_id(), waiting.customer_id, waiting.treatment_ids,
            array_fill(p_loctician, ARRAY[cardinality(waiting.treatment_ids)]), slot.starts_at, slot.ends_at,
            slot.price_amount, waiting.id, booking.clock() + booking.minutes((booking.rules()).offer_minutes),
            booking.clock());
        PERFORM booking.clear_lapsed(made.chairs);
        PERFORM booking.add_hold(made);
        PERFORM booking.record_offer(waiting, made, 'offered');
    END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION booking.offer(p_loctician uuid, p_freed tstzrange, p_except uuid DEFAULT NULL) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM booking.offer(p_loctician, tstzmultirange(p_freed), p_except);
END
$$;

DROP FUNCTION booking.fitting(booking.waitlist, uuid, tstzrange);

-- Whom a loctician's openings go to is settled under the lock of that loctician. Returns how many openings there were.
CREATE FUNCTION booking.offer_openings() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    one record;
    seen integer := 0;
BEGIN
    FOR one IN
        WITH taken AS (
            DELETE FROM booking.openings o WHERE o.id IN (
                SELECT n.id FROM booking.openings n ORDER BY n.id LIMIT 20 FOR UPDATE SKIP LOCKED)
            RETURNING o.loctician_id, o.opened
        )
        SELECT t.loctician_id, range_agg(t.opened) AS opened, count(*)::integer AS openings
        FROM taken t GROUP BY t.loctician_id ORDER BY hashtextextended(t.loctician_id::text, 0)
    LOOP
        PERFORM booking.lock_people(ARRAY[one.loctician_id]);
        PERFORM booking.offer(one.loctician_id, one.opened);
        seen := seen + one.openings;
    END LOOP;
    RETURN seen;
END
$$;

-- What a customer holds or is offered ends, and goes on to those who wait. The transaction acts as the service.
CREATE FUNCTION booking.end_holds_of(p_customer uuid) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    held booking.holds;
    ended integer := 0;
BEGIN
    PERFORM booking.lock_people(ARRAY (
        SELECT chair FROM booking.holds h, unnest(h.chairs) chair WHERE h.customer_id = p_customer));
    FOR held IN SELECT * FROM booking.holds h WHERE h.customer_id = p_customer ORDER BY h.id FOR UPDATE LOOP
        PERFORM booking.end_hold(held);
        ended := ended + 1;
    END LOOP;
    RETURN ended;
END
$$;

-- The customer's own hold must not stand in the customer's way. A lapsed one is left alone as long as the lock of its
-- chair is not held, since whoever takes that chair may be removing it. Others may have its time: not at once, as the
-- customer is about to take some of it, but when this transaction is over.
CREATE OR REPLACE FUNCTION booking.drop_own_hold(p_customer uuid, p_lapsed boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    one booking.holds;
BEGIN
    FOR one IN SELECT * FROM booking.holds h WHERE h.customer_id = p_customer AND h.waitlist_id IS NULL
        AND (p_lapsed OR h.expires_at > booking.clock()) LOOP
        PERFORM booking.note_opening(chair, tstzmultirange(tstzrange(one.starts_at, one.ends_at)))
        FROM (SELECT DISTINCT unnest(one.chairs) AS chair) c;
        PERFORM booking.drop_hold(one.id);
    END LOOP;
END
$$;

CREATE FUNCTION booking.hours_on(p_loctician uuid, p_days date[]) RETURNS tstzmultirange LANGUAGE sql STABLE AS $$
    SELECT coalesce(range_agg(w.windows), '{}') FROM booking.open_windows w
    WHERE w.loctician_id = p_loctician AND w.day = ANY (p_days)
$$;

-- Hours as calendar last published them, day by day; then the bookings that fit no longer, or again, and whoever waits
-- for what has been opened.
CREATE OR REPLACE FUNCTION booking.open_days(p_loctician uuid, p_version integer, p_days jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    days date[] := ARRAY (SELECT d.date FROM jsonb_to_recordset(p_days) AS d (date date) ORDER BY d.date);
    earlier tstzmultirange;
BEGIN
    PERFORM booking.lock_people(ARRAY[p_loctician]);
    earlier := booking.hours_on(p_loctician, days);
    INSERT INTO booking.open_windows AS known (loctician_id, day, version, windows, closed_for)
    SELECT DISTINCT ON (d.date) p_loctician, d.date, p_version, coalesce((
        SELECT range_agg(tstzrange((w ->> 'start')::timestamptz, (w ->> 'end')::timestamptz))
        FROM jsonb_array_elements(d.windows) w), '{}'), d.closed_for
    FROM jsonb_to_recordset(p_days) AS d (date date, windows jsonb, closed_for text)
    ON CONFLICT (loctician_id, day) DO UPDATE
    SET version = excluded.version, windows = excluded.windows, closed_for = excluded.closed_for
    WHERE known.version < excluded.version;
    PERFORM booking.note_opening(p_loctician, booking.hours_on(p_loctician, days) - earlier);
    PERFORM booking.check_hours(p_loctician, tstzrange(
        (days[1] - 1)::timestamptz, (days[cardinality(days)] + 2)::timestamptz));
END
$$;

-- A loctician who takes no more bookings has no hours either; one who comes back has them all again.
CREATE OR REPLACE FUNCTION booking.check_hours_of_chair() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM booking.lock_people(ARRAY[NEW.loctician_id]);
    PERFORM booking.check_hours(NEW.loctician_id, tstzrange(booking.clock(), NULL));
    IF NEW.active THEN
        PERFORM booking.note_opening(w.loctician_id, range_agg(w.windows)) FROM booking.open_windows w
        WHERE w.loctician_id = NEW.loctician_id GROUP BY w.loctician_id;
    END IF;
    RETURN NULL;
END
$$;

-- What has come within the salon's horizon since this was last looked at opens up.
CREATE FUNCTION booking.note_reach() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    earlier timestamptz := (SELECT r.until FROM booking.reach r FOR UPDATE);
    later timestamptz := booking.clock() + (booking.rules()).horizon_days * interval '24 hours';
BEGIN
    INSERT INTO booking.reach (until) VALUES (later) ON CONFLICT (only_one) DO UPDATE SET until = excluded.until;
    IF earlier < later THEN
        PERFORM booking.note_opening(w.loctician_id, range_agg(w.windows) * tstzmultirange(tstzrange(earlier, later)))
        FROM booking.open_windows w JOIN booking.locticians l ON l.loctician_id = w.loctician_id AND l.active
        WHERE w.day BETWEEN earlier::date - 1 AND later::date + 1 GROUP BY w.loctician_id;
    END IF;
END
$$;
