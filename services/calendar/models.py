"""Tables. The policies on them stand in migrations/versions."""

from sqlalchemy import Column, Date, DateTime, Integer, MetaData, SmallInteger, Table, Text, Time, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from shared.inbox import inbox_table
from shared.outbox import outbox_table
from shared.privacy import NONE, PSEUDONYMOUS

metadata = MetaData(schema="calendar")
outbox = outbox_table(metadata)
inbox = inbox_table(metadata)

working_hours = Table(
    "working_hours",
    metadata,
    Column("id", Uuid, primary_key=True, info=NONE),
    Column("loctician_id", Uuid, nullable=False, info=PSEUDONYMOUS),
    Column("weekday", SmallInteger, nullable=False, info=NONE),
    Column("starts", Time, nullable=False, info=NONE),
    Column("ends", Time, nullable=False, info=NONE),
    Column("valid_from", Date, nullable=False, info=NONE),
    Column("valid_until", Date, info=NONE),
)

time_off = Table(
    "time_off",
    metadata,
    Column("id", Uuid, primary_key=True, info=NONE),
    Column("loctician_id", Uuid, nullable=False, info=PSEUDONYMOUS),
    Column("starts_at", DateTime(timezone=True), nullable=False, info=NONE),
    Column("ends_at", DateTime(timezone=True), nullable=False, info=NONE),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()"), info=NONE),
)

windows = Table(
    "windows",
    metadata,
    Column("loctician_id", Uuid, primary_key=True, info=PSEUDONYMOUS),
    Column("day", Date, primary_key=True, info=NONE),
    Column("windows", JSONB, nullable=False, info=NONE),
)

loctician_versions = Table(
    "loctician_versions",
    metadata,
    Column("loctician_id", Uuid, primary_key=True, info=PSEUDONYMOUS),
    Column("version", Integer, nullable=False, info=NONE),
)

appointments = Table(
    "appointments",
    metadata,
    Column("item_id", Uuid, primary_key=True, info=PSEUDONYMOUS),
    Column("booking_id", Uuid, nullable=False, info=PSEUDONYMOUS),
    Column("loctician_id", Uuid, nullable=False, info=PSEUDONYMOUS),
    Column("customer_id", Uuid, nullable=False, info=PSEUDONYMOUS),
    Column("treatment_id", Uuid, nullable=False, info=NONE),
    Column("starts_at", DateTime(timezone=True), nullable=False, info=NONE),
    Column("ends_at", DateTime(timezone=True), nullable=False, info=NONE),
    Column("status", Text, nullable=False, info=NONE),
    Column("version", Integer, nullable=False, info=NONE),
)

booking_versions = Table(
    "booking_versions",
    metadata,
    Column("booking_id", Uuid, primary_key=True, info=PSEUDONYMOUS),
    Column("version", Integer, nullable=False, info=NONE),
)
