-- Imported calendars: the salon's staff, and each loctician for their own.
DROP POLICY IF EXISTS allowed ON calendar.imports;
CREATE POLICY allowed ON calendar.imports
    USING ((SELECT calendar.claim_role()) IN ('staff', 'admin', 'service')
        OR ((SELECT calendar.claim_role()) = 'loctician' AND (SELECT calendar.claim_sub()) = loctician_id));
