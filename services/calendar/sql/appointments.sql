-- Appointments: the salon's staff, each loctician for their own; a customer reads the own ones.
DROP POLICY IF EXISTS allowed ON calendar.appointments;
CREATE POLICY allowed ON calendar.appointments
    USING ((SELECT calendar.claim_role()) IN ('staff', 'admin', 'service')
        OR ((SELECT calendar.claim_role()) = 'loctician' AND (SELECT calendar.claim_sub()) = loctician_id));
DROP POLICY IF EXISTS own_booking ON calendar.appointments;
CREATE POLICY own_booking ON calendar.appointments FOR SELECT
    USING ((SELECT calendar.claim_role()) = 'customer' AND (SELECT calendar.claim_sub()) = customer_id);
DROP POLICY IF EXISTS allowed ON calendar.booking_versions;
CREATE POLICY allowed ON calendar.booking_versions USING ((SELECT calendar.claim_role()) = 'service');
