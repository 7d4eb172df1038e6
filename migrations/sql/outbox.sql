-- Adds an event to the outbox, with actor, request id and trace of the caller's claims.
-- event_id: unique id of the event; type: for example booking.created.v1; subject: id of what it is about;
-- version: version of the subject; data: the payload.
-- Raises unique_violation when event_id is there already. Locks nothing but the new row.
-- In PL/pgSQL, because a session keeps its plan.
CREATE OR REPLACE FUNCTION {schema}.emit(event_id uuid, type text, subject text, version integer, data jsonb)
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    cause jsonb := {schema}.claims();
BEGIN
    INSERT INTO {schema}.outbox
        (event_id, type, subject, version, occurred_at, data, actor_id, actor_role, request_id, traceparent)
    VALUES ($1, $2, $3, $4, clock_timestamp(), $5, cause ->> 'actor_id', cause ->> 'actor_role',
        cause ->> 'request_id', cause ->> 'traceparent');
END $$;

-- Every caller may add events.
DROP POLICY IF EXISTS outbox_add ON {schema}.outbox;
CREATE POLICY outbox_add ON {schema}.outbox FOR INSERT WITH CHECK (true);

-- Only the relay, which runs as the service, reads and deletes them.
DROP POLICY IF EXISTS outbox_relay ON {schema}.outbox;
CREATE POLICY outbox_relay ON {schema}.outbox FOR ALL
    USING ((SELECT {schema}.claim_role()) = 'service') WITH CHECK (true);
