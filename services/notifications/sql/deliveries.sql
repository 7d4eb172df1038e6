-- Deliveries: the salon's staff read and resend.
DROP POLICY IF EXISTS deliveries_service ON notifications.deliveries;
CREATE POLICY deliveries_service ON notifications.deliveries FOR ALL
    USING ((SELECT notifications.claim_role()) = 'service');
DROP POLICY IF EXISTS deliveries_salon_read ON notifications.deliveries;
CREATE POLICY deliveries_salon_read ON notifications.deliveries FOR SELECT
    USING ((SELECT notifications.claim_role()) IN ('staff', 'admin'));
DROP POLICY IF EXISTS deliveries_salon_resend ON notifications.deliveries;
CREATE POLICY deliveries_salon_resend ON notifications.deliveries FOR UPDATE
    USING ((SELECT notifications.claim_role()) IN ('staff', 'admin'));
