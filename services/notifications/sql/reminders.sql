-- Appointments and the reminders that were sent: for the service only.
DROP POLICY IF EXISTS appointments_service ON notifications.appointments;
CREATE POLICY appointments_service ON notifications.appointments FOR ALL
    USING ((SELECT notifications.claim_role()) = 'service');
DROP POLICY IF EXISTS reminders_service ON notifications.reminders;
CREATE POLICY reminders_service ON notifications.reminders FOR ALL
    USING ((SELECT notifications.claim_role()) = 'service');
