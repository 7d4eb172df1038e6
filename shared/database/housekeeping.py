"""Housekeeping tables that every service has: erased people, job runs and retention runs."""

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
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.classification import NONE, PSEUDONYMOUS, about

ZERO = text("0")


def erased_subjects_table(metadata: MetaData) -> Table:
    """Ids of erased people, so that a late message does not bring their data back."""
    return Table(
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


def retention_runs_table(metadata: MetaData) -> Table:
    return Table(
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


def housekeeping_tables(metadata: MetaData) -> None:
    for make in (erased_subjects_table, job_runs_table, retention_runs_table):
        make(metadata)
