-- Only the service itself reads and writes the ids of erased people.
DROP POLICY IF EXISTS erased_subjects_service ON {schema}.erased_subjects;
CREATE POLICY erased_subjects_service ON {schema}.erased_subjects
    USING ((SELECT {schema}.claim_role()) = 'service') WITH CHECK ((SELECT {schema}.claim_role()) = 'service');
