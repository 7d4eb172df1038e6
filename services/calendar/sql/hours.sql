-- Working hours, overrides, time off and the windows they give: the salon's staff, and each loctician for their own.
DROP POLICY IF EXISTS allowed ON calendar.working_hours;
CREATE POLICY allowed ON calendar.working_hours
    USING ((SELECT calendar.claim_role()) IN ('staff', 'admin', 'service')
        OR ((SELECT calendar.claim_role()) = 'loctician' AND (SELECT calendar.claim_sub()) = loctician_id));
DROP POLICY IF EXISTS allowed ON calendar.overrides;
CREATE POLICY allowed ON calendar.overrides
    USING ((SELECT calendar.claim_role()) IN ('staff', 'admin', 'service')
        OR ((SELECT calendar.claim_role()) = 'loctician' AND (SELECT calendar.claim_sub()) = loctician_id));
DROP POLICY IF EXISTS allowed ON calendar.time_off;
CREATE POLICY allowed ON calendar.time_off
    USING ((SELECT calendar.claim_role()) IN ('staff', 'admin', 'service')
        OR ((SELECT calendar.claim_role()) = 'loctician' AND (SELECT calendar.claim_sub()) = loctician_id));
DROP POLICY IF EXISTS allowed ON calendar.windows;
CREATE POLICY allowed ON calendar.windows
    USING ((SELECT calendar.claim_role()) IN ('staff', 'admin', 'service')
        OR ((SELECT calendar.claim_role()) = 'loctician' AND (SELECT calendar.claim_sub()) = loctician_id));
DROP POLICY IF EXISTS allowed ON calendar.loctician_versions;
CREATE POLICY allowed ON calendar.loctician_versions
    USING ((SELECT calendar.claim_role()) IN ('staff', 'admin', 'service')
        OR ((SELECT calendar.claim_role()) = 'loctician' AND (SELECT calendar.claim_sub()) = loctician_id));
