"""Rate limits: what has been taken of each bucket, and from where accounts have come in before.

Revision ID: 0002
"""

from shared.database.revisions import grant, script

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# A bucket is what was taken of it, by the second of this server's clock. What was taken in a second comes back when the
# window after that second has passed, so no window, wherever it begins, sees more than the limit. What is lent stands
# under the last second in which it can be used; who borrows again says first in which seconds it really was.
LEASE = """
    CREATE FUNCTION gateway.lease(_asks jsonb, _now timestamptz DEFAULT clock_timestamp())
    RETURNS TABLE (place integer, granted integer, free integer, at double precision, back_in double precision)
    LANGUAGE plpgsql AS $$
    DECLARE
        _epoch double precision := extract(epoch FROM _now);
        _second bigint := floor(_epoch);
        _ask record;
        _seconds bigint[];
        _counts integer[];
        _taken bigint;
    BEGIN
        -- In one order, so that two gateways that ask for the same buckets wait for each other at most.
        FOR _ask IN
            SELECT a.*, decode(a.key, 'hex') AS bucket
            FROM jsonb_to_recordset(_asks) AS a (
                place integer, key text, at_most integer, over integer, hold integer, needed integer, wanted integer,
                lent_until bigint, lent integer, seconds bigint[], counts integer[])
            ORDER BY a.key
        LOOP
            LOOP
                SELECT r.seconds, r.counts INTO _seconds, _counts
                FROM gateway.rate_limits AS r WHERE r.key = _ask.bucket FOR UPDATE;
                EXIT WHEN FOUND;
                INSERT INTO gateway.rate_limits (key, seconds, counts, idle_at) VALUES (_ask.bucket, '{}', '{}', _now)
                ON CONFLICT DO NOTHING;
            END LOOP;
            -- What seems to be far ahead was written before the clock was put back.
            SELECT coalesce(array_agg(t.s ORDER BY t.s), '{}'), coalesce(array_agg(t.c ORDER BY t.s), '{}'),
                   coalesce(sum(t.c), 0)
            INTO _seconds, _counts, _taken
            FROM (
                SELECT m.s, sum(m.c)::integer AS c
                FROM (
                    SELECT * FROM unnest(_seconds, _counts) AS held (s, c)
                    UNION ALL SELECT _ask.lent_until, -_ask.lent WHERE _ask.lent > 0
                    UNION ALL SELECT * FROM unnest(_ask.seconds, _ask.counts) AS used (s, c)
                ) AS m
                WHERE m.s BETWEEN _second - _ask.over AND _second + _ask.over
                GROUP BY m.s
                HAVING sum(m.c) > 0
            ) AS t;
            place := _ask.place;
            free := greatest(_ask.at_most - _taken, 0);
            -- Ahead of need at most a quarter of what is left, so that nobody borrows all of it away from the others.
            granted := least(free, greatest(_ask.needed, least(_ask.wanted, free / 4)));
            free := free - granted;
            IF granted > 0 THEN
                _seconds := _seconds || (_second + _ask.hold);
                _counts := _counts || granted;
            END IF;
            at := _epoch;
            back_in := coalesce((SELECT min(s) FROM unnest(_seconds) AS s) + _ask.over + 1 - _epoch, 0);
            UPDATE gateway.rate_limits AS r
            SET seconds = _seconds, counts = _counts,
                idle_at = _now + make_interval(secs => _ask.hold + _ask.over + 1)
            WHERE r.key = _ask.bucket;
            RETURN NEXT;
        END LOOP;
    END
    $$;
"""


def upgrade() -> None:
    script("""
        CREATE UNLOGGED TABLE gateway.rate_limits (
            key bytea PRIMARY KEY CHECK (length(key) = 16),
            seconds bigint[] NOT NULL,
            counts integer[] NOT NULL,
            idle_at timestamptz NOT NULL
        ) WITH (fillfactor = 50);
        CREATE TABLE gateway.known_networks (
            key bytea PRIMARY KEY CHECK (length(key) = 16),
            seen_on date NOT NULL
        );
    """)
    script(LEASE)
    for table in ("rate_limits", "known_networks"):
        grant("gateway", table, "SELECT, INSERT, UPDATE, DELETE")


def downgrade() -> None:
    script("""
        DROP FUNCTION gateway.lease(jsonb, timestamptz);
        DROP TABLE gateway.known_networks;
        DROP TABLE gateway.rate_limits;
    """)
