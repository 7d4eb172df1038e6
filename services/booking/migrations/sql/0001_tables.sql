CREATE TABLE booking.treatments (
    id uuid PRIMARY KEY,
    translations jsonb NOT NULL,
    category text NOT NULL,
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
    search_da tsvector NOT NULL GENERATED ALWAYS AS (booking.search_vector(translations, category, 'da')) STORED,
    search_en tsvector NOT NULL GENERATED ALWAYS AS (booking.search_vector(translations, category, 'en')) STORED,
    CHECK ((processing_start_minutes IS NULL) = (processing_minutes IS NULL)),
    CHECK (processing_start_minutes + processing_minutes < duration_minutes)
)

CREATE INDEX treatments_by_danish ON booking.treatments USING gin (search_da)

CREATE INDEX treatments_by_english ON booking.treatments USING gin (search_en)

CREATE TABLE booking.search_words (
    word text PRIMARY KEY,
    sound text NOT NULL GENERATED ALWAYS AS (booking.sounds(word)) STORED
)

CREATE INDEX search_words_by_sound ON booking.search_words USING gin (sound public.gin_trgm_ops)

CREATE TABLE booking.locticians (
    loctician_id uuid PRIMARY KEY,
    display_name text NOT NULL,
    bio text NOT NULL DEFAULT '',
    portfolio_links jsonb NOT NULL DEFAULT '[]',
    active boolean NOT NULL DEFAULT true,
    version integer NOT NULL DEFAULT 1
)

CREATE TABLE booking.loctician_treatments (
    loctician_id uuid NOT NULL REFERENCES booking.locticians,
    treatment_id uuid NOT NULL REFERENCES booking.treatments,
    price_amount integer CHECK (price_amount BETWEEN 0 AND 10000000),
    duration_minutes integer CHECK (duration_minutes BETWEEN 5 AND 720),
    PRIMARY KEY (loctician_id, treatment_id)
)

CREATE TABLE booking.portfolio_sources (
    loctician_id uuid PRIMARY KEY REFERENCES booking.locticians,
    instagram_user_id text NOT NULL CHECK (instagram_user_id ~ '^[0-9]{1,30}$'),
    due_at timestamptz NOT NULL DEFAULT now(),
    failures integer NOT NULL DEFAULT 0
)

CREATE INDEX portfolio_sources_by_due ON booking.portfolio_sources (due_at)

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
)

CREATE INDEX loctician_treatments_by_treatment ON booking.loctician_treatments (treatment_id)

CREATE TABLE booking.open_windows (
    loctician_id uuid NOT NULL,
    day date NOT NULL,
    version integer NOT NULL,
    windows tstzmultirange NOT NULL,
    PRIMARY KEY (loctician_id, day)
)

CREATE TABLE booking.customers (
    id uuid PRIMARY KEY,
    email_verified boolean NOT NULL DEFAULT false,
    verified_version integer NOT NULL DEFAULT -1,
    active boolean NOT NULL DEFAULT true,
    active_version integer NOT NULL DEFAULT -1
)

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
    cancel_reason text,
    cancelled_at timestamptz,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK (starts_at < ends_at)
)

CREATE INDEX bookings_by_customer ON booking.bookings (customer_id, starts_at, id)

CREATE INDEX bookings_by_loctician ON booking.bookings ((loctician_ids[1]), starts_at, id)

CREATE INDEX bookings_by_start ON booking.bookings (starts_at, id)

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
)

CREATE INDEX booking_items_by_booking ON booking.booking_items (booking_id, place)

CREATE TABLE booking.occupancy (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    item_id uuid NOT NULL,
    loctician_id uuid NOT NULL,
    blocked tstzrange NOT NULL CHECK (NOT isempty(blocked)),
    active boolean NOT NULL DEFAULT true,
    CONSTRAINT slot_taken EXCLUDE USING gist (loctician_id WITH =, blocked WITH &&) WHERE (active)
)

CREATE INDEX occupancy_by_item ON booking.occupancy (item_id)

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
    version integer NOT NULL
)

CREATE INDEX booking_history_by_booking ON booking.booking_history (booking_id, id)

CREATE TABLE booking.idempotency_keys (
    caller uuid NOT NULL,
    key text NOT NULL,
    request_hash text NOT NULL,
    answer jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (caller, key)
)

CREATE INDEX idempotency_keys_by_age ON booking.idempotency_keys (created_at)
