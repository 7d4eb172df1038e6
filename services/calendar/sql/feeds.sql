-- Feeds: the salon's staff, and each owner for their own.
DROP POLICY IF EXISTS allowed ON calendar.feeds;
CREATE POLICY allowed ON calendar.feeds
    USING ((SELECT calendar.claim_role()) IN ('staff', 'admin', 'service') OR (SELECT calendar.claim_sub()) = owner_id);
