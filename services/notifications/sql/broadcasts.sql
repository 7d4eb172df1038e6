-- Broadcasts: admins.
DROP POLICY IF EXISTS broadcasts_service ON notifications.broadcasts;
CREATE POLICY broadcasts_service ON notifications.broadcasts FOR ALL
    USING ((SELECT notifications.claim_role()) = 'service');
DROP POLICY IF EXISTS broadcasts_admin ON notifications.broadcasts;
CREATE POLICY broadcasts_admin ON notifications.broadcasts FOR ALL
    USING ((SELECT notifications.claim_role()) = 'admin');
