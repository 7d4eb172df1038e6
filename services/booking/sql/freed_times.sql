-- Time that has become free: whatever frees time for the waitlist notes it here, unless its transaction offers it
-- itself. A job offers noted times within seconds (services/booking/waitlist/offers.py).

-- Notes what of these times lies ahead as freed.
-- Arguments: p_treatment: only for wishes that include it, NULL for all; p_noted_at: when the time came free, NULL for
-- now; p_after_at, p_after_id: the turn of the last wish that has been examined for it.
CREATE OR REPLACE FUNCTION booking.note_freed_time(
    p_loctician uuid, p_times tstzmultirange, p_treatment uuid DEFAULT NULL, p_noted_at timestamptz DEFAULT NULL,
    p_after_at timestamptz DEFAULT NULL, p_after_id uuid DEFAULT NULL
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO booking.freed_times (loctician_id, times, treatment_id, noted_at, after_at, after_id)
    SELECT p_loctician, ahead, p_treatment, coalesce(p_noted_at, booking.clock()), p_after_at, p_after_id FROM (
        SELECT p_times * tstzmultirange(tstzrange(booking.clock(), NULL)) AS ahead) o
    WHERE NOT isempty(ahead);
END
$$;

-- Notes the opening hours within p_within as freed: of this loctician, or of all when NULL; with p_treatment only of
-- those who perform it, and only for wishes that include it. Locticians who are not active have no hours.
CREATE OR REPLACE FUNCTION booking.note_open_hours(p_loctician uuid, p_within tstzrange, p_treatment uuid DEFAULT NULL)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM booking.note_freed_time(l.loctician_id, range_agg(w.windows) * tstzmultirange(p_within), p_treatment)
    FROM booking.locticians l JOIN booking.open_windows w USING (loctician_id)
    WHERE l.active AND (p_loctician IS NULL OR l.loctician_id = p_loctician)
        AND (p_treatment IS NULL OR EXISTS (
            SELECT FROM booking.loctician_treatments o
            WHERE o.loctician_id = l.loctician_id AND o.treatment_id = p_treatment))
        AND w.day >= booking.local_day(lower(p_within)) - 1 AND w.windows && p_within
    GROUP BY l.loctician_id;
END
$$;

-- A loctician performs another treatment, or performs it in another time.
CREATE OR REPLACE FUNCTION booking.note_time_of_offer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM booking.note_open_hours(NEW.loctician_id, tstzrange(booking.clock(), NULL), NEW.treatment_id);
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER note_new_offer AFTER INSERT ON booking.loctician_treatments
FOR EACH ROW EXECUTE FUNCTION booking.note_time_of_offer();

CREATE OR REPLACE TRIGGER note_changed_offer AFTER UPDATE ON booking.loctician_treatments
FOR EACH ROW WHEN (OLD.duration_minutes IS DISTINCT FROM NEW.duration_minutes)
EXECUTE FUNCTION booking.note_time_of_offer();

-- A treatment is in the catalog again, or fits other times than before.
CREATE OR REPLACE FUNCTION booking.note_time_of_treatment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT OLD.active OR (
        OLD.duration_minutes, OLD.buffer_before_minutes, OLD.buffer_after_minutes, OLD.processing_start_minutes,
        OLD.processing_minutes, OLD.grid_minutes, OLD.grid_from
    ) IS DISTINCT FROM (
        NEW.duration_minutes, NEW.buffer_before_minutes, NEW.buffer_after_minutes, NEW.processing_start_minutes,
        NEW.processing_minutes, NEW.grid_minutes, NEW.grid_from
    ) THEN
        PERFORM booking.note_open_hours(NULL, tstzrange(booking.clock(), NULL), NEW.id);
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER note_time_of_treatment AFTER UPDATE ON booking.treatments
FOR EACH ROW WHEN (NEW.active) EXECUTE FUNCTION booking.note_time_of_treatment();

-- Notes what has come within the salon's horizon since the last call.
-- Locks: the row of booking.horizon FOR UPDATE.
CREATE OR REPLACE FUNCTION booking.extend_horizon() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    former_end timestamptz := (SELECT h.until FROM booking.horizon h FOR UPDATE);
    horizon_end timestamptz := booking.horizon_end((booking.rules()).horizon_days);
BEGIN
    INSERT INTO booking.horizon (until) VALUES (horizon_end)
    ON CONFLICT (singleton) DO UPDATE SET until = excluded.until;
    IF former_end < horizon_end THEN
        PERFORM booking.note_open_hours(NULL, tstzrange(former_end, horizon_end));
    END IF;
END
$$;

-- Notes what the salon's rules allow now and did not before: a longer horizon, less notice, and buffers outside hours,
-- which are at most two hours long, so that the two hours at either end of a window count.
-- Arguments: the rules before. Locks: those of extend_horizon.
CREATE OR REPLACE FUNCTION booking.note_time_of_rules(p_notice_minutes integer, p_buffers_within_hours boolean)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    rules booking.salon := booking.rules();
    edge interval := interval '2 hours';
BEGIN
    PERFORM booking.extend_horizon();
    IF rules.minimum_notice_minutes < p_notice_minutes THEN
        PERFORM booking.note_open_hours(NULL, tstzrange(
            booking.clock() + booking.minutes(rules.minimum_notice_minutes),
            booking.clock() + booking.minutes(p_notice_minutes)));
    END IF;
    IF p_buffers_within_hours AND NOT rules.buffers_within_hours THEN
        PERFORM booking.note_freed_time(w.loctician_id,
            range_agg(tstzrange(lower(o), least(lower(o) + edge, upper(o))))
                + range_agg(tstzrange(greatest(upper(o) - edge, lower(o)), upper(o))))
        FROM booking.open_windows w JOIN booking.locticians l ON l.loctician_id = w.loctician_id AND l.active,
            unnest(w.windows) o
        WHERE w.day >= booking.local_day(booking.clock()) - 1 GROUP BY w.loctician_id;
    END IF;
END
$$;
