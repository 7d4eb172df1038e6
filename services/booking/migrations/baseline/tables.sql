-- Tables, constraints and indexes. models.py has the same.

-- The kinds of treatment. Only revisions write this table and the next.
CREATE TABLE booking.categories (
    code text PRIMARY KEY,
    name_da text NOT NULL,
    name_en text NOT NULL
);
COMMENT ON TABLE booking.categories IS 'reference data';

CREATE TABLE booking.synonyms (
    meaning text NOT NULL,
    word text NOT NULL,
    sound text NOT NULL GENERATED ALWAYS AS (booking.sounds(word)) STORED,
    stems tsvector NOT NULL GENERATED ALWAYS AS (booking.lexemes(word, 'da')) STORED,
    PRIMARY KEY (meaning, word)
);
COMMENT ON TABLE booking.synonyms IS 'reference data';

-- category_names: the category's names by language, which a trigger copies from booking.categories.
CREATE TABLE booking.treatments (
    id uuid PRIMARY KEY,
    translations jsonb NOT NULL,
    category text NOT NULL,
    category_names jsonb NOT NULL,
    duration_minutes integer NOT NULL CHECK (duration_minutes BETWEEN 5 AND 720),
    processing_start_minutes integer CHECK (processing_start_minutes > 0),
    processing_minutes integer CHECK (processing_minutes > 0),
    buffer_before_minutes integer NOT NULL DEFAULT 0 CHECK (buffer_before_minutes BETWEEN 0 AND 120),
    buffer_after_minutes integer NOT NULL DEFAULT 0 CHECK (buffer_after_minutes BETWEEN 0 AND 120),
    grid_minutes integer NOT NULL DEFAULT 15 CHECK (grid_minutes IN (5, 10, 15, 20, 30, 60)),
    price_amount integer NOT NULL CHECK (price_amount BETWEEN 0 AND 10000000),
    active boolean NOT NULL DEFAULT true,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    search_da tsvector NOT NULL GENERATED ALWAYS AS (booking.search_vector(translations, category_names, 'da')) STORED,
    search_en tsvector NOT NULL GENERATED ALWAYS AS (booking.search_vector(translations, category_names, 'en')) STORED,
    CHECK ((processing_start_minutes IS NULL) = (processing_minutes IS NULL)),
    CHECK (processing_start_minutes + processing_minutes < duration_minutes)
);

CREATE INDEX treatments_by_danish ON booking.treatments USING gin (search_da);

CREATE INDEX treatments_by_english ON booking.treatments USING gin (search_en);

-- Every word that a treatment has ever been described with.
CREATE TABLE booking.search_words (
    word text PRIMARY KEY,
    sound text NOT NULL GENERATED ALWAYS AS (booking.sounds(word)) STORED
);

CREATE INDEX search_words_by_sound ON booking.search_words USING gin (sound public.gin_trgm_ops);

CREATE TABLE booking.locticians (
    loctician_id uuid PRIMARY KEY,
    display_name text NOT NULL,
    bio text NOT NULL DEFAULT '',
    portfolio_links jsonb NOT NULL DEFAULT '[]',
    active boolean NOT NULL DEFAULT true,
    version integer NOT NULL DEFAULT 1,
    left_at timestamptz
);

-- What a loctician offers, at the loctician's own price and length where given.
CREATE TABLE booking.loctician_treatments (
    loctician_id uuid NOT NULL REFERENCES booking.locticians,
    treatment_id uuid NOT NULL REFERENCES booking.treatments,
    price_amount integer CHECK (price_amount BETWEEN 0 AND 10000000),
    duration_minutes integer CHECK (duration_minutes BETWEEN 5 AND 720),
    PRIMARY KEY (loctician_id, treatment_id)
);

CREATE TABLE booking.portfolio_sources (
    loctician_id uuid PRIMARY KEY REFERENCES booking.locticians,
    instagram_user_id text NOT NULL CHECK (instagram_user_id ~ '^[0-9]{1,30}$'),
    due_at timestamptz NOT NULL DEFAULT now(),
    failures integer NOT NULL DEFAULT 0
);

