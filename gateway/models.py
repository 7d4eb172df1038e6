"""The gateway's tables."""

from sqlalchemy import Column, DateTime, Index, MetaData, Table, Text

from shared.housekeeping import job_runs_table
from shared.privacy import NONE

metadata = MetaData(schema="gateway")
job_runs = job_runs_table(metadata)

# A ticket's id tells nothing of a person; nobody keeps whose it was.
used_tickets = Table(
    "used_tickets",
    metadata,
    Column("jti", Text, primary_key=True, info=NONE),
    Column("expires_at", DateTime(timezone=True), nullable=False, info=NONE),
    Index("used_tickets_expiry", "expires_at"),
)
