"""The tables of notifications. Their policies are in sql/."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.classification import NONE, PERSONAL, PSEUDONYMOUS, about, personal
from shared.database.tables import service_tables
from shared.http.idempotency import idempotency_table

metadata = MetaData(schema="notifications")
service_tables(metadata)
idempotency_keys = idempotency_table(metadata)
NOW, ZERO, FIRST_VERSION = text("now()"), text("0"), text("1")

contacts = Table(
    "contacts",
    metadata,
    Column("user_id", Uuid, primary_key=True, info=PSEUDONYMOUS),
    Column("email", Text, info=PERSONAL),  # null: so far only a role or a deactivation is known
    Column("full_name", Text, info=PERSONAL),
    Column("email_verified", Boolean, nullable=False, server_default=text("false"), info=PERSONAL),
    Column("language", Text, info=PERSONAL),
    Column("phone", Text, info=PERSONAL),
    Column("version", Integer, nullable=False, server_default=ZERO, info=NONE),
    Column("role", Text, info=PERSONAL),
    Column("role_version", Integer, nullable=False, server_default=ZERO, info=NONE),
    Column("active", Boolean, nullable=False, server_default=text("true"), info=PERSONAL),
    Column("active_version", Integer, nullable=False, server_default=ZERO, info=NONE),
    CheckConstraint("language IN ('da', 'en')", name="contacts_language_check"),
    info=about(purpose="messages", keep="erased"),
)

treatment_names = Table(
    "treatment_names",
    metadata,
    Column("treatment_id", Uuid, primary_key=True, info=NONE),
    Column("names", JSONB, nullable=False, info=NONE),
    Column("version", Integer, nullable=False, info=NONE),
)

salon = Table(
    "salon",
    metadata,
    Column("singleton", Boolean, primary_key=True, server_default=text("true"), info=NONE),
    Column("name", Text, nullable=False, info=NONE),
    Column("address", Text, nullable=False, info=NONE),
    Column("phone", Text, nullable=False, info=NONE),
    Column("version", Integer, nullable=False, info=NONE),
    Column("legal_name", Text, nullable=False, server_default=text("''"), info=NONE),
    Column("cvr_number", Text, nullable=False, server_default=text("''"), info=NONE),
    CheckConstraint("singleton"),
)

loctician_names = Table(
    "loctician_names",
    metadata,
    Column("loctician_id", Uuid, primary_key=True, info=PSEUDONYMOUS),
    Column("display_name", Text, nullable=False, info=PERSONAL),
    Column("version", Integer, nullable=False, info=NONE),
    info=about(purpose="messages", keep="erased"),
)

appointments = Table(
    "appointments",
    metadata,
    Column("booking_id", Uuid, primary_key=True, info=PSEUDONYMOUS),
    Column("customer_id", Uuid, nullable=False, info=PSEUDONYMOUS),
    Column("starts_at", DateTime(timezone=True), nullable=False, info=PSEUDONYMOUS),
    Column("active", Boolean, nullable=False, info=NONE),  # confirmed, and not a walk-in
    Column("agreed_at", DateTime(timezone=True), nullable=False, info=NONE),  # when this time was agreed on
    Column("facts", JSONB, nullable=False, info=PSEUDONYMOUS),
    Column("version", Integer, nullable=False, info=NONE),
    Column("next_check_at", DateTime(timezone=True), server_default=NOW, info=NONE),  # next check for reminders
    Index("appointments_to_check", "next_check_at", postgresql_where=text("next_check_at IS NOT NULL")),
    Index("appointments_by_customer", "customer_id"),
    Index("appointments_by_start", "starts_at"),
    info=about(purpose="messages", keep="appointments"),
)

reminders = Table(
    "reminders",
    metadata,
    Column("id", Uuid, primary_key=True, info=NONE),
    Column("booking_id", Uuid, nullable=False, info=PSEUDONYMOUS),
    Column("starts_at", DateTime(timezone=True), nullable=False, info=PSEUDONYMOUS),
    Column("hours", Integer, nullable=False, info=NONE),
    Column("sent_at", DateTime(timezone=True), nullable=False, server_default=NOW, info=NONE),
    UniqueConstraint("booking_id", "starts_at", "hours"),
    Index("reminders_by_start", "starts_at"),
    info=about(purpose="messages", keep="reminders"),
)

preferences = Table(
    "preferences",
    metadata,
    Column("user_id", Uuid, primary_key=True, info=PSEUDONYMOUS),
    Column("language", Text, info=PERSONAL),  # null: that of the account
    Column("choices", JSONB, nullable=False, info=PERSONAL),  # topic -> channel -> wanted
    Column("version", Integer, nullable=False, info=NONE),
    CheckConstraint("language IN ('da', 'en')", name="preferences_language_check"),
    info=about(purpose="messages", keep="erased"),
)

consents = Table(
    "consents",
    metadata,
    Column("user_id", Uuid, primary_key=True, info=PSEUDONYMOUS),
    Column("purpose", Text, primary_key=True, info=NONE),
    Column("granted", Boolean, nullable=False, info=PERSONAL),
    Column("version", Integer, nullable=False, info=NONE),
    info=about(purpose="consent", keep="erased"),
)

broadcasts = Table(
    "broadcasts",
    metadata,
    Column("id", Uuid, primary_key=True, info=NONE),
    Column("title", JSONB, nullable=False, info=NONE),
    Column("body", JSONB, nullable=False, info=NONE),
    Column("kind", Text, nullable=False, server_default=text("'service'"), info=NONE),
    Column("audience", Text, nullable=False, info=NONE),
    Column("mail", Boolean, nullable=False, info=NONE),
    Column("created_by", Uuid, nullable=False, info=PSEUDONYMOUS),
    Column("request_id", Text, info=NONE),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=NOW, info=NONE),
    Column("last_user_id", Uuid, info=PSEUDONYMOUS),  # everybody up to this id was reached; null when done
    Column("recipient_count", Integer, nullable=False, server_default=ZERO, info=NONE),
    Column("done_at", DateTime(timezone=True), info=NONE),
    CheckConstraint("kind IN ('service', 'marketing')", name="broadcasts_kind_check"),
    CheckConstraint("audience IN ('all', 'customer', 'loctician', 'staff', 'admin')", name="broadcasts_audience_check"),
    Index("broadcasts_unfinished", "id", postgresql_where=text("done_at IS NULL")),
    info=about(purpose="messages", keep="broadcasts"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Uuid, primary_key=True, info=NONE),
    Column("event_id", Uuid, nullable=False, info=NONE),
    Column("recipient_id", Uuid, nullable=False, info=PSEUDONYMOUS),
    Column("channel", Text, nullable=False, info=NONE),
    Column("kind", Text, nullable=False, info=NONE),
    Column("part", Text, nullable=False, info=NONE),
    Column("booking_id", Uuid, info=PSEUDONYMOUS),
    Column("booking_version", Integer, info=NONE),
    # may hold an address and a one-time token until it is sent or given up
    Column("data", JSONB, nullable=False, info=personal(purpose="messages", keep="delivery_contents")),
    Column("status", Text, nullable=False, server_default=text("'queued'"), info=NONE),
    Column("attempts", Integer, nullable=False, server_default=ZERO, info=NONE),
    Column("resends", Integer, nullable=False, server_default=ZERO, info=NONE),
    Column("version", Integer, nullable=False, server_default=FIRST_VERSION, info=NONE),
    Column("due_at", DateTime(timezone=True), nullable=False, server_default=NOW, info=NONE),
    Column("lease_until", DateTime(timezone=True), info=NONE),
    Column("give_up_at", DateTime(timezone=True), nullable=False, info=NONE),
    Column("expires_at", DateTime(timezone=True), info=NONE),  # not sent afterwards
    Column("message_id", Text, info=NONE),
    Column("error", Text, info=NONE),
    Column("sent_at", DateTime(timezone=True), info=NONE),
    Column("request_id", Text, info=NONE),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=NOW, info=NONE),
    CheckConstraint("part IN ('customer', 'loctician', 'staff', 'person')", name="deliveries_part_check"),
    CheckConstraint("status IN ('queued', 'sending', 'sent', 'failed', 'dropped')", name="deliveries_status_check"),
    CheckConstraint("(status = 'sending') = (lease_until IS NOT NULL)"),
    CheckConstraint("(booking_id IS NULL) = (booking_version IS NULL)"),
    CheckConstraint("status IN ('queued', 'sending') OR NOT data ?| ARRAY['token', 'to']"),
    UniqueConstraint("event_id", "recipient_id", "channel"),
    Index("deliveries_queued", "channel", "due_at", postgresql_where=text("status = 'queued'")),
    Index("deliveries_leased", "channel", "lease_until", postgresql_where=text("status = 'sending'")),
    Index("deliveries_open", "booking_id", "recipient_id", postgresql_where=text("status IN ('queued', 'sending')")),
    Index("deliveries_by_recipient", "recipient_id", "id"),
    Index("deliveries_by_age", "created_at"),
    info=about(purpose="messages", keep="deliveries"),
)

inboxes = Table(
    "inboxes",
    metadata,
    Column("user_id", Uuid, primary_key=True, info=PSEUDONYMOUS),
    Column("last", BigInteger, nullable=False, info=NONE),
    info=about(purpose="messages", keep="erased"),
)

notices = Table(
    "notices",
    metadata,
    Column("user_id", Uuid, primary_key=True, info=PSEUDONYMOUS),
    Column("id", Uuid, primary_key=True, info=NONE),  # also of the realtime message
    Column("position", BigInteger, nullable=False, info=NONE),
    Column("event_id", Uuid, nullable=False, info=NONE),
    Column("kind", Text, nullable=False, info=NONE),
    Column("part", Text, nullable=False, info=NONE),
    Column("data", JSONB, nullable=False, info=PSEUDONYMOUS),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=NOW, info=NONE),
    Column("read_at", DateTime(timezone=True), info=PSEUDONYMOUS),
    CheckConstraint("part IN ('customer', 'loctician', 'staff', 'person')", name="notices_part_check"),
    UniqueConstraint("user_id", "position"),
    UniqueConstraint("event_id", "user_id"),
    Index("notices_by_age", "created_at"),
    info=about(purpose="messages", keep="notices"),
)
