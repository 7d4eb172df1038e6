-- What other services publish. Names of locticians are public; a user's language is for the service only.
DROP POLICY IF EXISTS allowed ON calendar.loctician_names;
CREATE POLICY allowed ON calendar.loctician_names USING ((SELECT calendar.claim_role()) = 'service');
DROP POLICY IF EXISTS public_name ON calendar.loctician_names;
CREATE POLICY public_name ON calendar.loctician_names FOR SELECT USING (true);
DROP POLICY IF EXISTS allowed ON calendar.languages;
CREATE POLICY allowed ON calendar.languages USING ((SELECT calendar.claim_role()) = 'service');
