-- Whether the locks of all of these people could be had at once. Does not wait, so it may be asked by who has some already.
CREATE FUNCTION booking.try_lock_people(p_people uuid[]) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT bool_and(pg_try_advisory_xact_lock(hashtextextended(p::text, 0))) FROM unnest(p_people) p);
END
$$;

-- As booking.fitting(), where nobody performs all that is waited for: the first sitting that locticians share in which this
-- one's part uses some of the freed time.
CREATE FUNCTION booking.fitting_shared(w booking.waitlist, p_loctician uuid, p_freed tstzmultirange) RETURNS booking.slot
LANGUAGE plpgsql STABLE AS $$
DECLARE
    freed tstzrange;
    found booking.slot;
    busy tstzmultirange := booking.own_times(w.customer_id);
    days tstzmultirange := tstzmultirange(tstzrange(
        w.first_day::timestamp AT TIME ZONE 'Europe/Copenhagen',
        (w.last_day + 1)::timestamp AT TIME ZONE 'Europe/Copenhagen'));
BEGIN
    FOR freed IN
        SELECT part FROM unnest(p_freed * days) part
        WHERE EXISTS (SELECT FROM booking.offers(w.treatment_ids, p_loctician)) ORDER BY part
    LOOP
        SELECT s.* INTO found FROM booking.free_slots(
            w.treatment_ids, NULL, lower(freed) - interval '1 day', upper(freed), 100000) s
        WHERE NOT busy && tstzrange(s.starts_at, s.ends_at)
            AND booking.local_day(s.starts_at) BETWEEN w.first_day AND w.last_day
            AND (w.earliest IS NULL OR (s.starts_at AT TIME ZONE 'Europe/Copenhagen')::time >= w.earliest)
            AND (w.latest IS NULL OR (s.ends_at AT TIME ZONE 'Europe/Copenhagen')
                <= booking.local_day(s.starts_at) + w.latest)
            AND EXISTS (
                SELECT FROM jsonb_to_recordset(s.parts) AS part (loctician_id uuid, "from" integer, "to" integer)
                WHERE part.loctician_id = p_loctician AND freed && tstzrange(
                    s.starts_at + booking.minutes(part."from"), s.starts_at + booking.minutes(part."to")))
        ORDER BY s.starts_at LIMIT 1;
        EXIT WHEN found.starts_at IS NOT NULL;
    END LOOP;
    RETURN found;
END
$$;

-- What suits a waiting customer of the time that this loctician has free again, and may be promised: of a shared sitting the
-- other locticians' locks are taken, too. Where somebody else has one of them, the time is looked at again later.
CREATE FUNCTION booking.claim_fitting(w booking.waitlist, p_loctician uuid, p_freed tstzmultirange) RETURNS booking.slot
LANGUAGE plpgsql AS $$
DECLARE
    seen booking.slot;
    found booking.slot;
BEGIN
    IF NOT booking.must_share(w.treatment_ids, w.loctician_id) THEN
        RETURN booking.fitting(w, p_loctician, p_freed);
    END IF;
    seen := booking.fitting_shared(w, p_loctician, p_freed);
    IF seen.starts_at IS NULL THEN
        RETURN NULL;
    END IF;
    IF booking.try_lock_people(booking.chairs_of(seen, w.treatment_ids)) THEN
        found := booking.fitting_shared(w, p_loctician, p_freed);
    END IF;
    IF found IS DISTINCT FROM seen THEN
        PERFORM booking.note_opening(p_loctician, p_freed);
        RETURN NULL;
    END IF;
    RETURN found;
END
$$;

-- The loctician of each treatment.
CREATE FUNCTION booking.chairs_of(p_slot booking.slot, p_treatments uuid[]) RETURNS uuid[] LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(
        (SELECT array_agg((part ->> 'loctician_id')::uuid ORDER BY place)
        FROM jsonb_array_elements(p_slot.parts) WITH ORDINALITY AS each (part, place)),
        array_fill(p_slot.loctician_id, ARRAY[cardinality(p_treatments)]))
$$;

