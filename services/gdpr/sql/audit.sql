-- The audit log: append-only, a partition a month, in the order of the commits.

-- Trigger: refuses every change of the audit log. Raises insufficient_privilege. Takes no lock.
CREATE OR REPLACE FUNCTION gdpr.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
-- For each statement, so that it also refuses where Row Level Security would leave no row to change.
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON gdpr.audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION gdpr.refuse_change();

-- Creates the partition of a month, if it is missing, with its own trigger and Row Level Security: a statement's
-- trigger is not inherited, and a partition can be named in a statement of its own. p_month: the month's first day.
-- Raises raise_exception when p_month is no first day, or more than a year ahead. Locks, where the partition is
-- missing: the advisory lock gdpr.make_audit_month, then the audit log (access exclusive).
CREATE OR REPLACE FUNCTION gdpr.make_audit_month(p_month date) RETURNS void
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
REVOKE ALL ON FUNCTION gdpr.make_audit_month FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gdpr.make_audit_month TO loctician_gdpr;

-- Drops the partitions that are older than 61 months, a whole month at a time; the month's checkpoint stays.
-- Returns how many. Raises nothing. Locks the audit log (access exclusive) where there is one to drop.
CREATE OR REPLACE FUNCTION gdpr.drop_old_audit_months() RETURNS integer
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
REVOKE ALL ON FUNCTION gdpr.drop_old_audit_months FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gdpr.drop_old_audit_months TO loctician_gdpr;

-- Begins an addition to the audit log: the time to record, the month, and the last checkpoint. Until the commit nobody else
-- adds: ids are in the order of the commits, without a gap, and nothing appears behind a reader. Volatile, so that what
-- follows the lock sees what was committed while waiting for it.
-- Raises nothing. Locks the advisory lock gdpr.audit_log, then what make_audit_month() locks.
CREATE OR REPLACE FUNCTION gdpr.audit_head(
    OUT recorded_at timestamptz, OUT current_month date, OUT last gdpr.audit_checkpoints)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('gdpr.audit_log', 0));
    SELECT * INTO last FROM gdpr.audit_checkpoints ORDER BY month DESC LIMIT 1;
    recorded_at := clock_timestamp();
    current_month := greatest(date_trunc('month', recorded_at AT TIME ZONE 'UTC')::date, last.month);
    PERFORM gdpr.make_audit_month(current_month);
END $$;

-- The partition of the current month.
SELECT gdpr.make_audit_month(date_trunc('month', now() AT TIME ZONE 'UTC')::date);

-- The service adds; admins read.
DROP POLICY IF EXISTS audit_log_record ON gdpr.audit_log;
CREATE POLICY audit_log_record ON gdpr.audit_log FOR INSERT WITH CHECK ((SELECT gdpr.claim_role()) = 'service');
DROP POLICY IF EXISTS audit_log_read ON gdpr.audit_log;
CREATE POLICY audit_log_read ON gdpr.audit_log FOR SELECT USING ((SELECT gdpr.claim_role()) IN ('admin', 'service'));
DROP POLICY IF EXISTS audit_checkpoints_service ON gdpr.audit_checkpoints;
CREATE POLICY audit_checkpoints_service ON gdpr.audit_checkpoints USING ((SELECT gdpr.claim_role()) = 'service');
DROP POLICY IF EXISTS audit_checkpoints_read ON gdpr.audit_checkpoints;
CREATE POLICY audit_checkpoints_read ON gdpr.audit_checkpoints FOR SELECT USING ((SELECT gdpr.claim_role()) = 'admin');