CREATE INDEX portfolio_sources_by_due ON booking.portfolio_sources (due_at);

CREATE TABLE booking.portfolio_media (
    loctician_id uuid NOT NULL REFERENCES booking.portfolio_sources ON DELETE CASCADE,
    place integer NOT NULL,
    media_id text NOT NULL,
    kind text NOT NULL,
    caption text NOT NULL,
    media_url text NOT NULL,
    permalink text NOT NULL,
    thumbnail_url text,
    taken_at timestamptz,
    fetched_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (loctician_id, place)
);

CREATE INDEX loctician_treatments_by_treatment ON booking.loctician_treatments (treatment_id);

-- Opening hours as calendar publishes them.
CREATE TABLE booking.open_windows (
    loctician_id uuid NOT NULL,
    day date NOT NULL,
    version integer NOT NULL,
    windows tstzmultirange NOT NULL,
    closed_for text,
    PRIMARY KEY (loctician_id, day)
);

CREATE TABLE booking.customers (
    id uuid PRIMARY KEY,
    email_verified boolean NOT NULL DEFAULT false,
    verified_version integer NOT NULL DEFAULT -1,
    active boolean NOT NULL DEFAULT true,
    active_version integer NOT NULL DEFAULT -1
);

-- The salon's rules: one row, once somebody has chosen; until then booking.rules() has the defaults.
CREATE TABLE booking.salon (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    minimum_notice_minutes integer NOT NULL CHECK (minimum_notice_minutes BETWEEN 0 AND 20160),
    horizon_days integer NOT NULL CHECK (horizon_days BETWEEN 1 AND 365),
    cancellation_window_hours integer NOT NULL CHECK (cancellation_window_hours BETWEEN 0 AND 336),
    confirm_by_hand boolean NOT NULL,
    open_bookings_per_customer integer NOT NULL CHECK (open_bookings_per_customer BETWEEN 1 AND 100),
    offer_minutes integer NOT NULL CHECK (offer_minutes BETWEEN 5 AND 1440),
    version integer NOT NULL
);

-- A walk-in has no account: customer_id is then an id that only this booking has.
CREATE TABLE booking.bookings (
    id uuid PRIMARY KEY,
    customer_id uuid NOT NULL,
    loctician_ids uuid[] NOT NULL,
    status text NOT NULL CHECK (status IN ('pending', 'confirmed', 'completed', 'no_show', 'cancelled')),
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    price_amount integer NOT NULL CHECK (price_amount >= 0),
    currency text NOT NULL DEFAULT 'DKK',
    notes text,
    internal_notes text,
    walk_in boolean NOT NULL DEFAULT false,
    walk_in_name text,
    walk_in_phone text,
    series_id uuid,
    conflicted_at timestamptz,
    cancel_reason text,
    cancelled_at timestamptz,
    anonymized_at timestamptz,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    shared boolean NOT NULL GENERATED ALWAYS AS (cardinality(loctician_ids) > 1) STORED,
    CHECK (starts_at < ends_at),
    CHECK (walk_in OR (walk_in_name IS NULL AND walk_in_phone IS NULL))
);

CREATE INDEX bookings_by_customer ON booking.bookings (customer_id, starts_at, id);

CREATE INDEX bookings_by_loctician ON booking.bookings ((loctician_ids[1]), starts_at, id);

-- Bookings that several locticians share are few: a loctician who is not the first is looked for here.
CREATE INDEX bookings_shared ON booking.bookings (starts_at, id) WHERE shared;

CREATE INDEX bookings_conflicted ON booking.bookings (starts_at, id) WHERE conflicted_at IS NOT NULL;

CREATE INDEX bookings_by_start ON booking.bookings (starts_at, id);

