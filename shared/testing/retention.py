"""Applying a retention policy in a test, as the job does."""

from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import text

from shared.classification import Policy
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.privacy.retention import BATCH


def named(policies: Iterable[Policy], name: str) -> Policy:
    return next(policy for policy in policies if policy.name == name)


async def applied(database: Database, policy: Policy) -> int:
    """How many rows went that had been kept for `policy.keep`: those that the dry run counts, none twice."""
    before = {"before": datetime.now(UTC) - policy.keep}
    async with transaction(database, SERVICE_CLAIMS) as session:
        counted = await session.scalar(text(policy.counting), before)
        removed = await session.scalar(text(policy.statement), before | {"limit": BATCH})
        assert removed == counted
        assert await session.scalar(text(policy.counting), before) == 0
    return int(removed)
