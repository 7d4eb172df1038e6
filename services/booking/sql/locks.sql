-- Advisory locks. They last until the transaction ends and are always taken in this order:
-- 1. lock_customers: the customers whose holds, wishes or offers the call may change;
-- 2. lock_people: locticians and customers whose time the call reads or takes;
-- 3. rows (bookings, holds, waitlist) FOR UPDATE.
-- Each function sorts its keys, and is called once in a transaction where possible, so that calls wait for each other
-- but do not deadlock. The application tries a call again that is chosen as a deadlock victim all the same (40P01).

-- Locks customers, for calls that change the holds, wishes or offers of a customer. Such a call must do so before it
-- knows which locticians it needs, so before lock_people. Never call it after lock_people: two calls of one customer
-- would wait for each other.
-- Arguments: customer ids; NULLs are ignored. Locks: one advisory lock a customer, key hashtextextended(id, 1), in the
-- order of the keys.
CREATE OR REPLACE FUNCTION booking.lock_customers(p_customers uuid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    key bigint;
BEGIN
    FOR key IN SELECT DISTINCT hashtextextended(p::text, 1) AS k FROM unnest(p_customers) p ORDER BY k LOOP
        PERFORM pg_advisory_xact_lock(key);
    END LOOP;
END
$$;

-- Locks the time of locticians and customers, before any of their rows is locked.
-- Arguments: ids of people. Locks: one advisory lock a person, key hashtextextended(id, 0), in the order of the keys.
CREATE OR REPLACE FUNCTION booking.lock_people(p_people uuid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    key bigint;
BEGIN
    FOR key IN SELECT DISTINCT hashtextextended(p::text, 0) AS k FROM unnest(p_people) p ORDER BY k LOOP
        PERFORM pg_advisory_xact_lock(key);
    END LOOP;
END
$$;

-- lock_customers without waiting, so that it may be called with other locks held. Returns whether all of them were
-- free; those that were free stay locked until the transaction ends, also when it returns false.
CREATE OR REPLACE FUNCTION booking.try_lock_customers(p_customers uuid[]) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT bool_and(pg_try_advisory_xact_lock(hashtextextended(p::text, 1))) FROM unnest(p_customers) p);
END
$$;

-- lock_people without waiting, in the same way.
CREATE OR REPLACE FUNCTION booking.try_lock_people(p_people uuid[]) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT bool_and(pg_try_advisory_xact_lock(hashtextextended(p::text, 0))) FROM unnest(p_people) p);
END
$$;

-- Whether all of them could be locked at this moment. Keeps no lock: it is released with the block.
CREATE OR REPLACE FUNCTION booking.can_lock_people(p_people uuid[]) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    locked boolean;
BEGIN
    BEGIN
        locked := booking.try_lock_people(p_people);
        RAISE EXCEPTION USING ERRCODE = 'LB002', MESSAGE = 'released';
    EXCEPTION WHEN SQLSTATE 'LB002' THEN
        RETURN locked;
    END;
END
$$;
