-- The in-app inbox: each user reads the own notices and marks them as read.
DROP POLICY IF EXISTS inboxes_service ON notifications.inboxes;
CREATE POLICY inboxes_service ON notifications.inboxes FOR ALL USING ((SELECT notifications.claim_role()) = 'service');
DROP POLICY IF EXISTS notices_service ON notifications.notices;
CREATE POLICY notices_service ON notifications.notices FOR ALL USING ((SELECT notifications.claim_role()) = 'service');
DROP POLICY IF EXISTS notices_own_read ON notifications.notices;
CREATE POLICY notices_own_read ON notifications.notices FOR SELECT USING ((SELECT notifications.claim_sub()) = user_id);
DROP POLICY IF EXISTS notices_own_mark ON notifications.notices;
CREATE POLICY notices_own_mark ON notifications.notices FOR UPDATE USING ((SELECT notifications.claim_sub()) = user_id);
