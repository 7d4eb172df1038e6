"""Tables of the calendar service. Their row security policies are in sql/."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Time,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSTZMULTIRANGE

from shared.classification import NONE, PERSONAL, PSEUDONYMOUS, about, pseudonymous
from shared.database.tables import service_tables
from shared.http.idempotency import idempotency_table

metadata = MetaData(schema="calendar")
service_tables(metadata)
NOW, ZERO = text("now()"), text("0")

working_hours = Table(
    "working_hours",
    metadata,
    Column("id", Uuid, primary_key=True, info=NONE),
    Column("loctician_id", Uuid, nullable=False, info=PSEUDONYMOUS),
    Column("weekday", SmallInteger, nullable=False, info=NONE),
    Column("starts", Time, nullable=False, info=NONE),
    Column("ends", Time, nullable=False, info=NONE),  # not after starts: on the next day; 00:00 is 24:00
    Column("valid_from", Date, nullable=False, info=NONE),
    Column("valid_to", Date, info=NONE),
    CheckConstraint("weekday BETWEEN 0 AND 6", name="working_hours_weekday_check"),
    CheckConstraint("valid_to >= valid_from", name="working_hours_valid_to_check"),
    Index("working_hours_by_loctician", "loctician_id"),
    info=about(purpose="calendar", keep="account_closed"),
)

overrides = Table(
    "overrides",
    metadata,
    Column("loctician_id", Uuid, primary_key=True, info=PSEUDONYMOUS),
    Column("day", Date, primary_key=True, info=NONE),
    Column("windows", JSONB, nullable=False, info=NONE),  # [["09:00", "12:00"], ["18:00", "24:00"]]; [] closes the day
    Column("reason", Text, info=NONE),
    CheckConstraint("(reason IS NULL) = (windows <> '[]')", name="overrides_reason_check"),
    Index("overrides_by_day", "day"),
    info=about(purpose="calendar", keep="overrides"),
)

time_off = Table(
    "time_off",
    metadata,
    Column("id", Uuid, primary_key=True, info=NONE),
    Column("loctician_id", Uuid, nullable=False, info=PSEUDONYMOUS),
    Column("starts_at", DateTime(timezone=True), nullable=False, info=PSEUDONYMOUS),
    Column("ends_at", DateTime(timezone=True), nullable=False, info=PSEUDONYMOUS),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=NOW, info=NONE),
    CheckConstraint("ends_at > starts_at", name="time_off_ends_at_check"),
    Index("time_off_by_loctician", "loctician_id", "starts_at"),
    Index("time_off_by_end", "ends_at"),
    info=about(purpose="calendar", keep="time_off"),
)

imports = Table(
    "imports",
    metadata,
    Column("id", Uuid, primary_key=True, info=NONE),
    Column("loctician_id", Uuid, nullable=False, info=PSEUDONYMOUS),
    Column("name", Text, info=PERSONAL),
    Column("url", Text, info=PERSONAL),  # null for a file; often a secret that opens the calendar
    Column("status", Text, nullable=False, info=NONE),
    Column("problem", Text, info=NONE),  # error code of the last fetch
    Column("http_status", Integer, info=NONE),  # of the last fetch, if the address refused it
    Column("first_failed_at", DateTime(timezone=True), info=NONE),
    Column("failure_notified_at", DateTime(timezone=True), info=NONE),  # null: not in this outage
    Column("unclear", JSONB, nullable=False, server_default=text("'{}'"), info=NONE),  # problem code -> count
    Column("notified", JSONB, nullable=False, server_default=text("'[]'"), info=NONE),  # codes its owner knows
    Column("version", Integer, nullable=False, server_default=text("1"), info=NONE),  # of its events
    Column("busy", TSTZMULTIRANGE, nullable=False, server_default=text("'{}'"), info=PSEUDONYMOUS),
    Column("valid_to", Date, info=NONE),
    Column("etag", Text, info=NONE),
    Column("last_modified", Text, info=NONE),
    Column("failures", Integer, nullable=False, server_default=ZERO, info=NONE),
    Column("due_at", DateTime(timezone=True), info=NONE),  # null: not fetched again
    Column("checked_at", DateTime(timezone=True), info=NONE),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=NOW, info=NONE),
    CheckConstraint("status IN ('waiting', 'current', 'failing', 'stopped')", name="imports_status_check"),
    CheckConstraint("NOT (lower_inf(busy) OR upper_inf(busy))", name="imports_busy_check"),
    Index("imports_by_loctician", "loctician_id"),
    Index("imports_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    info=about(purpose="calendar", keep="account_closed"),
)

windows = Table(
    "windows",
    metadata,
    Column("loctician_id", Uuid, primary_key=True, info=PSEUDONYMOUS),
    Column("day", Date, primary_key=True, info=NONE),
    Column("windows", JSONB, nullable=False, info=NONE),
    Column("closed_for", Text, info=NONE),
    CheckConstraint("closed_for IN ('holiday', 'time_off', 'override')", name="windows_closed_for_check"),
    Index("windows_by_day", "day"),
    info=about(purpose="calendar", keep="windows"),
)

loctician_versions = Table(
    "loctician_versions",
    metadata,
    Column("loctician_id", Uuid, primary_key=True, info=PSEUDONYMOUS),
    Column("version", Integer, nullable=False, server_default=ZERO, info=NONE),  # of the last windows_changed event
    Column("hours_version", Integer, nullable=False, server_default=ZERO, info=NONE),
    Column("published_until", Date, info=NONE),
    info=about(purpose="operation", keep="always"),
)

appointments = Table(
    "appointments",
    metadata,
    Column("item_id", Uuid, primary_key=True, info=PSEUDONYMOUS),
    Column("booking_id", Uuid, nullable=False, info=PSEUDONYMOUS),
    Column("loctician_id", Uuid, nullable=False, info=PSEUDONYMOUS),
    Column(
        "customer_id", Uuid, nullable=False, info=pseudonymous(purpose="appointments", keep="appointment_customers")
    ),
    Column("treatment_id", Uuid, nullable=False, info=NONE),
    Column("starts_at", DateTime(timezone=True), nullable=False, info=PSEUDONYMOUS),
    Column("ends_at", DateTime(timezone=True), nullable=False, info=PSEUDONYMOUS),
    Column("status", Text, nullable=False, info=NONE),
    Column("version", Integer, nullable=False, info=NONE),
    Column("changed_at", DateTime(timezone=True), nullable=False, info=NONE),
    Index("appointments_by_loctician", "loctician_id", "starts_at"),
    Index("appointments_by_booking", "booking_id"),
    Index("appointments_by_customer", "customer_id", "starts_at"),
    Index("appointments_cancelled", "changed_at", postgresql_where=text("status = 'cancelled'")),
    Index("appointments_by_end", "ends_at"),
    info=about(purpose="appointments", keep="appointments"),
)

booking_versions = Table(
    "booking_versions",
    metadata,
    Column("booking_id", Uuid, primary_key=True, info=PSEUDONYMOUS),
    Column("version", Integer, nullable=False, info=NONE),
    Column("changed_at", DateTime(timezone=True), nullable=False, server_default=NOW, info=NONE),
    Index("booking_versions_by_age", "changed_at"),
    info=about(purpose="operation", keep="booking_versions"),
)

salon = Table(
    "salon",
    metadata,
    Column("singleton", Boolean, primary_key=True, server_default=text("true"), info=NONE),
    Column("name", Text, nullable=False, info=NONE),
    Column("address", Text, nullable=False, info=NONE),
    Column("version", Integer, nullable=False, info=NONE),
    CheckConstraint("singleton", name="salon_singleton_check"),
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
    info=about(purpose="calendar", keep="erased"),
)

languages = Table(
    "languages",
    metadata,
    Column("person_id", Uuid, primary_key=True, info=PSEUDONYMOUS),
    Column("language", Text, nullable=False, info=PERSONAL),
    Column("version", Integer, nullable=False, info=NONE),
    info=about(purpose="calendar", keep="erased"),
)

feeds = Table(
    "feeds",
    metadata,
    Column("owner_id", Uuid, primary_key=True, info=PSEUDONYMOUS),
    Column("id", Uuid, nullable=False, info=NONE),
    Column("kind", Text, nullable=False, info=NONE),  # whose appointments it shows: loctician or customer
    Column("token_hash", LargeBinary, nullable=False, unique=True, info=NONE),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=NOW, info=NONE),
    Column("content_hash", LargeBinary, info=NONE),  # of what was sent last, and since when it is that
    Column("modified_at", DateTime(timezone=True), info=NONE),
    CheckConstraint("kind IN ('loctician', 'customer')", name="feeds_kind_check"),
    info=about(purpose="calendar", keep="account_closed"),
)

staff_feeds = Table(
    "staff_feeds",
    metadata,
    Column("owner_id", Uuid, primary_key=True, info=PSEUDONYMOUS),  # whose appointments it shows
    Column("holder_id", Uuid, primary_key=True, info=PSEUDONYMOUS),  # of the salon's staff
    Column("id", Uuid, nullable=False, info=NONE),
    Column("kind", Text, nullable=False, info=NONE),
    Column("token_hash", LargeBinary, nullable=False, unique=True, info=NONE),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=NOW, info=NONE),
    Column("content_hash", LargeBinary, info=NONE),
    Column("modified_at", DateTime(timezone=True), info=NONE),
    CheckConstraint("kind = 'loctician'", name="staff_feeds_kind_check"),
    Index("staff_feeds_holder", "holder_id"),
    info=about(purpose="calendar", keep="account_closed"),
)

idempotency_keys = idempotency_table(metadata)
