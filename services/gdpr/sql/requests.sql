-- Data subject requests: people request their own export or erasure, read it, and withdraw an erasure that has not
-- begun; admins and the service see the rest.
DROP POLICY IF EXISTS requests_all ON gdpr.requests;
CREATE POLICY requests_all ON gdpr.requests USING ((SELECT gdpr.claim_role()) IN ('admin', 'service'));
DROP POLICY IF EXISTS requests_own ON gdpr.requests;
CREATE POLICY requests_own ON gdpr.requests FOR SELECT
    USING (subject_id = (SELECT gdpr.claim_sub()));
DROP POLICY IF EXISTS requests_ask ON gdpr.requests;
CREATE POLICY requests_ask ON gdpr.requests FOR INSERT
    WITH CHECK (status = 'running' AND subject_id = (SELECT gdpr.claim_sub())
        AND requested_by = (SELECT gdpr.claim_sub()) AND (kind = 'export' OR runs_at > now() + interval '6 days'));
DROP POLICY IF EXISTS requests_withdraw ON gdpr.requests;
CREATE POLICY requests_withdraw ON gdpr.requests FOR UPDATE
    USING (kind = 'erasure' AND status = 'running' AND runs_at IS NOT NULL AND subject_id = (SELECT gdpr.claim_sub()))
    WITH CHECK (kind = 'erasure' AND status = 'cancelled' AND subject_id = (SELECT gdpr.claim_sub()));
DROP POLICY IF EXISTS request_parts_all ON gdpr.request_parts;
CREATE POLICY request_parts_all ON gdpr.request_parts USING ((SELECT gdpr.claim_role()) IN ('admin', 'service'));
DROP POLICY IF EXISTS request_parts_own ON gdpr.request_parts;
CREATE POLICY request_parts_own ON gdpr.request_parts FOR SELECT
    USING (EXISTS (SELECT FROM gdpr.requests r WHERE r.id = request_id AND r.subject_id = (SELECT gdpr.claim_sub())));
DROP POLICY IF EXISTS request_parts_ask ON gdpr.request_parts;
CREATE POLICY request_parts_ask ON gdpr.request_parts FOR INSERT
    WITH CHECK (sealed IS NULL AND answered_at IS NULL AND EXISTS (
        SELECT FROM gdpr.requests r WHERE r.id = request_id AND r.subject_id = (SELECT gdpr.claim_sub())));
