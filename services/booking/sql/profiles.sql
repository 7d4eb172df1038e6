-- Profiles of locticians.

-- Stores when a loctician left.
CREATE OR REPLACE FUNCTION booking.set_left_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.left_at := CASE WHEN NOT NEW.active THEN booking.clock() END;
    RETURN NEW;
END
$$;

CREATE OR REPLACE TRIGGER set_left_at BEFORE UPDATE OF active ON booking.locticians
FOR EACH ROW WHEN (OLD.active <> NEW.active) EXECUTE FUNCTION booking.set_left_at();

CREATE OR REPLACE TRIGGER set_left_at_on_insert BEFORE INSERT ON booking.locticians
FOR EACH ROW WHEN (NOT NEW.active) EXECUTE FUNCTION booking.set_left_at();
