"""What gdpr reacts to: everything. An action is audited because it emits."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.gdpr import audit
from shared.subscriptions import EVERYTHING, Received, Subscriptions

subscriptions = Subscriptions()


@subscriptions.on(EVERYTHING, dict[str, Any])
async def record(session: AsyncSession, event: Received[dict[str, Any]]) -> None:
    await audit.record(session, event)
