"""The gateway's tables."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from shared.classification import NONE, PSEUDONYMOUS
from shared.database.tables import job_runs_table

metadata = MetaData(schema="gateway")
job_runs = job_runs_table(metadata)

# The id of a ticket is random; whose ticket it was is not stored.
used_tickets = Table(
    "used_tickets",
    metadata,
    Column("jti", Text, primary_key=True, info=NONE),
    Column("expires_at", DateTime(timezone=True), nullable=False, info=NONE),
    Index("used_tickets_expiry", "expires_at"),
    CheckConstraint("length(jti) BETWEEN 1 AND 64", name="used_tickets_jti_check"),
)

# Keyed hashes of a user's id, an account or an address, kept for about two minutes. Unlogged: a crash empties it.
rate_limits = Table(
    "rate_limits",
    metadata,
    Column("key", LargeBinary, primary_key=True, info=PSEUDONYMOUS),
    Column("seconds", ARRAY(BigInteger), nullable=False, info=NONE),
    Column("counts", ARRAY(Integer), nullable=False, info=NONE),
    Column("idle_at", DateTime(timezone=True), nullable=False, info=NONE),
    CheckConstraint("length(key) = 16", name="rate_limits_key_check"),
    prefixes=["UNLOGGED"],
)

# Keyed hashes of an account and a network where it signed in, or of a network where a password was set.
known_networks = Table(
    "known_networks",
    metadata,
    Column("key", LargeBinary, primary_key=True, info=PSEUDONYMOUS),
    Column("seen_on", Date, nullable=False, info=NONE),
    CheckConstraint("length(key) = 16", name="known_networks_key_check"),
)
