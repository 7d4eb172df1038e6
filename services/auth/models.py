"""The tables of auth.

The service's role may use `users`, `signing_keys` and the shared tables only. All others hold secrets or sessions and
are reached through SQL functions.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.classification import NONE, PERSONAL, PSEUDONYMOUS, about
from shared.database.tables import service_tables
from shared.http.idempotency import idempotency_table

metadata = MetaData(schema="auth")
service_tables(metadata)
idempotency_keys = idempotency_table(metadata)
NOW = text("now()")
CLOCK = text("clock_timestamp()")
INSTANT = DateTime(timezone=True)

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
    Column("created_at", INSTANT, nullable=False, server_default=NOW, info=NONE),
    Column("updated_at", INSTANT, nullable=False, server_default=NOW, info=NONE),
    Column("mac", LargeBinary, info=NONE),
    Column("first_verified_at", INSTANT, info=NONE),
    Column("erasure_requested_at", INSTANT, info=NONE),
    Column("registered_by", LargeBinary, info=PSEUDONYMOUS),
    CheckConstraint("email = lower(email)", name="users_email_check"),
    CheckConstraint("language IN ('da', 'en')", name="users_language_check"),
    CheckConstraint("role IN ('customer', 'loctician', 'staff', 'admin')", name="users_role_check"),
    Index("users_page", "created_at", "id"),
    Index("users_never_verified", "created_at", postgresql_where=text("first_verified_at IS NULL")),
    info=about(purpose="account", keep="erased"),
)

credentials = Table(
    "credentials",
    metadata,
    Column("user_id", Uuid, ForeignKey(users.c.id, ondelete="CASCADE"), primary_key=True, info=PSEUDONYMOUS),
    Column("password_hash", Text, nullable=False, info=PERSONAL),
    Column("changed_at", INSTANT, nullable=False, server_default=CLOCK, info=NONE),
    info=about(purpose="account", keep="erased"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Uuid, primary_key=True, info=PSEUDONYMOUS),
    Column("user_id", Uuid, ForeignKey(users.c.id, ondelete="CASCADE"), nullable=False, info=PSEUDONYMOUS),
    Column("user_agent", Text, info=PERSONAL),
    Column("address", Text, info=PERSONAL),
    Column("created_at", INSTANT, nullable=False, server_default=CLOCK, info=NONE),
    Column("last_used_at", INSTANT, nullable=False, server_default=CLOCK, info=NONE),
    Column("expires_at", INSTANT, nullable=False, info=NONE),
    Column("revoked_at", INSTANT, info=NONE),
    Column("second_factor", Boolean, nullable=False, server_default=text("false"), info=NONE),
    Index("sessions_user", "user_id"),
    Index("sessions_expires", "expires_at"),
    Index("sessions_ended", text("least(revoked_at, expires_at)")),
    info=about(purpose="security", keep="sessions"),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True, info=PSEUDONYMOUS),
    Column("session_id", Uuid, ForeignKey(sessions.c.id, ondelete="CASCADE"), nullable=False, info=PSEUDONYMOUS),
    Column("expires_at", INSTANT, nullable=False, info=NONE),
    Column("used_at", INSTANT, info=NONE),
    Column("used_by", LargeBinary, info=PSEUDONYMOUS),
    Index("refresh_tokens_session", "session_id"),
    Index("refresh_tokens_expires", "expires_at"),
    info=about(purpose="security", keep="refresh_tokens"),
)

one_time_tokens = Table(
    "one_time_tokens",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True, info=PSEUDONYMOUS),
    Column("user_id", Uuid, ForeignKey(users.c.id, ondelete="CASCADE"), info=PSEUDONYMOUS),
    Column("email", Text, info=PERSONAL),
    Column("purpose", Text, nullable=False, info=NONE),
    Column("created_at", INSTANT, nullable=False, server_default=CLOCK, info=NONE),
    Column("expires_at", INSTANT, nullable=False, info=NONE),
    Column("mac", LargeBinary, info=NONE),
    Column("browser", LargeBinary, info=PSEUDONYMOUS),
    Column("request_id", Uuid, info=PSEUDONYMOUS),
    Column("tries", Integer, nullable=False, server_default=text("0"), info=NONE),
    Index("one_time_tokens_user", "user_id", "purpose"),
    Index("one_time_tokens_expires", "expires_at"),
    Index("one_time_tokens_browser", "browser", "created_at"),
    info=about(purpose="security", keep="one_time_tokens"),
)

email_changes = Table(
    "email_changes",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True, info=PSEUDONYMOUS),
    Column("user_id", Uuid, ForeignKey(users.c.id, ondelete="CASCADE"), nullable=False, info=PSEUDONYMOUS),
    Column("email", Text, nullable=False, info=PERSONAL),
    Column("created_at", INSTANT, nullable=False, server_default=CLOCK, info=NONE),
    Column("expires_at", INSTANT, nullable=False, info=NONE),
    Column("mac", LargeBinary, info=NONE),
    Index("email_changes_user", "user_id"),
    Index("email_changes_expires", "expires_at"),
    info=about(purpose="security", keep="email_changes"),
)

user_search = Table(
    "user_search",
    metadata,
    Column("user_id", Uuid, ForeignKey(users.c.id, ondelete="CASCADE"), primary_key=True, info=PSEUDONYMOUS),
    Column("created_at", INSTANT, nullable=False, info=NONE),
    Column("words", Text, nullable=False, info=PERSONAL),
    Index("user_search_page", "created_at", "user_id"),
    Index("user_search_words", "words", postgresql_using="gin", postgresql_ops={"words": "public.gin_trgm_ops"}),
    info=about(purpose="account", keep="erased"),
)

mfa = Table(
    "mfa",
    metadata,
    Column("user_id", Uuid, ForeignKey(users.c.id, ondelete="CASCADE"), primary_key=True, info=PSEUDONYMOUS),
    Column("secret", LargeBinary, nullable=False, info=PERSONAL),
    Column("last_step", BigInteger, nullable=False, server_default=text("0"), info=NONE),
    Column("started_at", INSTANT, nullable=False, server_default=NOW, info=NONE),
    Column("confirmed_at", INSTANT, info=NONE),
    info=about(purpose="security", keep="erased"),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("user_id", Uuid, ForeignKey(mfa.c.user_id, ondelete="CASCADE"), primary_key=True, info=PSEUDONYMOUS),
    Column("code_hash", LargeBinary, primary_key=True, info=PERSONAL),
    Column("used_at", INSTANT, info=NONE),
    info=about(purpose="security", keep="erased"),
)

passkeys = Table(
    "passkeys",
    metadata,
    Column("id", Uuid, primary_key=True, info=NONE),
    Column("user_id", Uuid, ForeignKey(users.c.id, ondelete="CASCADE"), nullable=False, info=PSEUDONYMOUS),
    Column("credential_id", LargeBinary, nullable=False, unique=True, info=PSEUDONYMOUS),
    Column("public_key", LargeBinary, nullable=False, info=PSEUDONYMOUS),
    Column("sign_count", BigInteger, nullable=False, info=NONE),
    Column("name", Text, nullable=False, info=PERSONAL),
    Column("mac", LargeBinary, nullable=False, info=NONE),
    Column("created_at", INSTANT, nullable=False, server_default=CLOCK, info=NONE),
    Column("last_used_at", INSTANT, info=NONE),
    Index("passkeys_user", "user_id"),
    info=about(purpose="security", keep="erased"),
)

used_challenges = Table(
    "used_challenges",
    metadata,
    Column("challenge", LargeBinary, primary_key=True, info=NONE),
    Column("expires_at", INSTANT, nullable=False, info=NONE),
    Index("used_challenges_expires", "expires_at"),
    info=about(purpose="security", keep="used_challenges"),
)

login_attempts = Table(
    "login_attempts",
    metadata,
    Column("key", LargeBinary, primary_key=True, info=PSEUDONYMOUS),
    Column("scope", Text, nullable=False, info=NONE),
    Column("failures", Integer, nullable=False, info=NONE),
    Column("last_failure_at", INSTANT, nullable=False, info=NONE),
    Column("locked_until", INSTANT, info=NONE),
    CheckConstraint("scope IN ('pair', 'account', 'address')", name="login_attempts_scope_check"),
    Index("login_attempts_age", "last_failure_at"),
    info=about(purpose="security", keep="login_attempts"),
)

known_addresses = Table(
    "known_addresses",
    metadata,
    Column("user_id", Uuid, ForeignKey(users.c.id, ondelete="CASCADE"), primary_key=True, info=PSEUDONYMOUS),
    Column("address", LargeBinary, primary_key=True, info=PSEUDONYMOUS),
    Column("seen_at", INSTANT, nullable=False, info=NONE),
    Index("known_addresses_age", "seen_at"),
    info=about(purpose="security", keep="known_addresses"),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", Text, primary_key=True, info=NONE),
    Column("public_jwk", JSONB, nullable=False, info=NONE),
    Column("private_key", LargeBinary, info=NONE),
    Column("mac", LargeBinary, info=NONE),
    Column("signs_from", INSTANT, nullable=False, info=NONE),
    Column("withdrawn_at", INSTANT, info=NONE),
    Column("created_at", INSTANT, nullable=False, server_default=CLOCK, info=NONE),
)
