-- Choosing a sitting and locking what it claims, and nothing else: the locticians who perform it, and the customer.
--
-- Of several free sittings the best is tried first. In the first round the locks are taken without waiting: a sitting
-- whose loctician is being booked at this moment is passed over, so that bookings with any loctician do not wait for
-- each other. In the second round those are waited for, one at a time. Each try is a block with its own EXCEPTION: when
-- it fails, its locks are released before the next try, so that nobody waits for people while holding others, and calls
-- do not deadlock.

-- Locks of the customer, of the caller's browser and, if the caller acts for somebody else and holds a time, of the
-- caller: their holds may end.
-- Call it before lock_people. Locks: lock_customers.
CREATE OR REPLACE FUNCTION booking.lock_holders(p_customer uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    caller uuid := nullif(booking.claim_sub(), p_customer);
BEGIN
    IF caller IS NOT NULL
        AND NOT EXISTS (SELECT FROM booking.holds h WHERE h.customer_id = caller AND h.waitlist_id IS NULL) THEN
        caller := NULL;
    END IF;
    PERFORM booking.lock_customers(ARRAY[p_customer, caller, booking.claim_browser()]);
END
$$;

-- The sitting as it is now, if it is still free at this start; otherwise NULLs. Deletes lapsed occupancy of its
-- locticians, whose locks the caller holds. Arguments: as those of free_sittings_at.
CREATE OR REPLACE FUNCTION booking.reread_sitting(
    p_treatments uuid[], p_sitting booking.sitting, p_start timestamptz, p_grid interval, p_own uuid[]
) RETURNS booking.sitting LANGUAGE plpgsql AS $$
DECLARE
    reread booking.sitting;
BEGIN
    PERFORM booking.delete_lapsed_occupancy(p_sitting.performer_ids);
    SELECT f.* INTO reread FROM booking.free_sittings_at(p_treatments,
        CASE WHEN NOT p_sitting.shared THEN p_sitting.performer_ids[1] END, p_start, p_grid, p_own) f
    WHERE f.performer_ids = p_sitting.performer_ids;
    RETURN reread;
END
$$;

-- Tries to lock a sitting's locticians and p_people, and to find it still free and the customer free of other bookings.
-- Raises SQLSTATE LB002 when it cannot be had: `locked` (only without p_wait), `slot_taken` or `customer_overlap`.
-- Arguments: p_customer, p_booking: as in take_sitting; the others as those of free_sittings_at.
CREATE OR REPLACE FUNCTION booking.lock_sitting(
    p_customer uuid, p_treatments uuid[], p_sitting booking.sitting, p_start timestamptz, p_grid interval,
    p_own uuid[], p_booking uuid, p_people uuid[], p_wait boolean
) RETURNS booking.sitting LANGUAGE plpgsql AS $$
DECLARE
    people uuid[] := p_sitting.performer_ids || p_customer || p_people;
    reread booking.sitting;
BEGIN
    IF p_wait THEN
        PERFORM booking.lock_people(people);
    ELSIF NOT booking.try_lock_people(people) THEN
        RAISE EXCEPTION USING ERRCODE = 'LB002', MESSAGE = 'locked';
    END IF;
    reread := booking.reread_sitting(p_treatments, p_sitting, p_start, p_grid, p_own);
    IF reread.performer_ids IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'LB002', MESSAGE = 'slot_taken';
    ELSIF booking.customer_times(p_customer, p_booking)
        && tstzrange(p_start, p_start + booking.minutes(reread.lasts_minutes)) THEN
        RAISE EXCEPTION USING ERRCODE = 'LB002', MESSAGE = 'customer_overlap';
    END IF;
    RETURN reread;
END
$$;

-- Ends the holds among p_own that occupy time which this sitting takes, and notes their times as freed: the waitlist is
-- offered what is left of them. The caller holds lock_holders and the locks of the sitting's locticians.
CREATE OR REPLACE FUNCTION booking.end_holds_in_the_way(
    p_own uuid[], p_treatments uuid[], p_performers uuid[], p_start timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    h booking.holds;
BEGIN
    FOR h IN
        SELECT * FROM booking.holds o WHERE o.id = ANY (p_own) AND o.expires_at > booking.clock() AND EXISTS (
            SELECT FROM booking.sitting_items(p_treatments, p_performers) i, unnest(i.blocked) part,
                booking.occupancy taken
            WHERE taken.item_id = o.id AND taken.loctician_id = i.loctician_id AND taken.blocked && tstzrange(
                p_start + booking.minutes(lower(part)), p_start + booking.minutes(upper(part)))
        ) ORDER BY o.id
    LOOP
        PERFORM booking.note_freed_time(f.loctician_id, f.times)
        FROM jsonb_to_recordset(booking.held_times(h)) AS f (loctician_id uuid, times tstzmultirange);
        PERFORM booking.delete_hold(h.id);
    END LOOP;
END
$$;

-- Chooses the best free sitting at this start that its customer has time for, and locks it until the transaction ends.
-- Arguments: p_loctician: only this one, NULL for any; p_performers: exactly these locticians, one for each treatment,
-- NULL for any; p_notice, p_walk_in: as in broken_rule; p_booking: the booking that is moved there, whose own time is
-- left out of account; p_people: others to lock; p_locked: locticians whose locks the caller holds, who are preferred:
-- then nobody else is waited for.
-- Raises LB001 with the broken rule, slot_taken, or customer_overlap when the customer has another booking at that
-- time; serialization_failure when with p_locked only locticians are left who are locked by others at this moment.
-- Locks: lock_people (the locticians of the sitting, the customer, p_people). Holds of the customer and of the caller
-- that are in the way end; the caller holds lock_holders.
CREATE OR REPLACE FUNCTION booking.take_sitting(
    p_customer uuid, p_treatments uuid[], p_loctician uuid, p_start timestamptz, p_performers uuid[],
    p_notice boolean, p_walk_in boolean, p_booking uuid DEFAULT NULL, p_people uuid[] DEFAULT '{}',
    p_locked uuid[] DEFAULT NULL
) RETURNS booking.sitting LANGUAGE plpgsql AS $$
DECLARE
    reason text := booking.broken_rule(p_treatments, p_loctician, p_start, p_notice, p_walk_in);
    grid interval := CASE WHEN NOT p_walk_in THEN booking.opening_grid(p_treatments) END;
    -- the holds of a customer who books have ended already
    own uuid[] := CASE WHEN p_booking IS NULL AND p_customer = booking.claim_sub() THEN '{}'
        ELSE booking.own_time(p_customer, p_booking) END;
    candidates booking.sitting[];
    postponed booking.sitting[] := '{}';
    candidate booking.sitting;
    chosen booking.sitting;
    wait boolean;
BEGIN
    IF reason IS NOT NULL THEN
        PERFORM booking.refuse(reason);
    END IF;
    IF (p_loctician IS NULL) = (p_performers IS NULL) OR p_locked IS NOT NULL THEN
        candidates := ARRAY (
            SELECT ROW (f.performer_ids, f.shared, f.lasts_minutes, f.price_amount)::booking.sitting
            FROM booking.free_sittings_at(p_treatments, p_loctician, p_start, grid, own)
                WITH ORDINALITY AS f (performer_ids, shared, lasts_minutes, price_amount, place)
            WHERE p_performers IS NULL OR f.performer_ids = p_performers
            ORDER BY f.performer_ids <@ p_locked DESC, f.place);
    ELSE -- there is no choice: whether it is free is looked at once, with its locks held
        p_performers := coalesce(p_performers, array_fill(p_loctician, ARRAY[cardinality(p_treatments)]));
        candidates := ARRAY[ROW (p_performers, NOT p_performers <@ p_performers[1:1], NULL, NULL)::booking.sitting];
    END IF;
    reason := 'slot_taken';
    wait := p_locked IS NULL AND cardinality(candidates) = 1;
    <<rounds>>
    LOOP
        FOREACH candidate IN ARRAY candidates LOOP
            BEGIN
                chosen := booking.lock_sitting(
                    p_customer, p_treatments, candidate, p_start, grid, own, p_booking, p_people, wait);
                EXIT rounds;
            EXCEPTION WHEN SQLSTATE 'LB002' THEN
                IF SQLERRM = 'locked' THEN
                    postponed := postponed || candidate;
                ELSIF SQLERRM = 'customer_overlap' THEN
                    reason := SQLERRM;
                END IF;
            END;
        END LOOP;
        EXIT WHEN cardinality(postponed) = 0;
        IF p_locked IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'serialization_failure', MESSAGE = 'the locticians are locked by others';
        END IF;
        candidates := postponed;
        postponed := '{}';
        wait := true;
    END LOOP;
    IF chosen.performer_ids IS NULL AND reason = 'slot_taken' THEN
        reason := coalesce(booking.broken_hours(p_treatments, p_loctician, p_start, grid), reason);
    END IF;
    IF chosen.performer_ids IS NULL THEN
        PERFORM booking.refuse(reason);
    END IF;
    IF cardinality(own) > 0 THEN
        PERFORM booking.end_holds_in_the_way(own, p_treatments, chosen.performer_ids, p_start);
    END IF;
    RETURN chosen;
END
$$;
