-- The own erasure: people request it for later, and withdraw it as long as it has not begun.
DROP POLICY IF EXISTS requests_ask ON gdpr.requests;
CREATE POLICY requests_ask ON gdpr.requests FOR INSERT
    WITH CHECK (kind = 'erasure' AND status = 'running' AND runs_at > now() + interval '6 days'
        AND subject_id = (SELECT gdpr.claim_sub()) AND requested_by = (SELECT gdpr.claim_sub()));
DROP POLICY IF EXISTS requests_withdraw ON gdpr.requests;
CREATE POLICY requests_withdraw ON gdpr.requests FOR UPDATE
    USING (kind = 'erasure' AND status = 'running' AND runs_at IS NOT NULL AND subject_id = (SELECT gdpr.claim_sub()))
    WITH CHECK (kind = 'erasure' AND status = 'cancelled' AND subject_id = (SELECT gdpr.claim_sub()));
