-- Preferences: each user for their own.
DROP POLICY IF EXISTS preferences_service ON notifications.preferences;
CREATE POLICY preferences_service ON notifications.preferences FOR ALL
    USING ((SELECT notifications.claim_role()) = 'service');
DROP POLICY IF EXISTS preferences_own ON notifications.preferences;
CREATE POLICY preferences_own ON notifications.preferences FOR ALL USING ((SELECT notifications.claim_sub()) = user_id);
