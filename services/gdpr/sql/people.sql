-- People and their open bookings: the service writes, admins read, people read what is about themselves.
DROP POLICY IF EXISTS people_service ON gdpr.people;
CREATE POLICY people_service ON gdpr.people USING ((SELECT gdpr.claim_role()) = 'service');
DROP POLICY IF EXISTS people_read ON gdpr.people;
CREATE POLICY people_read ON gdpr.people FOR SELECT USING ((SELECT gdpr.claim_role()) = 'admin');
DROP POLICY IF EXISTS people_own ON gdpr.people;
CREATE POLICY people_own ON gdpr.people FOR SELECT USING (user_id = (SELECT gdpr.claim_sub()));
DROP POLICY IF EXISTS duties_service ON gdpr.duties;
CREATE POLICY duties_service ON gdpr.duties USING ((SELECT gdpr.claim_role()) = 'service');
DROP POLICY IF EXISTS duties_read ON gdpr.duties;
CREATE POLICY duties_read ON gdpr.duties FOR SELECT USING ((SELECT gdpr.claim_role()) = 'admin');
DROP POLICY IF EXISTS duties_own ON gdpr.duties;
CREATE POLICY duties_own ON gdpr.duties FOR SELECT USING ((SELECT gdpr.claim_sub()) = ANY (loctician_ids));
