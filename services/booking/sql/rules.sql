-- The rules of the salon, and which of them forbids a sitting.

-- The rules that the salon chose, or the defaults until it chooses.
CREATE OR REPLACE FUNCTION booking.rules() RETURNS booking.salon LANGUAGE plpgsql STABLE AS $$
DECLARE
    stored booking.salon;
BEGIN
    SELECT * INTO stored FROM booking.salon;
    IF NOT FOUND THEN
        stored.singleton := true;
        stored.minimum_notice_minutes := 60;
        stored.horizon_days := 180;
        stored.cancellation_window_hours := 24;
        stored.confirm_by_hand := false;
        stored.open_bookings_per_customer := 10;
        stored.offer_minutes := 30;
        stored.version := 0;
        stored.name := '';
        stored.address := '';
        stored.phone := '';
        stored.confirm_within_hours := 72;
        stored.buffers_within_hours := false;
    END IF;
    RETURN stored;
END
$$;

-- Until when the salon can confirm a booking that becomes pending now: within its hours for that, before the start.
CREATE OR REPLACE FUNCTION booking.confirmation_deadline(p_start timestamptz) RETURNS timestamptz
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN least(booking.clock() + (booking.rules()).confirm_within_hours * interval '1 hour', p_start);
END
$$;

-- The last instant at which a sitting can start: so many days (of 24 hours) from now, also over a change of the clock.
-- A start exactly then is within the horizon.
CREATE OR REPLACE FUNCTION booking.horizon_end(p_days integer) RETURNS timestamptz LANGUAGE sql STABLE
RETURN booking.clock() + p_days * interval '24 hours';

-- Locticians who could take part in the sitting: those who perform all of it; if there are none and p_loctician is
-- NULL, those in a chain with the fewest hand-overs.
CREATE OR REPLACE FUNCTION booking.possible_performers(p_treatments uuid[], p_loctician uuid) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE AS $$
DECLARE
    places integer := cardinality(p_treatments);
BEGIN
    RETURN QUERY SELECT s.loctician_id FROM booking.sittings(p_treatments, p_loctician) s;
    IF FOUND OR p_loctician IS NOT NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH RECURSIVE run AS MATERIALIZED (
        SELECT r.loctician_id, r.first_place, r.last_place FROM booking.runs(p_treatments) r
    ), from_start (done, links) AS (
        SELECT 0, 0
        UNION SELECT r.last_place, l.links + 1 FROM from_start l JOIN run r ON r.first_place = l.done + 1
    ), to_end (start, links) AS (
        SELECT places + 1, 0
        UNION SELECT r.first_place, l.links + 1 FROM to_end l JOIN run r ON r.last_place = l.start - 1
    )
    SELECT DISTINCT r.loctician_id
    FROM run r JOIN from_start b ON b.done = r.first_place - 1 JOIN to_end a ON a.start = r.last_place + 1
    WHERE b.links + 1 + a.links = (SELECT min(l.links) FROM from_start l WHERE l.done = places);
END
$$;

-- Why nobody is open at this start: 'holiday' or 'closed' when that holds on the whole day for everybody who could
-- perform it, otherwise 'outside_hours'.
CREATE OR REPLACE FUNCTION booking.closed_reason(p_treatments uuid[], p_loctician uuid, p_start timestamptz)
RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN bool_and(coalesce(w.closed_for, '') = 'holiday') THEN 'holiday'
        WHEN bool_and(w.closed_for IS NOT NULL) THEN 'closed'
        ELSE 'outside_hours' END
    FROM booking.possible_performers(p_treatments, p_loctician) p
    LEFT JOIN booking.open_windows w ON w.loctician_id = p AND w.day = booking.local_day(p_start)
$$;

-- The code of the first rule that forbids this sitting at this start, whatever the hours are and whatever else is
-- booked; NULL when none does. For a sitting that is not free, broken_hours has the next reason.
-- Arguments: p_loctician: only this loctician, NULL for any; p_notice: apply the salon's minimum notice; p_walk_in: the
-- customer is in the salon, so the start may be up to 10 minutes ago and off the grid. A time that was promised
-- (apply_terms) may be beyond the horizon and off the grid. A grid that counts from the opening is up to broken_hours.
CREATE OR REPLACE FUNCTION booking.broken_rule(
    p_treatments uuid[], p_loctician uuid, p_start timestamptz, p_notice boolean, p_walk_in boolean DEFAULT false
) RETURNS text LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    rules booking.salon := booking.rules();
    promised boolean := EXISTS (SELECT FROM booking.agreed_terms() g WHERE g.promised);
    opening_grid interval := CASE WHEN NOT p_walk_in THEN booking.opening_grid(p_treatments) END;
    performed integer;
BEGIN
    SELECT count(DISTINCT o.place) INTO performed FROM booking.treatments_by_loctician(p_treatments, p_loctician) o;
    IF (SELECT count(*) FROM booking.treatments t WHERE t.id = ANY (p_treatments)
        AND (t.active OR EXISTS (SELECT FROM booking.agreed_terms() g WHERE g.treatment_id = t.id))
    ) < cardinality(p_treatments) THEN
        RETURN 'unknown_treatment';
    ELSIF p_loctician IS NOT NULL AND NOT EXISTS (
        SELECT FROM booking.locticians l WHERE l.active AND l.loctician_id = p_loctician) THEN
        RETURN 'unknown_loctician';
    ELSIF performed < cardinality(p_treatments) THEN
        RETURN 'treatment_not_offered';
    ELSIF p_start <= booking.clock() - (CASE WHEN p_walk_in THEN interval '10 minutes' ELSE interval '0' END) THEN
        RETURN 'in_past';
    ELSIF p_notice AND p_start < booking.clock() + booking.minutes(rules.minimum_notice_minutes) THEN
        RETURN 'too_soon';
    ELSIF NOT promised AND p_start > booking.horizon_end(rules.horizon_days) THEN
        RETURN 'too_far_ahead';
    ELSIF NOT p_walk_in AND NOT promised AND opening_grid IS NULL
        AND date_bin(booking.start_grid(p_treatments), p_start, timestamptz '2000-01-01 00:00+00') <> p_start THEN
        RETURN 'off_grid';
    END IF;
    RETURN NULL;
END
$$;

-- The code of the reason why nobody is open for this sitting at this start: one of closed_reason, or off_grid; NULL when
-- somebody is, whatever is booked. Arguments: as those of broken_rule; p_grid: as in free_sittings_at.
CREATE OR REPLACE FUNCTION booking.broken_hours(
    p_treatments uuid[], p_loctician uuid, p_start timestamptz, p_grid interval
) RETURNS text LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    performers uuid[] := ARRAY (
        SELECT f.performer_ids[1]
        FROM booking.free_sittings(p_treatments, p_loctician, p_start, p_start + interval '1 minute', false, '{}') f
        WHERE f.free @> p_start);
BEGIN
    IF cardinality(performers) = 0 THEN
        RETURN booking.closed_reason(p_treatments, p_loctician, p_start);
    ELSIF p_grid IS NOT NULL AND NOT EXISTS (
        SELECT FROM unnest(performers) AS p (id) WHERE booking.is_on_opening_grid(p.id, p_start, p_grid)) THEN
        RETURN 'off_grid';
    END IF;
    RETURN NULL;
END
$$;
