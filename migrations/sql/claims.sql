-- The caller's claims, which the runtime sets at the start of each transaction (request.jwt.claims).
-- Returns an empty object when nothing was set. Raises nothing, takes no lock.
CREATE OR REPLACE FUNCTION {schema}.claims() RETURNS jsonb LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT coalesce(nullif(current_setting('request.jwt.claims', true), ''), '{}')::jsonb $$;

-- The caller's role: customer, staff, admin or service; an empty text for an anonymous caller.
-- Raises nothing, takes no lock.
CREATE OR REPLACE FUNCTION {schema}.claim_role() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT coalesce({schema}.claims() ->> 'role', '') $$;

-- The caller's user id; NULL for an anonymous caller and for the service itself.
-- Raises invalid_text_representation when the claim is no UUID. Takes no lock.
CREATE OR REPLACE FUNCTION {schema}.claim_sub() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT ({schema}.claims() ->> 'sub')::uuid $$;
