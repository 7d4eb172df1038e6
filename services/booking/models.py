"""Tables, with their constraints and indexes. Functions, triggers and policies are in sql/."""

from sqlalchemy import ARRAY, Boolean, Date, ForeignKey, Index, Integer, Text, Time, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB, TSTZMULTIRANGE, TSTZRANGE, TSVECTOR, ExcludeConstraint

from services.booking.columns import (
    INSTANT,
    bounded,
    bounded_and_not_empty,
    check,
    generated,
    key,
    numbered,
    optional,
    required,
    singleton,
    table,
)
from services.booking.columns import metadata as metadata
from services.booking.customers.tables import customer_search as customer_search
from services.booking.customers.tables import customers as customers
from services.booking.media import tables as media_tables  # noqa: F401 - adds them to the metadata
from services.booking.portfolio import tables as portfolio_tables  # noqa: F401 - the same
from services.booking.requests import tables as request_tables  # noqa: F401 - the same
from services.booking.salon import tables as salon_tables  # noqa: F401 - the same
from shared.classification import NONE, PERSONAL, PSEUDONYMOUS, about, personal, pseudonymous
from shared.database.tables import service_tables
from shared.http.idempotency import idempotency_table

service_tables(metadata)
idempotency_keys = idempotency_table(metadata, Text())
ACTIVE = text("active")
NOTES = personal(purpose="appointments", keep="notes")
WALK_IN = personal(purpose="appointments", keep="walk_ins")
CUSTOMER = pseudonymous(purpose="appointments", keep="customers_of_bookings")
ACTOR = pseudonymous(purpose="accountability", keep="customers_of_bookings")
PROFILE = personal(purpose="appointments", keep="departed_profiles")

categories = table(
    "categories",
    key("code", NONE, type_=Text),
    required("name_da", Text),
    required("name_en", Text),
    comment="reference data",
)

synonyms = table(
    "synonyms",
    key("meaning", NONE, type_=Text),
    key("word", NONE, type_=Text),
    required("sound", Text, NONE, generated("booking.sounds(word)")),
    required("stems", TSVECTOR, NONE, generated("booking.lexemes(word, 'da')")),
    comment="reference data",
)

treatments = table(
    "treatments",
    key("id", NONE),
    required("translations", JSONB),
    required("category", Text),
    required("category_names", JSONB),
    required("duration_minutes", Integer, NONE, check("duration_minutes BETWEEN 5 AND 720")),
    optional("processing_start_minutes", Integer, NONE, check("processing_start_minutes > 0")),
    optional("processing_minutes", Integer, NONE, check("processing_minutes > 0")),
    required("buffer_before_minutes", Integer, NONE, check("buffer_before_minutes BETWEEN 0 AND 120"), default="0"),
    required("buffer_after_minutes", Integer, NONE, check("buffer_after_minutes BETWEEN 0 AND 120"), default="0"),
    required("grid_minutes", Integer, NONE, check("grid_minutes IN (5, 10, 15, 20, 30, 60)"), default="15"),
    required("price_amount", Integer, NONE, check("price_amount BETWEEN 0 AND 10000000")),
    required("active", Boolean, default="true"),
    required("version", Integer, default="1"),
    required("created_at", INSTANT, default="now()"),
    required("updated_at", INSTANT, default="now()"),
    required("grid_from", Text, NONE, check("grid_from IN ('hour', 'opening')"), default="'hour'"),
    required("search_da", TSVECTOR, NONE, generated("booking.search_vector(translations, category_names, 'da')")),
    required("search_en", TSVECTOR, NONE, generated("booking.search_vector(translations, category_names, 'en')")),
    check("(processing_start_minutes IS NULL) = (processing_minutes IS NULL)"),
    check("processing_start_minutes + processing_minutes < duration_minutes"),
    Index("treatments_by_danish", "search_da", postgresql_using="gin"),
    Index("treatments_by_english", "search_en", postgresql_using="gin"),
)

search_words = table(
    "search_words",
    key("word", NONE, type_=Text),
    required("sound", Text, NONE, generated("booking.sounds(word)")),
    Index("search_words_by_sound", "sound", postgresql_using="gin", postgresql_ops={"sound": "public.gin_trgm_ops"}),
)

locticians = table(
    "locticians",
    key("loctician_id", PSEUDONYMOUS),
    required("display_name", Text, PERSONAL),
    required("bio", Text, PROFILE, default="''"),
    required("portfolio_links", JSONB, PROFILE, default="'[]'"),
    required("active", Boolean, default="true"),
    required("version", Integer, default="1"),
    optional("left_at", INSTANT),
    info=about(purpose="appointments", keep="erased"),
)

loctician_treatments = table(
    "loctician_treatments",
    key("loctician_id", PSEUDONYMOUS, ForeignKey(locticians.c.loctician_id)),
    key("treatment_id", NONE, ForeignKey(treatments.c.id)),
    optional("price_amount", Integer, NONE, check("price_amount BETWEEN 0 AND 10000000")),
    optional("duration_minutes", Integer, NONE, check("duration_minutes BETWEEN 5 AND 720")),
    Index("loctician_treatments_by_treatment", "treatment_id"),
    info=about(purpose="appointments", keep="erased"),
)

