"""Profiles of locticians: what they offer, at which price and duration, and their portfolio."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.customers import read_audit
from services.booking.dependencies import is_salon
from services.booking.errors import NotYourProfile, SalonOnly
from services.booking.events import LocticianUpdated
from services.booking.portfolio import queries as portfolio
from services.booking.portfolio import serializers as portfolio_serializers
from services.booking.profiles import queries, serializers
from services.booking.profiles.schemas import ProfileInput
from services.booking.slots.errors import UnknownTreatment
from services.booking.versions import require_match
from shared.database.session import Database
from shared.errors import NotFound
from shared.http.pagination import decode_cursor, encode_cursor
from shared.identity.principals import Principal
from shared.messaging.events import emit
from shared.privacy.events import audit_read

PORTFOLIO_FRESH = timedelta(days=7)  # Instagram's addresses of pictures do not last much longer


async def find(
    database: Database, who: Principal | None, language: str, cursor: str | None, limit: int, *, everybody: bool
) -> dict[str, Any]:
    """By name. `everybody`, so also who has no name yet or has left: for staff only."""
    if everybody and not is_salon(who):
        raise SalonOnly
    name, last = decode_cursor(cursor, str, UUID) if cursor else (None, None)
    after = None if name is None or last is None else (name, last)
    rows = await database.call(queries.by_name(language, after, everybody=everybody).limit(limit + 1))
    hidden = [row.loctician_id for row in rows[:limit] if not (row.active and row.display_name)]
    if who:
        await read_audit.note(database, who, "loctician", hidden)
    end = rows[limit - 1] if len(rows) > limit else None
    more = encode_cursor(end.display_name, str(end.loctician_id)) if end else None
    return {"items": [serializers.loctician(row, language) for row in rows[:limit]], "next_cursor": more}


async def get(
    session: AsyncSession, who: Principal | None, loctician_id: UUID, language: str, *, with_portfolio: bool
) -> dict[str, Any]:
    may_edit = is_salon(who) or (who is not None and who.id == loctician_id)
    row = (await session.execute(queries.profile(loctician_id, hidden_too=may_edit))).one_or_none()
    if row is None:
        raise NotFound
    if who and may_edit:
        audit_read(session, who, "loctician", [loctician_id])
    return await _whole(session, row, language, with_portfolio=with_portfolio)


async def _whole(session: AsyncSession, row: Any, language: str, *, with_portfolio: bool) -> dict[str, Any]:
    """The cached portfolio with the profile: nobody is asked while somebody waits."""
    found = portfolio.media(row.loctician_id, PORTFOLIO_FRESH)
    shown = (await session.execute(found)).all() if with_portfolio else []
    return serializers.loctician(row, language) | {
        "portfolio": [portfolio_serializers.media(one) for one in shown],
        "instagram_user_id": row.instagram_user_id,
    }


async def replace(
    session: AsyncSession,
    who: Principal,
    loctician_id: UUID,
    asked: ProfileInput,
    if_match: str | None,
    language: str,
    *,
    with_portfolio: bool,
) -> dict[str, Any]:
    if not is_salon(who) and who.id != loctician_id:
        raise NotYourProfile
    version = await queries.locked_version(session, loctician_id)
    if version is None:
        raise NotFound
    require_match(if_match, version)
    await _offer(session, loctician_id, asked)
    values = {"display_name": asked.display_name, "bio": asked.bio}
    links = [str(link) for link in asked.portfolio_links]
    await queries.change_profile(session, loctician_id, values | {"portfolio_links": links})
    await portfolio.set_source(session, loctician_id, asked.instagram_user_id)
    row = await queries.read_profile(session, loctician_id)
    _tell(session, row)
    return await _whole(session, row, language, with_portfolio=with_portfolio)


async def _offer(session: AsyncSession, loctician_id: UUID, asked: ProfileInput) -> None:
    wanted = [one.service_id for one in asked.treatments]
    if wanted and await queries.offered_of(session, wanted) != set(wanted):
        raise UnknownTreatment
    offers = [
        {
            "treatment_id": one.service_id,
            "price_amount": one.price.amount if one.price else None,
            "duration_minutes": one.duration_minutes,
        }
        for one in asked.treatments
    ]
    await queries.replace_offers(session, loctician_id, offers)


def _tell(session: AsyncSession, row: Any) -> None:
    offered = [one["service_id"] for one in row.treatments or []]
    emit(
        session,
        LocticianUpdated(
            version=row.version,
            loctician_id=row.loctician_id,
            display_name=row.display_name,
            treatment_ids=offered,
        ),
    )
