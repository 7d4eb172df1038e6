-- Feeds that staff hold of others: the salon's staff; owners see and end those of their own appointments.
DROP POLICY IF EXISTS allowed ON calendar.staff_feeds;
CREATE POLICY allowed ON calendar.staff_feeds
    USING ((SELECT calendar.claim_role()) IN ('staff', 'admin', 'service') OR (SELECT calendar.claim_sub()) = owner_id);
