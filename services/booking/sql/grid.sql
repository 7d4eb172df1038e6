-- The grid of starts. It counts from the hour, or from the opening that holds the start: from the beginning of that
-- open window, also where it is the end of a break, of time off or of an imported event. A window belongs to the day on
-- which it begins; windows of two days that touch at midnight are two openings.

-- The grid of starts for these treatments: the coarsest of their own. Grids divide the hour and Danish offsets from UTC
-- are whole hours, so a grid in UTC is one on the wall clock too.
CREATE OR REPLACE FUNCTION booking.start_grid(p_treatments uuid[]) RETURNS interval LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT booking.minutes(max(t.grid_minutes)) FROM booking.treatments t WHERE t.id = ANY (p_treatments));
END
$$;

-- The same if starts count from the opening, because those of one of the treatments do; otherwise NULL. A time that
-- was promised (apply_terms) need not be on the grid.
CREATE OR REPLACE FUNCTION booking.opening_grid(p_treatments uuid[]) RETURNS interval LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT booking.minutes(max(t.grid_minutes)) FROM booking.treatments t WHERE t.id = ANY (p_treatments)
            AND NOT EXISTS (SELECT FROM booking.agreed_terms() g WHERE g.promised)
        HAVING bool_or(t.grid_from = 'opening'));
END
$$;

-- The first whole minute of an open window: imported events can end at any second.
CREATE OR REPLACE FUNCTION booking.first_minute(p_window tstzrange) RETURNS timestamptz LANGUAGE sql IMMUTABLE
RETURN date_bin(interval '1 minute', lower(p_window) + interval '59.999999 seconds', timestamptz '2000-01-01 00:00+00');

-- Whether the start is on the grid of the loctician's opening that holds it.
CREATE OR REPLACE FUNCTION booking.is_on_opening_grid(p_loctician uuid, p_start timestamptz, p_grid interval)
RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM booking.open_windows w, unnest(w.windows) opening
        WHERE w.loctician_id = p_loctician AND w.day BETWEEN p_start::date - 1 AND p_start::date + 1
            AND opening @> p_start AND date_bin(p_grid, p_start, booking.first_minute(opening)) = p_start);
END
$$;

-- The starts on the grid among these moments of a loctician. A SQL function that returns a set, like free_moments.
CREATE OR REPLACE FUNCTION booking.starts_on_grid(
    p_loctician uuid, p_moments tstzmultirange, p_grid interval, p_from_opening boolean
) RETURNS TABLE (start timestamptz) LANGUAGE sql STABLE AS $$
    SELECT s.start FROM unnest(p_moments) moment, generate_series(
        date_bin(p_grid, lower(moment), timestamptz '2000-01-01 00:00+00'), upper(moment), p_grid) s (start)
    WHERE NOT p_from_opening AND s.start <@ moment
    UNION ALL
    SELECT s.start FROM booking.open_windows w, unnest(w.windows) opening,
        unnest(p_moments * tstzmultirange(opening)) moment, generate_series(
            date_bin(p_grid, lower(moment), booking.first_minute(opening)), upper(moment), p_grid) s (start)
    WHERE p_from_opening AND w.loctician_id = p_loctician
        AND w.day BETWEEN lower(p_moments)::date - 1 AND upper(p_moments)::date + 1 AND s.start <@ moment
$$;
