CREATE TABLE gdpr.audit_log (
    month date NOT NULL,
    id bigint NOT NULL,
    event_id uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    action text NOT NULL,
    entity text,
    entity_version integer NOT NULL,
    actor_id text,
    actor_role text,
    people text[] NOT NULL,
    request_id text,
    source text NOT NULL,
    data jsonb NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (month, id),
    UNIQUE (month, event_id)
) PARTITION BY LIST (month);
CREATE INDEX audit_log_by_id ON gdpr.audit_log (id);
CREATE INDEX audit_log_by_entity ON gdpr.audit_log (entity, id);
CREATE INDEX audit_log_by_actor ON gdpr.audit_log (actor_id, id);
CREATE INDEX audit_log_by_action ON gdpr.audit_log (action, id);
CREATE INDEX audit_log_by_time ON gdpr.audit_log (occurred_at);
CREATE INDEX audit_log_by_people ON gdpr.audit_log USING gin (people);

-- where each month's chain begins and ends, signed with a key that no database knows
CREATE TABLE gdpr.audit_anchors (
    month date PRIMARY KEY,
    previous date,
    opening bytea NOT NULL,
    first_id bigint NOT NULL,
    last_id bigint NOT NULL,
    head bytea NOT NULL,
    signature bytea NOT NULL
);

CREATE FUNCTION gdpr.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
-- for each statement, so that it also refuses where Row Level Security would leave no row to change
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON gdpr.audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION gdpr.refuse_change();

-- a statement's trigger is not inherited, and a partition can be named in a statement of its own
CREATE FUNCTION gdpr.make_audit_month(p_month date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text := 'audit_log_' || to_char(p_month, 'YYYY_MM');
BEGIN
    IF p_month <> date_trunc('month', p_month) OR p_month > now() + interval '1 year' THEN
        RAISE EXCEPTION '% is no month to make a partition for', p_month;
    END IF;
    IF to_regclass('gdpr.' || name) IS NOT NULL THEN RETURN; END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('gdpr.make_audit_month', 0));
    IF to_regclass('gdpr.' || name) IS NOT NULL THEN RETURN; END IF;
    EXECUTE format('CREATE TABLE gdpr.%I PARTITION OF gdpr.audit_log FOR VALUES IN (%L)', name, p_month);
    EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON gdpr.%I
                    FOR EACH STATEMENT EXECUTE FUNCTION gdpr.refuse_change()', name);
    EXECUTE format('ALTER TABLE gdpr.%I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE gdpr.%I FORCE ROW LEVEL SECURITY', name);
END $$;

-- what is older than the law asks to keep goes a whole month at a time; its anchor stays
CREATE FUNCTION gdpr.drop_old_audit_months() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    old record;
    dropped integer := 0;
BEGIN
    FOR old IN SELECT c.oid::regclass AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
               WHERE i.inhparent = 'gdpr.audit_log'::regclass
                   AND c.relname < 'audit_log_' || to_char(now() - interval '61 months', 'YYYY_MM') LOOP
        EXECUTE format('DROP TABLE %s', old.name);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $$;

-- Until the commit nobody else adds: ids are in the order of the commits, without a gap, and nothing appears behind a
-- reader. Volatile, so that what stands after the lock sees what was committed while waiting for it.
CREATE FUNCTION gdpr.audit_head(OUT recorded_at timestamptz, OUT current_month date, OUT last gdpr.audit_anchors)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('gdpr.audit_log', 0));
    SELECT * INTO last FROM gdpr.audit_anchors ORDER BY month DESC LIMIT 1;
    recorded_at := clock_timestamp();
    current_month := greatest(date_trunc('month', recorded_at AT TIME ZONE 'UTC')::date, last.month);
    PERFORM gdpr.make_audit_month(current_month);
END $$;
