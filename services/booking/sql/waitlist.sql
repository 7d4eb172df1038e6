-- The waitlist: joining, leaving, and offering times that come free.

-- An entry of the waitlist as the application reads it, with its open offer.
CREATE OR REPLACE FUNCTION booking.waitlist_entry_json(w booking.waitlist) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
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

-- Stores when an entry of the waitlist was accepted.
CREATE OR REPLACE FUNCTION booking.set_answered_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.answered_at := CASE WHEN NEW.status = 'accepted' THEN booking.clock() END;
    RETURN NEW;
END
$$;

CREATE OR REPLACE TRIGGER set_answered_at BEFORE UPDATE OF status ON booking.waitlist
FOR EACH ROW WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION booking.set_answered_at();

-- Emits `waitlist.<p_change>.v1` for an offer: offered, accepted or expired.
CREATE OR REPLACE FUNCTION booking.emit_waitlist_event(w booking.waitlist, h booking.holds, p_change text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM booking.emit(booking.new_id(), 'waitlist.' || p_change || '.v1', w.id::text, w.version, jsonb_build_object(
        'version', w.version, 'waitlist_id', w.id, 'offer_id', h.id, 'customer_id', w.customer_id,
        'loctician_id', h.performer_ids[1], 'treatment_ids', h.treatment_ids, 'start', booking.utc(h.starts_at),
        'end', booking.utc(h.ends_at), 'expires_at', booking.utc(h.expires_at)));
END
$$;

-- The code of the rule that forbids waiting for this; NULL when none does. p_last_day: in Copenhagen.
CREATE OR REPLACE FUNCTION booking.broken_waitlist_rule(p_treatments uuid[], p_loctician uuid, p_last_day date)
RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN CASE
        WHEN p_last_day < booking.local_day(booking.clock()) THEN 'in_past'
        WHEN (SELECT count(*) FROM booking.treatments t WHERE t.active AND t.id = ANY (p_treatments))
            < cardinality(p_treatments) THEN 'unknown_treatment'
        WHEN p_loctician IS NOT NULL AND NOT EXISTS (
            SELECT FROM booking.locticians l WHERE l.active AND l.loctician_id = p_loctician) THEN 'unknown_loctician'
        WHEN (SELECT count(DISTINCT o.place) FROM booking.treatments_by_loctician(p_treatments, p_loctician) o)
            < cardinality(p_treatments) THEN 'treatment_not_offered'
    END;
END
$$;

-- Adds an entry: POST /waitlist.
-- Request: customer_id, service_ids, loctician_id, first_day, last_day, earliest, latest, require_verified, key,
-- request_hash.
-- Raises LB001 of claim_idempotency_key, check_customer and broken_waitlist_rule, too_many_wishes above ten open
-- entries.
-- Locks: the idempotency key, lock_people (the customer).
CREATE OR REPLACE FUNCTION booking.join_waitlist(p_claims jsonb, p_request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    customer uuid := (p_request ->> 'customer_id')::uuid;
    treatments uuid[] := booking.uuids(p_request -> 'service_ids');
    loctician uuid := (p_request ->> 'loctician_id')::uuid;
    reason text;
    entry booking.waitlist;
    answer jsonb;
BEGIN
    PERFORM booking.act_as(p_claims);
    answer := booking.claim_idempotency_key(p_request);
    IF answer IS NOT NULL THEN
        RETURN answer;
    END IF;
    PERFORM booking.check_customer(customer, (p_request ->> 'require_verified')::boolean);
    PERFORM booking.lock_people(ARRAY[customer]);
    reason := booking.broken_waitlist_rule(treatments, loctician, (p_request ->> 'last_day')::date);
    IF reason IS NOT NULL THEN
        PERFORM booking.refuse(reason);
    ELSIF (SELECT count(*) FROM booking.waitlist w WHERE w.customer_id = customer
        AND w.status <> 'accepted' AND w.last_day >= booking.local_day(booking.clock())) >= 10 THEN
        PERFORM booking.refuse('too_many_wishes');
    END IF;
    INSERT INTO booking.waitlist (id, customer_id, treatment_ids, loctician_id, first_day, last_day, earliest, latest,
        queued_at, created_at)
    VALUES (booking.new_id(), customer, treatments, loctician, (p_request ->> 'first_day')::date,
        (p_request ->> 'last_day')::date, (p_request ->> 'earliest')::time, (p_request ->> 'latest')::time,
        booking.clock(), booking.clock())
    RETURNING * INTO entry;
    RETURN booking.store_answer(p_request, booking.waitlist_entry_json(entry));
END
$$;

-- A page of the entries that the caller sees, by when they were made. Filter: customer_id, after_at and after_id,
-- limit.
CREATE OR REPLACE FUNCTION booking.list_waitlist(p_claims jsonb, p_filter jsonb) RETURNS SETOF jsonb
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM booking.act_as(p_claims);
    RETURN QUERY SELECT booking.waitlist_entry_json(w) FROM booking.waitlist w
    WHERE (NOT p_filter ? 'customer_id' OR w.customer_id = (p_filter ->> 'customer_id')::uuid)
        AND (NOT p_filter ? 'after_id' OR (w.created_at, w.id)
            > ((p_filter ->> 'after_at')::timestamptz, (p_filter ->> 'after_id')::uuid))
    ORDER BY w.created_at, w.id LIMIT (p_filter ->> 'limit')::integer;
END
$$;

-- Removes an entry; an open offer goes to the next. Request: id.
-- Raises LB001 not_found. Locks: lock_people (locticians of the offer), the offer's hold FOR UPDATE, then what offers
-- lock.
CREATE OR REPLACE FUNCTION booking.leave_waitlist(p_claims jsonb, p_request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    offered booking.holds;
BEGIN
    PERFORM booking.act_as(p_claims);
    PERFORM FROM booking.waitlist w WHERE w.id = (p_request ->> 'id')::uuid;
    IF NOT FOUND THEN
        PERFORM booking.refuse('not_found');
    END IF;
    PERFORM booking.act_as_service();
    SELECT * INTO offered FROM booking.holds h WHERE h.waitlist_id = (p_request ->> 'id')::uuid;
    PERFORM booking.lock_people(offered.performer_ids);
    SELECT * INTO offered FROM booking.holds h WHERE h.waitlist_id = (p_request ->> 'id')::uuid FOR UPDATE;
    IF offered.id IS NOT NULL THEN
        PERFORM booking.end_hold(offered);
    END IF;
    DELETE FROM booking.waitlist w WHERE w.id = (p_request ->> 'id')::uuid;
    RETURN '{}';
END
$$;

-- Notes what of these times lies ahead as freed: a job offers it to the waitlist within seconds.
CREATE OR REPLACE FUNCTION booking.note_freed_time(p_loctician uuid, p_times tstzmultirange) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO booking.freed_times (loctician_id, times)
    SELECT p_loctician, ahead FROM (
        SELECT p_times * tstzmultirange(tstzrange(booking.clock(), NULL)) AS ahead) o
    WHERE NOT isempty(ahead);
END
$$;

-- The first free slot of this loctician that uses some of the freed time and suits the entry; rather one that begins
-- within the freed time than one that begins before it. NULLs when none does.
CREATE OR REPLACE FUNCTION booking.fitting_slot(w booking.waitlist, p_loctician uuid, p_freed tstzmultirange)
RETURNS booking.slot LANGUAGE plpgsql STABLE AS $$
DECLARE
    slot booking.slot;
    busy tstzmultirange := booking.customer_times(w.customer_id);
BEGIN
    SELECT s.* INTO slot FROM booking.free_slots(w.treatment_ids, p_loctician,
        greatest(lower(p_freed) - interval '1 day', w.first_day::timestamp AT TIME ZONE 'Europe/Copenhagen'),
        least(upper(p_freed), (w.last_day + 1)::timestamp AT TIME ZONE 'Europe/Copenhagen'), 100000) s
    WHERE p_freed && tstzrange(s.starts_at, s.ends_at) AND NOT busy && tstzrange(s.starts_at, s.ends_at)
        AND booking.local_day(s.starts_at) BETWEEN w.first_day AND w.last_day
        AND (w.earliest IS NULL OR (s.starts_at AT TIME ZONE 'Europe/Copenhagen')::time >= w.earliest)
        AND (w.latest IS NULL OR (s.ends_at AT TIME ZONE 'Europe/Copenhagen')
            <= booking.local_day(s.starts_at) + w.latest)
    ORDER BY NOT p_freed @> s.starts_at, s.starts_at LIMIT 1;
    RETURN slot;
END
$$;

-- The same where nobody performs all of it: the first shared sitting in which this loctician's part uses some of the
-- freed time.
CREATE OR REPLACE FUNCTION booking.fitting_shared_slot(w booking.waitlist, p_loctician uuid, p_freed tstzmultirange)
RETURNS booking.slot LANGUAGE plpgsql STABLE AS $$
DECLARE
    freed tstzrange;
    slot booking.slot;
    busy tstzmultirange := booking.customer_times(w.customer_id);
    days tstzmultirange := tstzmultirange(tstzrange(
        w.first_day::timestamp AT TIME ZONE 'Europe/Copenhagen',
        (w.last_day + 1)::timestamp AT TIME ZONE 'Europe/Copenhagen'));
BEGIN
    FOR freed IN
        SELECT part FROM unnest(p_freed * days) part
        WHERE EXISTS (SELECT FROM booking.treatments_by_loctician(w.treatment_ids, p_loctician)) ORDER BY part
    LOOP
        SELECT s.* INTO slot FROM booking.free_slots(
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
        EXIT WHEN slot.starts_at IS NOT NULL;
    END LOOP;
    RETURN slot;
END
$$;

-- What suits the entry of the time that this loctician has free again, and may be promised. Of a shared sitting the
-- locks of the other locticians are taken too, without entry. When somebody else has one of them, the time is noted
-- as freed once more and tried later. The caller holds the loctician's lock.
CREATE OR REPLACE FUNCTION booking.claim_fitting_slot(w booking.waitlist, p_loctician uuid, p_freed tstzmultirange)
RETURNS booking.slot LANGUAGE plpgsql AS $$
DECLARE
    unlocked booking.slot;
    slot booking.slot;
BEGIN
    IF NOT booking.must_share(w.treatment_ids, w.loctician_id) THEN
        RETURN booking.fitting_slot(w, p_loctician, p_freed);
    END IF;
    unlocked := booking.fitting_shared_slot(w, p_loctician, p_freed);
    IF unlocked.starts_at IS NULL THEN
        RETURN NULL;
    END IF;
    IF booking.try_lock_people(booking.slot_performers(unlocked, w.treatment_ids)) THEN
        slot := booking.fitting_shared_slot(w, p_loctician, p_freed);
    END IF;
    IF slot IS DISTINCT FROM unlocked THEN
        PERFORM booking.note_freed_time(p_loctician, p_freed);
        RETURN NULL;
    END IF;
    RETURN slot;
END
$$;

-- The loctician of each treatment of a slot.
CREATE OR REPLACE FUNCTION booking.slot_performers(p_slot booking.slot, p_treatments uuid[]) RETURNS uuid[]
LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(
        (SELECT array_agg((part ->> 'loctician_id')::uuid ORDER BY place)
        FROM jsonb_array_elements(p_slot.parts) WITH ORDINALITY AS each (part, place)),
        array_fill(p_slot.loctician_id, ARRAY[cardinality(p_treatments)]))
$$;

-- Offers freed time to whoever has waited longest and fits, then what is left to the next.
-- Arguments: p_except: an entry that is passed over. Passed over too: entries that another transaction is offering a
-- time at this moment, and customers whose account is closed. The transaction acts as the service and holds the
-- loctician's lock. Locks: try_lock_people for shared sittings, the entry FOR UPDATE SKIP LOCKED.
CREATE OR REPLACE FUNCTION booking.offer_time(p_loctician uuid, p_freed tstzmultirange, p_except uuid DEFAULT NULL)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    entry booking.waitlist;
    slot booking.slot;
    h booking.holds;
BEGIN
    FOR entry IN
        SELECT w.* FROM booking.waitlist w
        WHERE w.status = 'waiting' AND w.id IS DISTINCT FROM p_except AND upper(p_freed) > booking.clock()
            AND (w.loctician_id IS NULL OR w.loctician_id = p_loctician)
            AND w.first_day <= booking.local_day(upper(p_freed)) AND w.last_day >= booking.local_day(lower(p_freed))
            AND NOT EXISTS (SELECT FROM booking.customers c WHERE c.id = w.customer_id AND NOT c.active)
        ORDER BY w.queued_at, w.id LIMIT 100
    LOOP
        slot := booking.claim_fitting_slot(entry, p_loctician, p_freed);
        CONTINUE WHEN slot.starts_at IS NULL;
        PERFORM FROM booking.waitlist w WHERE w.id = entry.id AND w.status = 'waiting' FOR UPDATE SKIP LOCKED;
        CONTINUE WHEN NOT FOUND;
        UPDATE booking.waitlist w SET status = 'offered', version = w.version + 1 WHERE w.id = entry.id
        RETURNING * INTO entry;
        h := ROW (booking.new_id(), entry.customer_id, entry.treatment_ids,
            booking.slot_performers(slot, entry.treatment_ids), slot.starts_at, slot.ends_at,
            slot.price_amount, entry.id, booking.clock() + booking.minutes((booking.rules()).offer_minutes),
            booking.clock());
        PERFORM booking.delete_lapsed_occupancy(h.performer_ids);
        PERFORM booking.add_hold(h);
        PERFORM booking.emit_waitlist_event(entry, h, 'offered');
    END LOOP;
END
$$;

-- The same for one range.
CREATE OR REPLACE FUNCTION booking.offer_time(p_loctician uuid, p_freed tstzrange, p_except uuid DEFAULT NULL)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM booking.offer_time(p_loctician, tstzmultirange(p_freed), p_except);
END
$$;

-- Offers up to 20 freed times. Returns how many. The transaction acts as the service.
-- Locks: the freed times FOR UPDATE SKIP LOCKED, then lock_people (all their locticians, before the first offer: an
-- offer may take locks of others without waiting, after which none may be waited for).
CREATE OR REPLACE FUNCTION booking.offer_freed_times() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    freed booking.freed_times[];
    f record;
BEGIN
    WITH deleted AS (
        DELETE FROM booking.freed_times o WHERE o.id IN (
            SELECT n.id FROM booking.freed_times n ORDER BY n.id LIMIT 20 FOR UPDATE SKIP LOCKED)
        RETURNING o AS deleted_row
    )
    SELECT array_agg(d.deleted_row) INTO freed FROM deleted d;
    PERFORM booking.lock_people(ARRAY (SELECT t.loctician_id FROM unnest(freed) t));
    FOR f IN
        SELECT t.loctician_id, range_agg(t.times) AS times FROM unnest(freed) t GROUP BY t.loctician_id
        ORDER BY t.loctician_id
    LOOP
        PERFORM booking.offer_time(f.loctician_id, f.times);
    END LOOP;
    RETURN coalesce(cardinality(freed), 0);
END
$$;
