-- Offers to the waitlist: which times suit a wish. services/booking/waitlist/offers.py decides who is offered what.

-- The loctician of each treatment of a slot.
CREATE OR REPLACE FUNCTION booking.slot_performers(p_slot booking.slot, p_treatments uuid[]) RETURNS uuid[]
LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(
        (SELECT array_agg((part ->> 'loctician_id')::uuid ORDER BY place)
        FROM jsonb_array_elements(p_slot.parts) WITH ORDINALITY AS list (part, place)),
        array_fill(p_slot.loctician_id, ARRAY[cardinality(p_treatments)]))
$$;

-- Whether the time is on the days and between the clock times of the wish, in Copenhagen.
CREATE OR REPLACE FUNCTION booking.suits(w booking.waitlist, p_start timestamptz, p_end timestamptz) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT booking.local_day(p_start) BETWEEN w.first_day AND w.last_day
        AND (w.earliest IS NULL OR (p_start AT TIME ZONE 'Europe/Copenhagen')::time >= w.earliest)
        AND (w.latest IS NULL OR (p_end AT TIME ZONE 'Europe/Copenhagen') <= booking.local_day(p_start) + w.latest)
$$;

-- When a customer is not to be offered another time: active bookings, and times that are on offer to the customer.
CREATE OR REPLACE FUNCTION booking.promised_times(p_customer uuid) RETURNS tstzmultirange LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN booking.customer_times(p_customer) + (
        SELECT coalesce(range_agg(tstzrange(h.starts_at, h.ends_at)), '{}') FROM booking.holds h
        WHERE h.customer_id = p_customer AND h.waitlist_id IS NOT NULL AND h.expires_at > booking.clock());
END
$$;

-- The slots for these treatments that use some of the times of this loctician, buffers included: performed by the
-- loctician alone or, when nobody performs all of it, in a sitting of several.
CREATE OR REPLACE FUNCTION booking.slots_using(p_treatments uuid[], p_loctician uuid, p_times tstzmultirange)
RETURNS SETOF booking.slot LANGUAGE plpgsql STABLE AS $$
DECLARE
    since timestamptz := lower(p_times) - interval '1 day';
    until timestamptz := upper(p_times) + interval '1 day';
    taken int4range := (SELECT range_merge(s.blocked) FROM booking.sittings(p_treatments, p_loctician) s);
BEGIN
    IF taken IS NOT NULL THEN
        RETURN QUERY SELECT s.* FROM booking.free_slots(p_treatments, p_loctician, since, until, 100000) s
        WHERE p_times && tstzrange(
            s.starts_at + booking.minutes(lower(taken)), s.starts_at + booking.minutes(upper(taken)));
    ELSIF booking.must_share(p_treatments, NULL)
        AND EXISTS (SELECT FROM booking.treatments_by_loctician(p_treatments, p_loctician)) THEN
        RETURN QUERY SELECT s.* FROM booking.free_slots(p_treatments, NULL, since, until, 100000) s
        WHERE EXISTS (
            SELECT FROM jsonb_to_recordset(s.parts) AS p (service_id uuid, loctician_id uuid, "from" integer,
                "to" integer) JOIN booking.treatments t ON t.id = p.service_id
            WHERE p.loctician_id = p_loctician AND p_times && tstzrange(
                s.starts_at + booking.minutes(p."from" - t.buffer_before_minutes),
                s.starts_at + booking.minutes(p."to" + t.buffer_after_minutes)));
    END IF;
END
$$;

-- The first slot that suits the wish and at which its customer is free, or none.
-- Arguments: p_contested: also slots in times that were freed and not offered to all who wait for them yet.
CREATE OR REPLACE FUNCTION booking.first_slot_for(p_entry uuid, p_contested boolean) RETURNS SETOF booking.slot
LANGUAGE plpgsql STABLE AS $$
DECLARE
    w booking.waitlist;
    busy tstzmultirange;
    since timestamptz;
    until timestamptz;
    last timestamptz;
    days integer := 2;
BEGIN
    SELECT * INTO w FROM booking.waitlist e WHERE e.id = p_entry;
    busy := booking.promised_times(w.customer_id);
    since := greatest(booking.clock(), w.first_day::timestamp AT TIME ZONE 'Europe/Copenhagen');
    last := least((w.last_day + 1)::timestamp AT TIME ZONE 'Europe/Copenhagen',
        booking.clock() + ((booking.rules()).horizon_days + 1) * interval '1 day');
    WHILE since < last LOOP
        until := least(since + days * interval '1 day', last);
        RETURN QUERY SELECT s.* FROM booking.free_slots(w.treatment_ids, w.loctician_id, since, until, 100000) s
        WHERE booking.suits(w, s.starts_at, s.ends_at) AND NOT busy && tstzrange(s.starts_at, s.ends_at)
            AND (p_contested OR NOT EXISTS (
                SELECT FROM booking.freed_times f
                WHERE f.loctician_id = ANY (booking.slot_performers(s, w.treatment_ids))
                    AND f.times && tstzrange(s.starts_at, s.ends_at)))
        ORDER BY s.starts_at, s.loctician_id LIMIT 1;
        EXIT WHEN FOUND;
        since := until;
        days := least(2 * days, 14);
    END LOOP;
END
$$;

-- Has the job look for free time for the wishes of a customer who has time again, but for p_except. Those that were
-- offered a time once have seen what is free, and wait for time that becomes free. The caller acts as the service.
CREATE OR REPLACE FUNCTION booking.examine_wishes_of(p_customer uuid, p_except uuid DEFAULT NULL) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE booking.waitlist w SET unexamined = true
    WHERE w.customer_id = p_customer AND w.status = 'waiting' AND w.queued_at = w.created_at
        AND w.id IS DISTINCT FROM p_except;
END
$$;

-- Has the job look for free time for wishes that could not be offered it before, because the account was closed.
CREATE OR REPLACE FUNCTION booking.examine_wishes_again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE booking.waitlist w SET unexamined = true WHERE w.status = 'waiting' AND w.customer_id = NEW.id;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER examine_wishes_again AFTER UPDATE OF active ON booking.customers
FOR EACH ROW WHEN (NEW.active AND NOT OLD.active) EXECUTE FUNCTION booking.examine_wishes_again();
