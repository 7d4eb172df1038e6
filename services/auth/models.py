"""Tables. Credentials and refresh tokens are closed to the runtime role: only functions reach them."""

from sqlalchemy import Boolean, Column, DateTime, ForeignKey, Integer, LargeBinary, MetaData, Table, Text, Uuid, text

from shared.inbox import inbox_table
from shared.outbox import outbox_table
from shared.privacy import NONE, PERSONAL, PSEUDONYMOUS

metadata = MetaData(schema="auth")
outbox = outbox_table(metadata)
inbox = inbox_table(metadata)
NOW = text("now()")

users = Table(
    "users",
    metadata,
    Column("id", Uuid, primary_key=True, info=PSEUDONYMOUS),
    Column("email", Text, nullable=False, unique=True, info=PERSONAL),
    Column("full_name", Text, nullable=False, info=PERSONAL),
    Column("phone", Text, info=PERSONAL),
    Column("language", Text, nullable=False, info=PERSONAL),
    Column("role", Text, nullable=False, info=NONE),
    Column("email_verified", Boolean, nullable=False, server_default=text("false"), info=NONE),
    Column("active", Boolean, nullable=False, server_default=text("true"), info=NONE),
    Column("version", Integer, nullable=False, server_default=text("1"), info=NONE),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=NOW, info=NONE),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=NOW, info=NONE),
)

credentials = Table(
    "credentials",
    metadata,
    Column("user_id", Uuid, ForeignKey(users.c.id, ondelete="CASCADE"), primary_key=True, info=PSEUDONYMOUS),
    Column("password_hash", Text, nullable=False, info=PERSONAL),
    Column("changed_at", DateTime(timezone=True), nullable=False, server_default=NOW, info=NONE),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Uuid, primary_key=True, info=PSEUDONYMOUS),
    Column("user_id", Uuid, ForeignKey(users.c.id, ondelete="CASCADE"), nullable=False, info=PSEUDONYMOUS),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=NOW, info=NONE),
    Column("revoked_at", DateTime(timezone=True), info=NONE),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True, info=PSEUDONYMOUS),
    Column("session_id", Uuid, ForeignKey(sessions.c.id, ondelete="CASCADE"), nullable=False, info=PSEUDONYMOUS),
    Column("expires_at", DateTime(timezone=True), nullable=False, info=NONE),
    Column("used_at", DateTime(timezone=True), info=NONE),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", Text, primary_key=True, info=NONE),
    Column("private_key", LargeBinary, nullable=False, info=NONE),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=NOW, info=NONE),
)