open_windows = table(
    "open_windows",
    key("loctician_id", PSEUDONYMOUS),
    key("day", NONE, type_=Date),
    required("version", Integer),
    required("windows", TSTZMULTIRANGE, NONE, bounded("windows")),
    optional("closed_for", Text),
    info=about(purpose="calendar", keep="open_windows"),
)

salon = table(
    "salon",
    singleton(),
    required("minimum_notice_minutes", Integer, NONE, check("minimum_notice_minutes BETWEEN 0 AND 20160")),
    required("horizon_days", Integer, NONE, check("horizon_days BETWEEN 1 AND 365")),
    required("cancellation_window_hours", Integer, NONE, check("cancellation_window_hours BETWEEN 0 AND 336")),
    required("confirm_by_hand", Boolean),
    required("open_bookings_per_customer", Integer, NONE, check("open_bookings_per_customer BETWEEN 1 AND 100")),
    required("offer_minutes", Integer, NONE, check("offer_minutes BETWEEN 5 AND 1440")),
    required("version", Integer),
    required("name", Text, default="''"),
    required("address", Text, default="''"),
    required("phone", Text, default="''"),
    required("confirm_within_hours", Integer, NONE, check("confirm_within_hours BETWEEN 1 AND 336"), default="72"),
    required("buffers_within_hours", Boolean, default="false"),
)

bookings = table(
    "bookings",
    key("id", PSEUDONYMOUS),
    required("customer_id", Uuid, CUSTOMER),
    required("loctician_ids", ARRAY(Uuid), PSEUDONYMOUS),
    required("status", Text, NONE, check("status IN ('pending', 'confirmed', 'completed', 'no_show', 'cancelled')")),
    required("starts_at", INSTANT, PSEUDONYMOUS),
    required("ends_at", INSTANT, PSEUDONYMOUS),
    required("price_amount", Integer, NONE, check("price_amount >= 0")),
    required("currency", Text, default="'DKK'"),
    optional("notes", Text, NOTES),
    optional("internal_notes", Text, NOTES),
    required("walk_in", Boolean, default="false"),
    optional("walk_in_name", Text, WALK_IN),
    optional("walk_in_phone", Text, WALK_IN),
    optional("series_id", Uuid, CUSTOMER),
    optional("conflicted_at", INSTANT),
    optional("customer_inactive_at", INSTANT),
    optional("cancel_reason", Text, NOTES),
    optional("cancelled_at", INSTANT),
    optional("anonymized_at", INSTANT),
    required("version", Integer, default="1"),
    required("created_at", INSTANT, default="now()"),
    required("updated_at", INSTANT, default="now()"),
    required("shared", Boolean, NONE, generated("cardinality(loctician_ids) > 1")),
    optional("confirm_by", INSTANT),
    optional("cancel_code", Text),
    check("starts_at < ends_at"),
    check("walk_in OR (walk_in_name IS NULL AND walk_in_phone IS NULL)"),
    Index("bookings_by_customer", "customer_id", "starts_at", "id"),
    Index("bookings_by_loctician", text("(loctician_ids[1])"), "starts_at", "id"),
    Index("bookings_shared", "starts_at", "id", postgresql_where=text("shared")),
    Index("bookings_conflicted", "starts_at", "id", postgresql_where=text("conflicted_at IS NOT NULL")),
    Index("bookings_by_start", "starts_at", "id"),
    Index("bookings_missed", "customer_id", postgresql_where=text("status = 'no_show'")),
    Index("bookings_by_series", "series_id", postgresql_where=text("series_id IS NOT NULL")),
    Index("bookings_of_inactive", "starts_at", "id", postgresql_where=text("customer_inactive_at IS NOT NULL")),
    Index("bookings_pending", text("least(confirm_by, starts_at)"), "id", postgresql_where=text("status = 'pending'")),
    info=about(purpose="bookkeeping", keep="bookings"),
)

booking_items = table(
    "booking_items",
    key("id", PSEUDONYMOUS),
    required("booking_id", Uuid, PSEUDONYMOUS, ForeignKey(bookings.c.id)),
    required("customer_id", Uuid, CUSTOMER),
    required("loctician_id", Uuid, PSEUDONYMOUS),
    required("treatment_id", Uuid, NONE, ForeignKey(treatments.c.id)),
    required("place", Integer),
    required("during", TSTZRANGE, PSEUDONYMOUS, bounded_and_not_empty("during")),
    required("blocked", TSTZRANGE, PSEUDONYMOUS, bounded_and_not_empty("blocked")),
    required("price_amount", Integer, NONE, check("price_amount >= 0")),
    required("active", Boolean, default="true"),
    optional("buffer_before_minutes", Integer),
    optional("buffer_after_minutes", Integer),
    optional("processing_start_minutes", Integer),
    optional("processing_minutes", Integer),
    optional("service_names", JSONB),
    ExcludeConstraint(("customer_id", "="), ("during", "&&"), name="customer_overlap", where=ACTIVE),
    Index("booking_items_by_booking", "booking_id", "place"),
    info=about(purpose="bookkeeping", keep="bookings"),
)

