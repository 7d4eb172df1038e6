-- Contacts and what other services publish: the service writes; a user reads the own contact and consents.
DROP POLICY IF EXISTS contacts_service ON notifications.contacts;
CREATE POLICY contacts_service ON notifications.contacts FOR ALL
    USING ((SELECT notifications.claim_role()) = 'service');
DROP POLICY IF EXISTS contacts_own_read ON notifications.contacts;
CREATE POLICY contacts_own_read ON notifications.contacts FOR SELECT
    USING ((SELECT notifications.claim_sub()) = user_id);
DROP POLICY IF EXISTS loctician_names_service ON notifications.loctician_names;
CREATE POLICY loctician_names_service ON notifications.loctician_names FOR ALL
    USING ((SELECT notifications.claim_role()) = 'service');
DROP POLICY IF EXISTS consents_service ON notifications.consents;
CREATE POLICY consents_service ON notifications.consents USING ((SELECT notifications.claim_role()) = 'service');
DROP POLICY IF EXISTS consents_own_read ON notifications.consents;
CREATE POLICY consents_own_read ON notifications.consents FOR SELECT
    USING ((SELECT notifications.claim_sub()) = user_id);
