from typing import Annotated

from fastapi import APIRouter, Response

from domain.roles import Role
from services.booking.dependencies import IfMatch, Visitor
from services.booking.salon import schemas
from services.booking.salon import service as salon
from services.booking.serializers import answer
from shared.http.dependencies import DatabaseDep, SessionDep
from shared.identity.access import allow
from shared.identity.principals import Principal

router = APIRouter(prefix="/api/v1")

Staff = Annotated[Principal, allow(Role.STAFF, Role.ADMIN)]


@router.get("/bookings/rules", response_model=schemas.Rules)
async def get_rules(who: Visitor, database: DatabaseDep) -> Response:
    return answer(await salon.rules(database))


@router.put("/bookings/rules", response_model=schemas.Rules)
async def choose_rules(
    who: Staff, asked: schemas.RulesInput, session: SessionDep, if_match: IfMatch = None
) -> Response:
    return answer(await salon.choose(session, asked, if_match))