occupancy = table(
    "occupancy",
    numbered(),
    required("item_id", Uuid, PSEUDONYMOUS),
    required("loctician_id", Uuid, PSEUDONYMOUS),
    required("blocked", TSTZRANGE, NONE, check("NOT isempty(blocked)")),
    required("active", Boolean, default="true"),
    optional("lapses_at", INSTANT),
    bounded("blocked", "occupancy_bounded"),
    ExcludeConstraint(("loctician_id", "="), ("blocked", "&&"), name="slot_taken", where=ACTIVE),
    Index(
        "occupancy_by_end", "loctician_id", *map(text, ("upper(blocked)", "lower(blocked)")), postgresql_where=ACTIVE
    ),
    Index("occupancy_by_item", "item_id"),
    Index("occupancy_lapsing", "loctician_id", "lapses_at", postgresql_where=text("lapses_at IS NOT NULL")),
    info=about(purpose="appointments", keep="occupancy"),
)

waitlist = table(
    "waitlist",
    key("id", PSEUDONYMOUS),
    required("customer_id", Uuid, PSEUDONYMOUS),
    required("treatment_ids", ARRAY(Uuid)),
    optional("loctician_id", Uuid, PSEUDONYMOUS),
    required("first_day", Date, PSEUDONYMOUS),
    required("last_day", Date, PSEUDONYMOUS, check("last_day >= first_day")),
    optional("earliest", Time, PSEUDONYMOUS),
    optional("latest", Time, PSEUDONYMOUS),
    required("status", Text, NONE, check("status IN ('waiting', 'offered', 'accepted')"), default="'waiting'"),
    required("queued_at", INSTANT, default="now()"),
    required("version", Integer, default="1"),
    required("created_at", INSTANT, default="now()"),
    optional("answered_at", INSTANT),
    required("unexamined", Boolean, default="true"),
    optional("offer_id", Uuid, PSEUDONYMOUS),
    optional("offer_ends_at", INSTANT),
    optional("booking_id", Uuid, PSEUDONYMOUS),
    Index("waitlist_by_turn", "queued_at", "id", postgresql_where=text("status = 'waiting'")),
    Index("waitlist_by_customer", "customer_id", "created_at", "id"),
    Index("waitlist_by_offer", "offer_id", postgresql_where=text("offer_id IS NOT NULL")),
    info=about(purpose="appointments", keep="waitlist"),
)

holds = table(
    "holds",
    key("id", PSEUDONYMOUS),
    required("customer_id", Uuid, PSEUDONYMOUS),
    required("treatment_ids", ARRAY(Uuid)),
    required("performer_ids", ARRAY(Uuid), PSEUDONYMOUS),
    required("starts_at", INSTANT, PSEUDONYMOUS),
    required("ends_at", INSTANT, PSEUDONYMOUS),
    required("price_amount", Integer),
    optional("waitlist_id", Uuid, PSEUDONYMOUS, ForeignKey(waitlist.c.id, ondelete="CASCADE"), unique=True),
    required("expires_at", INSTANT),
    required("created_at", INSTANT, default="now()"),
    optional("terms", JSONB, PSEUDONYMOUS),
    Index("holds_by_customer", "customer_id", unique=True, postgresql_where=text("waitlist_id IS NULL")),
    Index("holds_by_expiry", "expires_at"),
    info=about(purpose="appointments", keep="holds"),
)

freed_times = table(
    "freed_times",
    numbered(),
    required("loctician_id", Uuid, PSEUDONYMOUS),
    required("times", TSTZMULTIRANGE, NONE, check("NOT isempty(times)")),
    required("noted_at", INSTANT, default="now()"),
    optional("after_at", INSTANT),
    optional("after_id", Uuid, PSEUDONYMOUS),
    optional("treatment_id", Uuid),
    bounded("times", "freed_times_bounded"),
    info=about(purpose="calendar", keep="freed_times"),
)

horizon = table("horizon", singleton(), required("until", INSTANT))

booking_history = table(
    "booking_history",
    numbered(),
    required("booking_id", Uuid, PSEUDONYMOUS, ForeignKey(bookings.c.id)),
    required("customer_id", Uuid, CUSTOMER),
    required("loctician_ids", ARRAY(Uuid), PSEUDONYMOUS),
    required("at", INSTANT, default="now()"),
    optional("actor_id", Uuid, ACTOR),
    required("actor_role", Text),
    required("change", Text),
    required("status", Text),
    required("starts_at", INSTANT, PSEUDONYMOUS),
    required("ends_at", INSTANT, PSEUDONYMOUS),
    required("price_amount", Integer),
    required("version", Integer),
    Index("booking_history_by_booking", "booking_id", "id"),
    info=about(purpose="bookkeeping", keep="bookings"),
)
