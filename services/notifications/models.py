"""Tables. The policies on them stand in migrations/versions."""

from sqlalchemy import Boolean, Column, DateTime, Integer, MetaData, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from shared.inbox import inbox_table
from shared.outbox import outbox_table
from shared.privacy import NONE, PERSONAL, PSEUDONYMOUS

metadata = MetaData(schema="notifications")
outbox = outbox_table(metadata)
inbox = inbox_table(metadata)
NOW, ZERO, ONE = text("now()"), text("0"), text("1")

contacts = Table(
    "contacts",
    metadata,
    Column("user_id", Uuid, primary_key=True, info=PSEUDONYMOUS),
    Column("email", Text, info=PERSONAL),  # null: only a change of role or a deactivation is known so far
    Column("full_name", Text, info=PERSONAL),
    Column("language", Text, info=PERSONAL),
    Column("phone", Text, info=PERSONAL),
    Column("version", Integer, nullable=False, server_default=ZERO, info=NONE),
    Column("role", Text, info=PERSONAL),
    Column("role_version", Integer, nullable=False, server_default=ZERO, info=NONE),
    Column("active", Boolean, nullable=False, server_default=text("true"), info=PERSONAL),
)

treatment_names = Table(
    "treatment_names",
    metadata,
    Column("treatment_id", Uuid, primary_key=True, info=NONE),
    Column("names", JSONB, nullable=False, info=NONE),
    Column("version", Integer, nullable=False, info=NONE),
)

loctician_names = Table(
    "loctician_names",
    metadata,
    Column("loctician_id", Uuid, primary_key=True, info=PSEUDONYMOUS),
    Column("display_name", Text, nullable=False, info=PERSONAL),
    Column("version", Integer, nullable=False, info=NONE),
)

booking_versions = Table(
    "booking_versions",
    metadata,
    Column("booking_id", Uuid, primary_key=True, info=PSEUDONYMOUS),
    Column("version", Integer, nullable=False, info=NONE),
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
    Column("booking_id", Uuid, nullable=False, info=PSEUDONYMOUS),
    Column("booking_version", Integer, nullable=False, info=NONE),
    Column("data", JSONB, nullable=False, info=PSEUDONYMOUS),
    Column("status", Text, nullable=False, server_default=text("'queued'"), info=NONE),
    Column("attempts", Integer, nullable=False, server_default=ZERO, info=NONE),
    Column("resends", Integer, nullable=False, server_default=ZERO, info=NONE),
    Column("version", Integer, nullable=False, server_default=ONE, info=NONE),
    Column("due_at", DateTime(timezone=True), nullable=False, server_default=NOW, info=NONE),
    Column("lease_until", DateTime(timezone=True), info=NONE),
    Column("give_up_at", DateTime(timezone=True), nullable=False, info=NONE),
    Column("message_id", Text, info=NONE),
    Column("error", Text, info=NONE),
    Column("sent_at", DateTime(timezone=True), info=NONE),
    Column("request_id", Text, info=NONE),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=NOW, info=NONE),
)

notices = Table(
    "notices",
    metadata,
    Column("id", Uuid, primary_key=True, info=NONE),
    Column("event_id", Uuid, nullable=False, info=NONE),
    Column("user_id", Uuid, nullable=False, info=PSEUDONYMOUS),
    Column("kind", Text, nullable=False, info=NONE),
    Column("part", Text, nullable=False, info=NONE),
    Column("data", JSONB, nullable=False, info=PSEUDONYMOUS),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=NOW, info=NONE),
    Column("read_at", DateTime(timezone=True), info=PSEUDONYMOUS),
)