-- Offers freed time to whoever has waited longest and fits, then what is left to the next. The transaction acts as the
-- service and has the loctician's lock. Passed over: who is being offered another time at this moment, and whose account
-- is closed.
CREATE OR REPLACE FUNCTION booking.offer(p_loctician uuid, p_freed tstzmultirange, p_except uuid DEFAULT NULL)
RETURNS void LANGUAGE plpgsql AS $$
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
        slot := booking.claim_fitting(waiting, p_loctician, p_freed);
        CONTINUE WHEN slot.starts_at IS NULL;
        PERFORM FROM booking.waitlist w WHERE w.id = waiting.id AND w.status = 'waiting' FOR UPDATE SKIP LOCKED;
        CONTINUE WHEN NOT FOUND;
        UPDATE booking.waitlist w SET status = 'offered', version = w.version + 1 WHERE w.id = waiting.id
        RETURNING * INTO waiting;
        made := ROW (booking.new_id(), waiting.customer_id, waiting.treatment_ids,
            booking.chairs_of(slot, waiting.treatment_ids), slot.starts_at, slot.ends_at,
            slot.price_amount, waiting.id, booking.clock() + booking.minutes((booking.rules()).offer_minutes),
            booking.clock());
        PERFORM booking.clear_lapsed(made.chairs);
        PERFORM booking.add_hold(made);
        PERFORM booking.record_offer(waiting, made, 'offered');
    END LOOP;
END
$$;

-- Whom openings go to is settled under the locks of their locticians, all taken before the first is offered: what is
-- offered may take the locks of others without waiting, after which none may be waited for. Returns how many there were.
CREATE OR REPLACE FUNCTION booking.offer_openings() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    taken booking.openings[];
    one record;
BEGIN
    WITH gone AS (
        DELETE FROM booking.openings o WHERE o.id IN (
            SELECT n.id FROM booking.openings n ORDER BY n.id LIMIT 20 FOR UPDATE SKIP LOCKED)
        RETURNING o AS one
    )
    SELECT array_agg(g.one) INTO taken FROM gone g;
    PERFORM booking.lock_people(ARRAY (SELECT t.loctician_id FROM unnest(taken) t));
    FOR one IN
        SELECT t.loctician_id, range_agg(t.opened) AS opened FROM unnest(taken) t GROUP BY t.loctician_id
        ORDER BY t.loctician_id
    LOOP
        PERFORM booking.offer(one.loctician_id, one.opened);
    END LOOP;
    RETURN coalesce(cardinality(taken), 0);
END
$$;

CREATE OR REPLACE FUNCTION booking.broken_wish(p_treatments uuid[], p_loctician uuid, p_last_day date) RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN CASE
        WHEN p_last_day < booking.local_day(booking.clock()) THEN 'in_past'
        WHEN (SELECT count(*) FROM booking.treatments t WHERE t.active AND t.id = ANY (p_treatments))
            < cardinality(p_treatments) THEN 'unknown_treatment'
        WHEN p_loctician IS NOT NULL AND NOT EXISTS (
            SELECT FROM booking.locticians l WHERE l.active AND l.loctician_id = p_loctician) THEN 'unknown_loctician'
        WHEN (SELECT count(DISTINCT o.place) FROM booking.offers(p_treatments, p_loctician) o)
            < cardinality(p_treatments) THEN 'treatment_not_offered'
    END;
END
$$;

CREATE OR REPLACE FUNCTION booking.waiting_json(w booking.waitlist) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN jsonb_build_object(
        'id', w.id, 'customer_id', w.customer_id, 'service_ids', w.treatment_ids, 'loctician_id', w.loctician_id,
        'first_day', w.first_day, 'last_day', w.last_day, 'earliest', to_char(w.earliest, 'HH24:MI'),
        'latest', to_char(w.latest, 'HH24:MI'), 'status', w.status, 'version', w.version,
        'created_at', booking.utc(w.created_at),
        'offer', (
            SELECT booking.hold_json(h)
            FROM booking.holds h WHERE h.waitlist_id = w.id AND h.expires_at > booking.clock())
    );
END
$$;
