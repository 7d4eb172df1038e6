-- The status of a booking: which changes of it exist, confirmation, and outcomes.

-- Refuses a change of status that the state machine does not have: raises check_violation, whatever the application
-- does.
CREATE OR REPLACE FUNCTION booking.check_status_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status <> NEW.status AND (OLD.status, NEW.status) NOT IN (
        ('pending', 'confirmed'), ('pending', 'cancelled'), ('confirmed', 'pending'),
        ('confirmed', 'completed'), ('confirmed', 'no_show'), ('confirmed', 'cancelled'), ('no_show', 'confirmed')
    ) THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation',
            MESSAGE = format('a booking that is %s cannot become %s', OLD.status, NEW.status);
    END IF;
    RETURN NEW;
END
$$;

CREATE OR REPLACE TRIGGER check_status_change BEFORE UPDATE OF status ON booking.bookings
FOR EACH ROW EXECUTE FUNCTION booking.check_status_change();

-- Sets the outcome of a booking: confirms a pending one, or tells whether a confirmed one that has begun was completed
-- or missed. Request: id, versions, outcome ('confirmed', 'completed', 'no_show').
-- Raises LB001 of lock_booking, not_for_others, wrong_status, not_started. Locks: those of lock_booking.
CREATE OR REPLACE FUNCTION booking.set_outcome(p_claims jsonb, p_request jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    b booking.bookings;
    outcome text := p_request ->> 'outcome';
BEGIN
    PERFORM booking.act_as(p_claims);
    b := booking.lock_booking(p_request);
    IF NOT booking.acts_for_salon(b) THEN
        PERFORM booking.refuse('not_for_others');
    ELSIF b.status <> (CASE outcome WHEN 'confirmed' THEN 'pending' ELSE 'confirmed' END) THEN
        PERFORM booking.refuse_status(b);
    ELSIF outcome <> 'confirmed' AND b.starts_at > booking.clock() THEN
        PERFORM booking.refuse('not_started');
    END IF;
    PERFORM booking.act_as_service();
    UPDATE booking.bookings SET status = outcome, confirm_by = NULL, updated_at = booking.clock(),
        version = version + 1, conflicted_at = CASE WHEN outcome = 'confirmed' THEN conflicted_at END
    WHERE id = b.id RETURNING * INTO b;
    PERFORM booking.record_change(b, outcome);
    RETURN booking.booking_json(b);
END
$$;

-- The booking that has been pending longest although the time for its confirmation has passed, locked, or none: the
-- transaction cancels it. Left out when it is confirmed or moved meanwhile. The transaction acts as the service.
-- Locks: lock_people (its locticians and its customer), the booking FOR UPDATE.
CREATE OR REPLACE FUNCTION booking.lock_unconfirmed() RETURNS SETOF uuid LANGUAGE plpgsql AS $$
DECLARE
    due booking.bookings;
BEGIN
    SELECT * INTO due FROM booking.bookings b
    WHERE b.status = 'pending' AND least(b.confirm_by, b.starts_at) <= booking.clock()
    ORDER BY least(b.confirm_by, b.starts_at), b.id LIMIT 1;
    PERFORM booking.lock_people(due.loctician_ids || due.customer_id);
    RETURN QUERY SELECT b.id FROM booking.bookings b WHERE b.id = due.id AND b.version = due.version FOR UPDATE;
END
$$;
