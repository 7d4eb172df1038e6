CREATE POLICY audit_log_record ON gdpr.audit_log FOR INSERT WITH CHECK ((SELECT gdpr.claim_role()) = 'service');
CREATE POLICY audit_log_read ON gdpr.audit_log FOR SELECT USING ((SELECT gdpr.claim_role()) IN ('admin', 'service'));
CREATE POLICY audit_anchors_service ON gdpr.audit_anchors USING ((SELECT gdpr.claim_role()) = 'service');
CREATE POLICY audit_anchors_read ON gdpr.audit_anchors FOR SELECT USING ((SELECT gdpr.claim_role()) = 'admin');

CREATE POLICY people_service ON gdpr.people USING ((SELECT gdpr.claim_role()) = 'service');
CREATE POLICY people_read ON gdpr.people FOR SELECT USING ((SELECT gdpr.claim_role()) = 'admin');
CREATE POLICY people_own ON gdpr.people FOR SELECT USING (user_id = (SELECT gdpr.claim_sub()));
CREATE POLICY duties_service ON gdpr.duties USING ((SELECT gdpr.claim_role()) = 'service');
CREATE POLICY duties_read ON gdpr.duties FOR SELECT USING ((SELECT gdpr.claim_role()) = 'admin');

-- people ask for their own export; only admins and the service see the rest
CREATE POLICY requests_all ON gdpr.requests USING ((SELECT gdpr.claim_role()) IN ('admin', 'service'));
CREATE POLICY requests_own ON gdpr.requests FOR SELECT
    USING (kind = 'export' AND subject_id = (SELECT gdpr.claim_sub()));
CREATE POLICY requests_ask ON gdpr.requests FOR INSERT
    WITH CHECK (kind = 'export' AND status = 'running' AND subject_id = (SELECT gdpr.claim_sub())
        AND requested_by = (SELECT gdpr.claim_sub()));
CREATE POLICY request_parts_all ON gdpr.request_parts USING ((SELECT gdpr.claim_role()) IN ('admin', 'service'));
CREATE POLICY request_parts_own ON gdpr.request_parts FOR SELECT
    USING (EXISTS (SELECT FROM gdpr.requests r WHERE r.id = request_id AND r.subject_id = (SELECT gdpr.claim_sub())));
CREATE POLICY request_parts_ask ON gdpr.request_parts FOR INSERT
    WITH CHECK (sealed IS NULL AND answered_at IS NULL AND EXISTS (
        SELECT FROM gdpr.requests r WHERE r.id = request_id AND r.subject_id = (SELECT gdpr.claim_sub())));

CREATE POLICY consents_service ON gdpr.consents USING ((SELECT gdpr.claim_role()) = 'service');
CREATE POLICY consents_own ON gdpr.consents FOR SELECT USING (user_id = (SELECT gdpr.claim_sub()));
CREATE POLICY consents_give ON gdpr.consents FOR INSERT WITH CHECK (user_id = (SELECT gdpr.claim_sub()));

CREATE POLICY retention_policies_all ON gdpr.retention_policies
    USING ((SELECT gdpr.claim_role()) IN ('admin', 'service'));