CREATE TABLE booking.booking_items (
    id uuid PRIMARY KEY,
    booking_id uuid NOT NULL REFERENCES booking.bookings,
    customer_id uuid NOT NULL,
    loctician_id uuid NOT NULL,
    treatment_id uuid NOT NULL REFERENCES booking.treatments,
    place integer NOT NULL,
    during tstzrange NOT NULL,
    blocked tstzrange NOT NULL,
    price_amount integer NOT NULL CHECK (price_amount >= 0),
    active boolean NOT NULL DEFAULT true,
    CONSTRAINT customer_overlap EXCLUDE USING gist (customer_id WITH =, during WITH &&) WHERE (active)
);

CREATE INDEX booking_items_by_booking ON booking.booking_items (booking_id, place);

-- item_id: a booked item's id, or a hold's. What a hold occupies is free again from lapses_at on.
CREATE TABLE booking.occupancy (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    item_id uuid NOT NULL,
    loctician_id uuid NOT NULL,
    blocked tstzrange NOT NULL CHECK (NOT isempty(blocked)),
    active boolean NOT NULL DEFAULT true,
    lapses_at timestamptz,
    CONSTRAINT slot_taken EXCLUDE USING gist (loctician_id WITH =, blocked WITH &&) WHERE (active)
);

-- The occupied time of a day is found by its end; see booking.occupied_moments().
CREATE INDEX occupancy_by_end ON booking.occupancy (loctician_id, upper(blocked), lower(blocked)) WHERE active;

CREATE INDEX occupancy_by_item ON booking.occupancy (item_id);

CREATE INDEX occupancy_lapsing ON booking.occupancy (loctician_id, lapses_at) WHERE lapses_at IS NOT NULL;

CREATE TABLE booking.waitlist (
    id uuid PRIMARY KEY,
    customer_id uuid NOT NULL,
    treatment_ids uuid[] NOT NULL,
    loctician_id uuid,
    first_day date NOT NULL,
    last_day date NOT NULL CHECK (last_day >= first_day),
    earliest time,
    latest time,
    status text NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'offered', 'accepted')),
    queued_at timestamptz NOT NULL DEFAULT now(),
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    answered_at timestamptz
);

CREATE INDEX waitlist_by_turn ON booking.waitlist (queued_at, id) WHERE status = 'waiting';

CREATE INDEX waitlist_by_customer ON booking.waitlist (customer_id, created_at, id);

-- An offer of the waitlist is a hold too. performer_ids: the loctician of each treatment.
CREATE TABLE booking.holds (
    id uuid PRIMARY KEY,
    customer_id uuid NOT NULL,
    treatment_ids uuid[] NOT NULL,
    performer_ids uuid[] NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    price_amount integer NOT NULL,
    waitlist_id uuid UNIQUE REFERENCES booking.waitlist ON DELETE CASCADE,
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE UNIQUE INDEX holds_by_customer ON booking.holds (customer_id) WHERE waitlist_id IS NULL;

CREATE INDEX holds_by_expiry ON booking.holds (expires_at);

-- Times that came free without a booking being cancelled or moved: a job offers them to the waitlist within seconds.
CREATE TABLE booking.freed_times (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    loctician_id uuid NOT NULL,
    times tstzmultirange NOT NULL CHECK (NOT isempty(times))
);

-- Up to when bookings were possible at the last look: one row, once there was one.
CREATE TABLE booking.horizon (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    until timestamptz NOT NULL
);

CREATE TABLE booking.booking_history (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    booking_id uuid NOT NULL REFERENCES booking.bookings,
    customer_id uuid NOT NULL,
    loctician_ids uuid[] NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    actor_id uuid,
    actor_role text NOT NULL,
    change text NOT NULL,
    status text NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    price_amount integer NOT NULL,
    version integer NOT NULL
);

CREATE INDEX booking_history_by_booking ON booking.booking_history (booking_id, id);

CREATE TABLE booking.idempotency_keys (
    caller uuid NOT NULL,
    key text NOT NULL,
    request_hash text NOT NULL,
    answer jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (caller, key)
);

CREATE INDEX idempotency_keys_by_age ON booking.idempotency_keys (created_at);
