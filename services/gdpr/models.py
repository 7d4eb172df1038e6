"""Tables of the gdpr service. Their row security policies and triggers are in sql/."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from shared.classification import NONE, PERSONAL, PSEUDONYMOUS, about, pseudonymous
from shared.database.tables import service_tables

metadata = MetaData(schema="gdpr")
service_tables(metadata)

NOW = text("now()")

audit_log = Table(
    "audit_log",
    metadata,
    Column("month", Date, primary_key=True, info=NONE),
    Column("id", BigInteger, primary_key=True, info=NONE),
    Column("event_id", Uuid, nullable=False, info=NONE),
    Column("occurred_at", DateTime(timezone=True), nullable=False, info=NONE),
    Column("recorded_at", DateTime(timezone=True), nullable=False, info=NONE),
    Column("action", Text, nullable=False, info=NONE),
    Column("entity", Text, info=PSEUDONYMOUS),
    Column("entity_version", Integer, nullable=False, info=NONE),
    Column("actor_id", Text, info=PSEUDONYMOUS),
    Column("actor_role", Text, info=NONE),
    Column("people", ARRAY(Text), nullable=False, info=PSEUDONYMOUS),
    Column("request_id", Text, info=NONE),
    Column("source", Text, nullable=False, info=NONE),
    Column("data", JSONB, nullable=False, info=PSEUDONYMOUS),
    Column("hash", LargeBinary, nullable=False, info=NONE),
    UniqueConstraint("month", "event_id"),
    Index("audit_log_by_id", "id"),
    Index("audit_log_by_entity", "entity", "id"),
    Index("audit_log_by_actor", "actor_id", "id"),
    Index("audit_log_by_action", "action", "id"),
    Index("audit_log_by_time", "occurred_at"),
    Index("audit_log_by_people", "people", postgresql_using="gin"),
    info=about(purpose="accountability", keep="five_years"),
)

audit_checkpoints = Table(
    "audit_checkpoints",
    metadata,
    Column("month", Date, primary_key=True, info=NONE),
    Column("previous", Date, info=NONE),
    Column("opening", LargeBinary, nullable=False, info=NONE),
    Column("first_id", BigInteger, nullable=False, info=NONE),
    Column("last_id", BigInteger, nullable=False, info=NONE),
    Column("head", LargeBinary, nullable=False, info=NONE),
    Column("signature", LargeBinary, nullable=False, info=NONE),
)

people = Table(
    "people",
    metadata,
    Column("user_id", Uuid, primary_key=True, info=PSEUDONYMOUS),
    Column("role", Text, info=PSEUDONYMOUS),
    Column("role_version", Integer, nullable=False, server_default=text("-1"), info=NONE),
    Column("active", Boolean, nullable=False, server_default=text("true"), info=NONE),
    Column("active_version", Integer, nullable=False, server_default=text("-1"), info=NONE),
    Column("erased_at", DateTime(timezone=True), info=NONE),
    Index("people_admins", "user_id", postgresql_where=text("role = 'admin' AND active")),
    info=about(purpose="accountability", keep="erased"),
)

duties = Table(
    "duties",
    metadata,
    Column("booking_id", Uuid, primary_key=True, info=PSEUDONYMOUS),
    Column("loctician_ids", ARRAY(Uuid), nullable=False, info=PSEUDONYMOUS),
    Column("ends_at", DateTime(timezone=True), nullable=False, info=NONE),
    Column("open", Boolean, nullable=False, info=NONE),
    Column("version", Integer, nullable=False, info=NONE),
    Index("duties_open", "loctician_ids", postgresql_using="gin", postgresql_where=text("open")),
    Index("duties_ended", "ends_at"),
    info=about(purpose="accountability", keep="duties"),
)

requests = Table(
    "requests",
    metadata,
    Column("id", Uuid, primary_key=True, info=NONE),
    Column("kind", Text, nullable=False, info=NONE),
    Column("subject_id", Uuid, nullable=False, info=PSEUDONYMOUS),
    Column("requested_by", Uuid, nullable=False, info=PSEUDONYMOUS),
    Column("status", Text, nullable=False, server_default=text("'running'"), info=NONE),
    Column("step", Integer, nullable=False, server_default=text("0"), info=NONE),
    Column("version", Integer, nullable=False, server_default=text("1"), info=NONE),
    Column("requested_at", DateTime(timezone=True), nullable=False, server_default=NOW, info=NONE),
    Column("deadline", DateTime(timezone=True), nullable=False, info=NONE),
    Column("finished_at", DateTime(timezone=True), info=NONE),
    Column("expires_at", DateTime(timezone=True), info=NONE),
    Column("runs_at", DateTime(timezone=True), info=NONE),  # of a running erasure that has not begun
    CheckConstraint("kind IN ('export', 'erasure')", name="requests_kind_check"),
    CheckConstraint("status IN ('running', 'done', 'expired', 'cancelled')", name="requests_status_check"),
    Index("requests_running", "subject_id", "kind", unique=True, postgresql_where=text("status = 'running'")),
    Index("requests_by_subject", "subject_id", "kind", "requested_at"),
    Index("requests_expiring", "expires_at", postgresql_where=text("status = 'done'")),
    info=about(purpose="accountability", keep="requests"),
)

request_parts = Table(
    "request_parts",
    metadata,
    Column("request_id", Uuid, ForeignKey(requests.c.id, ondelete="CASCADE"), primary_key=True, info=NONE),
    Column("service", Text, primary_key=True, info=NONE),
    Column("answered_at", DateTime(timezone=True), info=NONE),
    Column("rows", JSONB, info=NONE),
    Column("dead_letters", Integer, info=NONE),
    Column("sealed", LargeBinary, info=PERSONAL | about(purpose="rights", keep="exports")),
)

consents = Table(
    "consents",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True, info=NONE),
    Column("user_id", Uuid, nullable=False, info=PSEUDONYMOUS),
    Column("purpose", Text, nullable=False, info=PSEUDONYMOUS),
    Column("version", Integer, nullable=False, info=NONE),
    Column("granted", Boolean, nullable=False, info=PERSONAL),
    Column("text_version", Integer, nullable=False, info=NONE),
    Column("language", Text, nullable=False, info=PSEUDONYMOUS),
    Column("at", DateTime(timezone=True), nullable=False, server_default=NOW, info=NONE),
    UniqueConstraint("user_id", "purpose", "version"),
    info=about(purpose="consent", keep="consents"),
)

retention_policies = Table(
    "retention_policies",
    metadata,
    Column("service", Text, primary_key=True, info=NONE),
    Column("policy", Text, primary_key=True, info=NONE),
    Column("keep_days", Integer, info=NONE),
    Column("version", Integer, nullable=False, server_default=text("0"), info=NONE),
    Column("changed_by", Uuid, info=pseudonymous(purpose="accountability", keep="always")),
    Column("changed_at", DateTime(timezone=True), info=NONE),
    Column("run_at", DateTime(timezone=True), info=NONE),
    Column("counted", BigInteger, info=NONE),
    Column("removed", BigInteger, info=NONE),
    Column("dry_run", Boolean, info=NONE),
    CheckConstraint("keep_days > 0", name="retention_policies_keep_days_check"),
)
