"""Tables. The policies and triggers on them stand in migrations/versions."""

from sqlalchemy import BigInteger, Column, DateTime, Identity, Integer, MetaData, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from shared.inbox import inbox_table
from shared.outbox import outbox_table
from shared.privacy import NONE, PSEUDONYMOUS

metadata = MetaData(schema="gdpr")
outbox = outbox_table(metadata)
inbox = inbox_table(metadata)

audit_log = Table(
    "audit_log",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True, info=NONE),
    Column("event_id", Uuid, nullable=False, unique=True, info=NONE),
    Column("occurred_at", DateTime(timezone=True), nullable=False, info=NONE),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()"), info=NONE),
    Column("action", Text, nullable=False, info=NONE),
    Column("entity", Text, info=PSEUDONYMOUS),
    Column("entity_version", Integer, nullable=False, info=NONE),
    Column("actor_id", Text, info=PSEUDONYMOUS),
    Column("actor_role", Text, info=NONE),
    Column("request_id", Text, info=NONE),
    Column("source", Text, nullable=False, info=NONE),
    Column("data", JSONB, nullable=False, info=PSEUDONYMOUS),
)
