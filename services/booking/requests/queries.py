"""SQL of requests. The functions are in sql/requests.sql."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.sql_calls import function_call

ADD = function_call("add_request")
FIND = function_call("find_request")
ACCEPT = text("SELECT booking.accept_request(:request_id, :user_id)")
LAPSE = text("SELECT booking.lapse_requests()")


async def accept(session: AsyncSession, request_id: UUID, user_id: UUID) -> None:
    await session.execute(ACCEPT, {"request_id": request_id, "user_id": user_id})


async def lapse(session: AsyncSession) -> None:
    """Ends the requests whose address was not proven in time."""
    await session.execute(LAPSE)
