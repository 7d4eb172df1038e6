-- Consents: people give and read their own.
DROP POLICY IF EXISTS consents_service ON gdpr.consents;
CREATE POLICY consents_service ON gdpr.consents USING ((SELECT gdpr.claim_role()) = 'service');
DROP POLICY IF EXISTS consents_own ON gdpr.consents;
CREATE POLICY consents_own ON gdpr.consents FOR SELECT USING (user_id = (SELECT gdpr.claim_sub()));
DROP POLICY IF EXISTS consents_give ON gdpr.consents;
CREATE POLICY consents_give ON gdpr.consents FOR INSERT WITH CHECK (user_id = (SELECT gdpr.claim_sub()));
