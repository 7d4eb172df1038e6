-- Types that functions return.

CREATE TYPE booking.slot AS (
    starts_at timestamptz, ends_at timestamptz, loctician_id uuid, price_amount integer, parts jsonb
);

-- Consecutive treatments by one loctician; blocked: hands-on minutes from the start of the run.
CREATE TYPE booking.run AS (
    loctician_id uuid, first_place integer, last_place integer, lasts_minutes integer, price_amount integer,
    blocked int4multirange
);

-- performer_ids: the loctician of each treatment.
CREATE TYPE booking.sitting AS (performer_ids uuid[], shared boolean, lasts_minutes integer, price_amount integer);

-- What a change asks for, beside what is booked (old_*); with performer_ids, exactly by these.
CREATE TYPE booking.change_plan AS (
    treatments uuid[], loctician uuid, performer_ids uuid[],
    old_items uuid[], old_treatments uuid[], old_performers uuid[], old_prices integer[]
);
