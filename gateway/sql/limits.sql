-- Rate limits. A bucket holds what was taken of it, by the second of this server's clock. What was taken in a second is
-- free again when the window after that second has passed, so that no window, wherever it begins, exceeds the limit.
-- What a gateway has leased counts in the last second in which the lease can be used; with its next request the gateway
-- reports the seconds in which it was really used.

-- Leases tokens of several buckets. _requests: an array of objects with number (index of the answer), key (hex),
-- at_most (the limit), over (seconds of the window), hold (seconds of the lease), needed and wanted (tokens),
-- leased_until and leased (the lease that is given back), seconds and counts (what was used of it). Returns for
-- each: granted and free tokens, the server's time in seconds, and in how many seconds a token is free. Raises
-- check_violation for a key that is not 16 bytes. Locks the rows of rate_limits in the order of their keys.
CREATE OR REPLACE FUNCTION gateway.lease(_requests jsonb, _now timestamptz DEFAULT clock_timestamp())
RETURNS TABLE (number integer, granted integer, free integer, at double precision, back_in double precision)
LANGUAGE plpgsql AS $$
DECLARE
    _epoch double precision := extract(epoch FROM _now);
    _second bigint := floor(_epoch);
    _request record;
    _seconds bigint[];
    _counts integer[];
    _taken bigint;
BEGIN
    -- In the order of the keys, so that two gateways with the same buckets do not wait for each other in a circle.
    FOR _request IN
        SELECT a.*, decode(a.key, 'hex') AS bucket
        FROM jsonb_to_recordset(_requests) AS a (
            number integer, key text, at_most integer, over integer, hold integer, needed integer, wanted integer,
            leased_until bigint, leased integer, seconds bigint[], counts integer[])
        ORDER BY a.key
    LOOP
        LOOP
            SELECT r.seconds, r.counts INTO _seconds, _counts
            FROM gateway.rate_limits AS r WHERE r.key = _request.bucket FOR UPDATE;
            EXIT WHEN FOUND;
            INSERT INTO gateway.rate_limits (key, seconds, counts, idle_at) VALUES (_request.bucket, '{}', '{}', _now)
            ON CONFLICT DO NOTHING;
        END LOOP;
        -- Seconds far ahead were written before the clock was put back: they are left out.
        SELECT coalesce(array_agg(t.s ORDER BY t.s), '{}'), coalesce(array_agg(t.c ORDER BY t.s), '{}'),
               coalesce(sum(t.c), 0)
        INTO _seconds, _counts, _taken
        FROM (
            SELECT m.s, sum(m.c)::integer AS c
            FROM (
                SELECT * FROM unnest(_seconds, _counts) AS held (s, c)
                UNION ALL SELECT _request.leased_until, -_request.leased WHERE _request.leased > 0
                UNION ALL SELECT * FROM unnest(_request.seconds, _request.counts) AS used (s, c)
            ) AS m
            WHERE m.s BETWEEN _second - _request.over AND _second + _request.over
            GROUP BY m.s
            HAVING sum(m.c) > 0
        ) AS t;
        number := _request.number;
        free := greatest(_request.at_most - _taken, 0);
        -- Beyond what is needed, at most a quarter of what is free, so that other gateways get a share.
        granted := least(free, greatest(_request.needed, least(_request.wanted, free / 4)));
        free := free - granted;
        IF granted > 0 THEN
            _seconds := _seconds || (_second + _request.hold);
            _counts := _counts || granted;
        END IF;
        at := _epoch;
        back_in := coalesce((SELECT min(s) FROM unnest(_seconds) AS s) + _request.over + 1 - _epoch, 0);
        UPDATE gateway.rate_limits AS r
        SET seconds = _seconds, counts = _counts,
            idle_at = _now + make_interval(secs => _request.hold + _request.over + 1)
        WHERE r.key = _request.bucket;
        RETURN NEXT;
    END LOOP;
END $$;
