-- Data subject requests: people request their own export and read their own requests; admins and the service see the
-- rest. The own erasure: scheduled_erasures.sql.
DROP POLICY IF EXISTS requests_all ON gdpr.requests;
CREATE POLICY requests_all ON gdpr.requests USING ((SELECT gdpr.claim_role()) IN ('admin', 'service'));
DROP POLICY IF EXISTS requests_own ON gdpr.requests;
CREATE POLICY requests_own ON gdpr.requests FOR SELECT
    USING (subject_id = (SELECT gdpr.claim_sub()));
DROP POLICY IF EXISTS requests_ask_export ON gdpr.requests;
CREATE POLICY requests_ask_export ON gdpr.requests FOR INSERT
    WITH CHECK (kind = 'export' AND status = 'running' AND subject_id = (SELECT gdpr.claim_sub())
        AND requested_by = (SELECT gdpr.claim_sub()));
DROP POLICY IF EXISTS request_parts_all ON gdpr.request_parts;
CREATE POLICY request_parts_all ON gdpr.request_parts USING ((SELECT gdpr.claim_role()) IN ('admin', 'service'));
DROP POLICY IF EXISTS request_parts_own ON gdpr.request_parts;
CREATE POLICY request_parts_own ON gdpr.request_parts FOR SELECT
    USING (EXISTS (SELECT FROM gdpr.requests r WHERE r.id = request_id AND r.subject_id = (SELECT gdpr.claim_sub())));
DROP POLICY IF EXISTS request_parts_ask ON gdpr.request_parts;
CREATE POLICY request_parts_ask ON gdpr.request_parts FOR INSERT
    WITH CHECK (sealed IS NULL AND answered_at IS NULL AND EXISTS (
        SELECT FROM gdpr.requests r WHERE r.id = request_id AND r.subject_id = (SELECT gdpr.claim_sub())));
