"""The outbox table: events are written to it in the transaction, and the relay publishes them afterwards."""

from sqlalchemy import BigInteger, Column, DateTime, Identity, Integer, MetaData, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from shared.classification import NONE, PERSONAL, PSEUDONYMOUS, about

EVENTS_EXCHANGE = "loctician.events"
REALTIME_EXCHANGE = "loctician.realtime"


def outbox_table(metadata: MetaData) -> Table:
    return Table(
        "outbox",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True, info=NONE),
        Column("exchange", Text, nullable=False, server_default=text(f"'{EVENTS_EXCHANGE}'"), info=NONE),
        Column("event_id", Uuid, nullable=False, unique=True, info=NONE),
        Column("type", Text, nullable=False, info=NONE),
        Column("subject", Text, nullable=False, info=PSEUDONYMOUS),
        Column("version", Integer, nullable=False, info=NONE),
        Column("occurred_at", DateTime(timezone=True), nullable=False, server_default=text("now()"), info=NONE),
        Column("data", JSONB, nullable=False, info=PERSONAL),
        Column("actor_id", Text, info=PSEUDONYMOUS),
        Column("actor_role", Text, info=NONE),
        Column("request_id", Text, info=NONE),
        Column("traceparent", Text, info=NONE),
        info=about(purpose="operation", keep="published"),
    )
