-- Retention periods: admins and the service read and change them.
DROP POLICY IF EXISTS retention_policies_all ON gdpr.retention_policies;
CREATE POLICY retention_policies_all ON gdpr.retention_policies
    USING ((SELECT gdpr.claim_role()) IN ('admin', 'service'));
