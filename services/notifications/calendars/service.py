"""Tells a loctician what is wrong with an imported calendar, and when it can be fetched again."""

from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from domain.messages import unseal_message
from services.notifications.dispatch.messages import Message, format_utc
from services.notifications.dispatch.service import dispatch
from shared.identity.derived_keys import keys_of
from shared.messaging.subscriptions import Received

MAX_PROBLEMS = 20


class Import(BaseModel):
    import_id: UUID
    loctician_id: UUID
    name: str | None = None  # sealed
    host: str | None = None


class Problem(BaseModel):
    code: str
    count: int


class IncompleteImport(Import):
    problems: list[Problem] = Field(max_length=MAX_PROBLEMS)


class FailingImport(Import):
    first_failed_at: AwareDatetime
    problem: str
    http_status: int | None = None


async def notify_incomplete(session: AsyncSession, event: Received[IncompleteImport]) -> None:
    problems = [problem.model_dump() for problem in event.data.problems]
    await _dispatch(session, event, "import_incomplete", {"problems": problems})


async def notify_failing(session: AsyncSession, event: Received[FailingImport]) -> None:
    data = event.data
    failed_at = format_utc(data.first_failed_at)
    facts = {"first_failed_at": failed_at, "problem": data.problem, "http_status": data.http_status or 0}
    await _dispatch(session, event, "import_failing", facts)


async def notify_recovered(session: AsyncSession, event: Received[Import]) -> None:
    await _dispatch(session, event, "import_recovered", {})


async def _dispatch(session: AsyncSession, event: Received[Any], kind: str, facts: dict[str, Any]) -> None:
    data = event.data
    name = unseal_message(keys_of(session), data.import_id, data.name, "calendar") if data.name else ""
    facts = {"import_id": str(data.import_id), "name": name, "host": data.host or "", **facts}
    message = Message(
        event_id=event.id,
        recipient_id=data.loctician_id,
        kind=kind,
        part="loctician",
        mail_data=facts,
        app_data={"kind": kind, **facts},
        request_id=event.request_id,
    )
    await dispatch(session, [message])
