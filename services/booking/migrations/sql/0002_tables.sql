ALTER TABLE booking.bookings ADD COLUMN parted_at timestamptz;
ALTER TABLE booking.waitlist ADD COLUMN answered_at timestamptz;
ALTER TABLE booking.locticians ADD COLUMN left_at timestamptz;

-- When they left or were answered before this was noted, nobody knows: their time begins now.
SELECT set_config('request.jwt.claims', '{"role": "service"}', true);
UPDATE booking.waitlist SET answered_at = now() WHERE status = 'accepted';
UPDATE booking.locticians SET left_at = now() WHERE NOT active;
SELECT set_config('request.jwt.claims', '', true);

CREATE FUNCTION booking.note_answer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.answered_at := CASE WHEN NEW.status = 'accepted' THEN booking.clock() END;
    RETURN NEW;
END
$$;

CREATE TRIGGER note_answer BEFORE UPDATE OF status ON booking.waitlist
FOR EACH ROW WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION booking.note_answer();

CREATE FUNCTION booking.note_leaving() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.left_at := CASE WHEN NOT NEW.active THEN booking.clock() END;
    RETURN NEW;
END
$$;

CREATE TRIGGER note_leaving BEFORE UPDATE OF active ON booking.locticians
FOR EACH ROW WHEN (OLD.active <> NEW.active) EXECUTE FUNCTION booking.note_leaving();

CREATE TRIGGER note_absence BEFORE INSERT ON booking.locticians
FOR EACH ROW WHEN (NOT NEW.active) EXECUTE FUNCTION booking.note_leaving();

-- Times that came free without a booking being cancelled or moved: a job offers them to the waitlist, within seconds.
CREATE TABLE booking.openings (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    loctician_id uuid NOT NULL,
    opened tstzmultirange NOT NULL CHECK (NOT isempty(opened))
);
GRANT SELECT, INSERT, UPDATE, DELETE ON booking.openings TO loctician_booking;

-- How far ahead could be booked when that was last looked at: one row, once it was.
CREATE TABLE booking.reach (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    until timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON booking.reach TO loctician_booking;
