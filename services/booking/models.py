"""Tables. The rules between them (exclusion constraints, policies) stand in migrations/sql."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Computed,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Integer,
    MetaData,
    Table,
    Text,
    Time,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSTZMULTIRANGE, TSTZRANGE, TSVECTOR

from shared.classification import NONE, PERSONAL, PSEUDONYMOUS, about, personal, pseudonymous
from shared.http.idempotency import idempotency_table
from shared.messaging.inbox import inbox_table
from shared.messaging.outbox import outbox_table

metadata = MetaData(schema="booking")
outbox = outbox_table(metadata)
inbox = inbox_table(metadata)

NOW = text("now()")
TRUE = text("true")
ONE = text("1")

NOTES = personal(purpose="appointments", keep="notes")
WALK_IN = personal(purpose="appointments", keep="walk_ins")
CUSTOMER = pseudonymous(purpose="appointments", keep="customers_of_bookings")
ACTOR = pseudonymous(purpose="accountability", keep="customers_of_bookings")
PROFILE = personal(purpose="appointments", keep="departed_profiles")

treatments = Table(
    "treatments",
    metadata,
    Column("id", Uuid, primary_key=True, info=NONE),
    Column("translations", JSONB, nullable=False, info=NONE),
    Column("category", Text, nullable=False, info=NONE),
    Column("duration_minutes", Integer, nullable=False, info=NONE),
    Column("processing_start_minutes", Integer, info=NONE),
    Column("processing_minutes", Integer, info=NONE),
    Column("buffer_before_minutes", Integer, nullable=False, server_default=text("0"), info=NONE),
    Column("buffer_after_minutes", Integer, nullable=False, server_default=text("0"), info=NONE),
    Column("grid_minutes", Integer, nullable=False, server_default=text("15"), info=NONE),
    Column("price_amount", Integer, nullable=False, info=NONE),
    Column("active", Boolean, nullable=False, server_default=TRUE, info=NONE),
    Column("version", Integer, nullable=False, server_default=ONE, info=NONE),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=NOW, info=NONE),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=NOW, info=NONE),
    Column(
        "search_da",
        TSVECTOR,
        Computed("booking.search_vector(translations, category, 'da')"),
        nullable=False,
        info=NONE,
    ),
    Column(
        "search_en",
        TSVECTOR,
        Computed("booking.search_vector(translations, category, 'en')"),
        nullable=False,
        info=NONE,
    ),
)

search_words = Table(
    "search_words",
    metadata,
    Column("word", Text, primary_key=True, info=NONE),
    Column("sound", Text, Computed("booking.sounds(word)"), nullable=False, info=NONE),
)

locticians = Table(
    "locticians",
    metadata,
    Column("loctician_id", Uuid, primary_key=True, info=PSEUDONYMOUS),
    Column("display_name", Text, nullable=False, info=PERSONAL),
    Column("bio", Text, nullable=False, server_default=text("''"), info=PROFILE),
    Column("portfolio_links", JSONB, nullable=False, server_default=text("'[]'"), info=PROFILE),
    Column("active", Boolean, nullable=False, server_default=TRUE, info=NONE),
    Column("version", Integer, nullable=False, server_default=ONE, info=NONE),
    Column("left_at", DateTime(timezone=True), info=NONE),
    info=about(purpose="appointments", keep="erased"),
)

loctician_treatments = Table(
    "loctician_treatments",
    metadata,
    Column("loctician_id", Uuid, ForeignKey(locticians.c.loctician_id), primary_key=True, info=PSEUDONYMOUS),
    Column("treatment_id", Uuid, ForeignKey(treatments.c.id), primary_key=True, info=NONE),
    Column("price_amount", Integer, info=NONE),
    Column("duration_minutes", Integer, info=NONE),
    info=about(purpose="appointments", keep="erased"),
)

portfolio_sources = Table(
    "portfolio_sources",
    metadata,
    Column("loctician_id", Uuid, ForeignKey(locticians.c.loctician_id), primary_key=True, info=PSEUDONYMOUS),
    Column("instagram_user_id", Text, nullable=False, info=PERSONAL),
    Column("due_at", DateTime(timezone=True), nullable=False, server_default=NOW, info=NONE),
    Column("failures", Integer, nullable=False, server_default=text("0"), info=NONE),
    info=about(purpose="appointments", keep="departed_portfolios"),
)

portfolio_media = Table(
    "portfolio_media",
    metadata,
    Column("loctician_id", Uuid, ForeignKey(portfolio_sources.c.loctician_id), primary_key=True, info=PSEUDONYMOUS),
    Column("place", Integer, primary_key=True, info=NONE),
    Column("media_id", Text, nullable=False, info=PSEUDONYMOUS),
    Column("kind", Text, nullable=False, info=NONE),
    Column("caption", Text, nullable=False, info=PERSONAL),
    Column("media_url", Text, nullable=False, info=PERSONAL),
    Column("permalink", Text, nullable=False, info=PERSONAL),
    Column("thumbnail_url", Text, info=PERSONAL),
    Column("taken_at", DateTime(timezone=True), info=NONE),
    Column("fetched_at", DateTime(timezone=True), nullable=False, server_default=NOW, info=NONE),
    info=about(purpose="appointments", keep="portfolio_media"),
)

open_windows = Table(
    "open_windows",
    metadata,
    Column("loctician_id", Uuid, primary_key=True, info=PSEUDONYMOUS),
    Column("day", Date, primary_key=True, info=NONE),
    Column("version", Integer, nullable=False, info=NONE),
    Column("windows", TSTZMULTIRANGE, nullable=False, info=NONE),
    Column("closed_for", Text, info=NONE),
    info=about(purpose="calendar", keep="open_windows"),
)

customers = Table(
    "customers",
    metadata,
    Column("id", Uuid, primary_key=True, info=PSEUDONYMOUS),
    Column("email_verified", Boolean, nullable=False, server_default=text("false"), info=NONE),
    Column("verified_version", Integer, nullable=False, server_default=text("-1"), info=NONE),
    Column("active", Boolean, nullable=False, server_default=TRUE, info=NONE),
    Column("active_version", Integer, nullable=False, server_default=text("-1"), info=NONE),
    info=about(purpose="account", keep="erased"),
)

salon = Table(
    "salon",
    metadata,
    Column("only_one", Boolean, primary_key=True, server_default=TRUE, info=NONE),
    Column("minimum_notice_minutes", Integer, nullable=False, info=NONE),
    Column("horizon_days", Integer, nullable=False, info=NONE),
    Column("cancellation_window_hours", Integer, nullable=False, info=NONE),
    Column("confirm_by_hand", Boolean, nullable=False, info=NONE),
    Column("open_bookings_per_customer", Integer, nullable=False, info=NONE),
    Column("offer_minutes", Integer, nullable=False, info=NONE),
    Column("version", Integer, nullable=False, info=NONE),
)

bookings = Table(
    "bookings",
    metadata,
    Column("id", Uuid, primary_key=True, info=PSEUDONYMOUS),
    Column("customer_id", Uuid, nullable=False, info=CUSTOMER),
    Column("loctician_ids", ARRAY(Uuid), nullable=False, info=PSEUDONYMOUS),
    Column("status", Text, nullable=False, info=NONE),
    Column("starts_at", DateTime(timezone=True), nullable=False, info=PSEUDONYMOUS),
    Column("ends_at", DateTime(timezone=True), nullable=False, info=PSEUDONYMOUS),
    Column("price_amount", Integer, nullable=False, info=NONE),
    Column("currency", Text, nullable=False, server_default=text("'DKK'"), info=NONE),
    Column("notes", Text, info=NOTES),
    Column("internal_notes", Text, info=NOTES),
    Column("walk_in", Boolean, nullable=False, server_default=text("false"), info=NONE),
    Column("walk_in_name", Text, info=WALK_IN),
    Column("walk_in_phone", Text, info=WALK_IN),
    Column("series_id", Uuid, info=CUSTOMER),
    Column("conflicted_at", DateTime(timezone=True), info=NONE),
    Column("cancel_reason", Text, info=NOTES),
    Column("cancelled_at", DateTime(timezone=True), info=NONE),
    Column("parted_at", DateTime(timezone=True), info=NONE),
    Column("version", Integer, nullable=False, server_default=ONE, info=NONE),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=NOW, info=NONE),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=NOW, info=NONE),
    Column("shared", Boolean, Computed("cardinality(loctician_ids) > 1"), nullable=False, info=NONE),
    info=about(purpose="bookkeeping", keep="bookings"),
)

booking_items = Table(
    "booking_items",
    metadata,
    Column("id", Uuid, primary_key=True, info=PSEUDONYMOUS),
    Column("booking_id", Uuid, ForeignKey(bookings.c.id), nullable=False, info=PSEUDONYMOUS),
    Column("customer_id", Uuid, nullable=False, info=CUSTOMER),
    Column("loctician_id", Uuid, nullable=False, info=PSEUDONYMOUS),
    Column("treatment_id", Uuid, ForeignKey(treatments.c.id), nullable=False, info=NONE),
    Column("place", Integer, nullable=False, info=NONE),
    Column("during", TSTZRANGE, nullable=False, info=PSEUDONYMOUS),
    Column("blocked", TSTZRANGE, nullable=False, info=PSEUDONYMOUS),
    Column("price_amount", Integer, nullable=False, info=NONE),
    Column("active", Boolean, nullable=False, server_default=TRUE, info=NONE),
    info=about(purpose="bookkeeping", keep="bookings"),
)

occupancy = Table(
    "occupancy",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True, info=NONE),
    Column("item_id", Uuid, nullable=False, info=PSEUDONYMOUS),
    Column("loctician_id", Uuid, nullable=False, info=PSEUDONYMOUS),
    Column("blocked", TSTZRANGE, nullable=False, info=NONE),
    Column("active", Boolean, nullable=False, server_default=TRUE, info=NONE),
    Column("lapses_at", DateTime(timezone=True), info=NONE),
    info=about(purpose="appointments", keep="occupancy"),
)

waitlist = Table(
    "waitlist",
    metadata,
    Column("id", Uuid, primary_key=True, info=PSEUDONYMOUS),
    Column("customer_id", Uuid, nullable=False, info=PSEUDONYMOUS),
    Column("treatment_ids", ARRAY(Uuid), nullable=False, info=NONE),
    Column("loctician_id", Uuid, info=PSEUDONYMOUS),
    Column("first_day", Date, nullable=False, info=PSEUDONYMOUS),
    Column("last_day", Date, nullable=False, info=PSEUDONYMOUS),
    Column("earliest", Time, info=PSEUDONYMOUS),
    Column("latest", Time, info=PSEUDONYMOUS),
    Column("status", Text, nullable=False, server_default=text("'waiting'"), info=NONE),
    Column("queued_at", DateTime(timezone=True), nullable=False, server_default=NOW, info=NONE),
    Column("version", Integer, nullable=False, server_default=ONE, info=NONE),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=NOW, info=NONE),
    Column("answered_at", DateTime(timezone=True), info=NONE),
    info=about(purpose="appointments", keep="waitlist"),
)

holds = Table(
    "holds",
    metadata,
    Column("id", Uuid, primary_key=True, info=PSEUDONYMOUS),
    Column("customer_id", Uuid, nullable=False, info=PSEUDONYMOUS),
    Column("treatment_ids", ARRAY(Uuid), nullable=False, info=NONE),
    Column("chairs", ARRAY(Uuid), nullable=False, info=PSEUDONYMOUS),
    Column("starts_at", DateTime(timezone=True), nullable=False, info=PSEUDONYMOUS),
    Column("ends_at", DateTime(timezone=True), nullable=False, info=PSEUDONYMOUS),
    Column("price_amount", Integer, nullable=False, info=NONE),
    Column("waitlist_id", Uuid, ForeignKey(waitlist.c.id), unique=True, info=PSEUDONYMOUS),
    Column("expires_at", DateTime(timezone=True), nullable=False, info=NONE),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=NOW, info=NONE),
    info=about(purpose="appointments", keep="holds"),
)

openings = Table(
    "openings",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True, info=NONE),
    Column("loctician_id", Uuid, nullable=False, info=PSEUDONYMOUS),
    Column("opened", TSTZMULTIRANGE, nullable=False, info=NONE),
    info=about(purpose="calendar", keep="openings"),
)

reach = Table(
    "reach",
    metadata,
    Column("only_one", Boolean, primary_key=True, server_default=TRUE, info=NONE),
    Column("until", DateTime(timezone=True), nullable=False, info=NONE),
)

booking_history = Table(
    "booking_history",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True, info=NONE),
    Column("booking_id", Uuid, ForeignKey(bookings.c.id), nullable=False, info=PSEUDONYMOUS),
    Column("customer_id", Uuid, nullable=False, info=CUSTOMER),
    Column("loctician_ids", ARRAY(Uuid), nullable=False, info=PSEUDONYMOUS),
    Column("at", DateTime(timezone=True), nullable=False, server_default=NOW, info=NONE),
    Column("actor_id", Uuid, info=ACTOR),
    Column("actor_role", Text, nullable=False, info=NONE),
    Column("change", Text, nullable=False, info=NONE),
    Column("status", Text, nullable=False, info=NONE),
    Column("starts_at", DateTime(timezone=True), nullable=False, info=PSEUDONYMOUS),
    Column("ends_at", DateTime(timezone=True), nullable=False, info=PSEUDONYMOUS),
    Column("price_amount", Integer, nullable=False, info=NONE),
    Column("version", Integer, nullable=False, info=NONE),
    info=about(purpose="bookkeeping", keep="bookings"),
)

idempotency_keys = idempotency_table(metadata, Text())
