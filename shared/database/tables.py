"""The tables that every service has: outbox, inbox, erased people, job runs and retention runs."""

from sqlalchemy import CheckConstraint, Column, Identity, Index, MetaData, Table, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import BigInteger, Boolean, DateTime, Integer, Text, Uuid

from shared.classification import NONE, PERSONAL, PSEUDONYMOUS, about

ZERO, NOW = text("0"), text("now()")


def service_tables(metadata: MetaData) -> None:
    """Adds all of them to a service's metadata."""
    # Events are written to the outbox in the transaction, and the relay publishes them afterwards.
    Table(
        "outbox",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True, info=NONE),
        Column("exchange", Text, nullable=False, server_default=text("'loctician.events'"), info=NONE),
        Column("event_id", Uuid, nullable=False, unique=True, info=NONE),
        Column("type", Text, nullable=False, info=NONE),
        Column("subject", Text, nullable=False, info=PSEUDONYMOUS),
        Column("version", Integer, nullable=False, info=NONE),
        Column("occurred_at", DateTime(timezone=True), nullable=False, server_default=NOW, info=NONE),
        Column("data", JSONB, nullable=False, info=PERSONAL),
        Column("actor_id", Text, info=PSEUDONYMOUS),
        Column("actor_role", Text, info=NONE),
        Column("request_id", Text, info=NONE),
        Column("traceparent", Text, info=NONE),
        info=about(purpose="operation", keep="published"),
    )
    # The ids of handled events, so that an event that is delivered twice is handled once.
    Table(
        "inbox",
        metadata,
        Column("event_id", Uuid, primary_key=True, info=NONE),
        Column("received_at", DateTime(timezone=True), nullable=False, server_default=NOW, info=NONE),
    )
    # Ids of erased people, so that a late message does not bring their data back.
    Table(
        "erased_subjects",
        metadata,
        Column("subject_id", Text, primary_key=True, info=PSEUDONYMOUS),
        Column("request_id", Uuid, nullable=False, info=NONE),
        Column("request_version", Integer, nullable=False, info=NONE),
        Column("erased_at", DateTime(timezone=True), nullable=False, info=NONE),
        Column("rows", JSONB, nullable=False, info=NONE),
        Column("reported_at", DateTime(timezone=True), info=NONE),
        Index("erased_subjects_unreported", "erased_at", postgresql_where=text("reported_at IS NULL")),
        info=about(purpose="accountability", keep="erased_subjects"),
    )
    Table(
        "retention_runs",
        metadata,
        Column("policy", Text, primary_key=True, info=NONE),
        Column("run_id", Uuid, nullable=False, info=NONE),
        Column("before", DateTime(timezone=True), nullable=False, info=NONE),
        Column("counted", BigInteger, nullable=False, info=NONE),
        Column("removed", BigInteger, nullable=False, server_default=ZERO, info=NONE),
        Column("dry_run", Boolean, nullable=False, info=NONE),
        Column("finished_at", DateTime(timezone=True), info=NONE),
    )
    job_runs_table(metadata)


def job_runs_table(metadata: MetaData) -> Table:
    return Table(
        "job_runs",
        metadata,
        Column("job", Text, primary_key=True, info=NONE),
        Column("every_seconds", BigInteger, nullable=False, info=NONE),
        Column("started_at", DateTime(timezone=True), nullable=False, info=NONE),
        Column("milliseconds", BigInteger, nullable=False, info=NONE),
        Column("result", Text, nullable=False, info=NONE),
        Column("error", Text, info=NONE),
        Column("done_at", DateTime(timezone=True), info=NONE),
        Column("runs", BigInteger, nullable=False, server_default=ZERO, info=NONE),
        Column("failures", BigInteger, nullable=False, server_default=ZERO, info=NONE),
        CheckConstraint("result IN ('done', 'failed')", name="job_runs_result_check"),
    )
