"""Profiles of locticians: what they offer, their own prices and durations, and their portfolio."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.customers import read_audit
from services.booking.dependencies import is_staff
from services.booking.errors import NotYourProfile, SalonOnly
from services.booking.events import LocticianUpdated
from services.booking.portfolio import queries as portfolio_queries
from services.booking.portfolio import serializers as portfolio_serializers
from services.booking.profiles import queries, serializers
from services.booking.profiles.schemas import ProfileInput
from services.booking.serializers import Answer
from services.booking.slots.errors import UnknownTreatment
from shared.database.session import Database
from shared.errors import NotFound
from shared.http.pagination import decode_cursor, page
from shared.http.preconditions import require_match
from shared.identity.principals import Principal
from shared.messaging.events import emit
from shared.privacy.events import audit_read

PORTFOLIO_MAX_AGE = timedelta(days=7)  # Instagram's picture URLs expire after about that time


async def list_profiles(
    database: Database,
    principal: Principal | None,
    language: str,
    wanted: queries.Filter,
    cursor: str | None,
    limit: int,
) -> Answer:
    """One page by name. Inactive profiles and those without a name are for staff only. Raises SalonOnly."""
    if wanted.include_inactive and not is_staff(principal):
        raise SalonOnly
    name, last_id = decode_cursor(cursor, str, UUID) if cursor else (None, None)
    after = None if name is None or last_id is None else (name, last_id)
    statement = queries.by_name(language, after, wanted)
    rows = await database.call(statement.limit(limit + 1))
    not_public = [row.loctician_id for row in rows[:limit] if not (row.active and row.display_name)]
    if principal:
        await read_audit.record(database, principal, "loctician", not_public)
    return page(
        rows,
        limit,
        key=lambda row: (row.display_name, str(row.loctician_id)),
        item=lambda row: serializers.loctician(row, language),
    )


async def get(
    session: AsyncSession, principal: Principal | None, loctician_id: UUID, language: str, *, show_portfolio: bool
) -> Answer:
    may_edit = is_staff(principal) or (principal is not None and principal.id == loctician_id)
    row = (await session.execute(queries.profile(loctician_id, include_private=may_edit))).one_or_none()
    if row is None:
        raise NotFound
    if principal and may_edit:
        audit_read(session, principal, "loctician", [loctician_id])
    return await _with_portfolio(session, row, language, show_portfolio=show_portfolio)


async def _with_portfolio(session: AsyncSession, row: Any, language: str, *, show_portfolio: bool) -> Answer:
    """The profile with the cached portfolio; a request never waits for Instagram."""
    statement = portfolio_queries.media(row.loctician_id, PORTFOLIO_MAX_AGE)
    media = (await session.execute(statement)).all() if show_portfolio else []
    return serializers.loctician(row, language) | {
        "pictures": row.pictures,
        "portfolio": [portfolio_serializers.media(item) for item in media],
        "instagram_user_id": row.instagram_user_id,
    }


async def replace(
    session: AsyncSession,
    principal: Principal,
    loctician_id: UUID,
    request: ProfileInput,
    if_match: str | None,
    language: str,
    *,
    show_portfolio: bool,
) -> Answer:
    """Raises NotYourProfile, NotFound, PreconditionRequired, StaleVersion or UnknownTreatment."""
    if not is_staff(principal) and principal.id != loctician_id:
        raise NotYourProfile
    version = await queries.lock_version(session, loctician_id)
    if version is None:
        raise NotFound
    require_match(if_match, version)
    await _replace_offers(session, loctician_id, request)
    values = {"display_name": request.display_name, "bio": request.bio}
    links = [str(link) for link in request.portfolio_links]
    await queries.change_profile(session, loctician_id, values | {"portfolio_links": links})
    await portfolio_queries.set_source(session, loctician_id, request.instagram_user_id)
    row = await queries.read_profile(session, loctician_id)
    _emit_update(session, row)
    return await _with_portfolio(session, row, language, show_portfolio=show_portfolio)


async def _replace_offers(session: AsyncSession, loctician_id: UUID, request: ProfileInput) -> None:
    treatment_ids = [offer.service_id for offer in request.treatments]
    if treatment_ids and await queries.active_treatments(session, treatment_ids) != set(treatment_ids):
        raise UnknownTreatment
    offers = [
        {
            "treatment_id": offer.service_id,
            "price_amount": offer.price.amount if offer.price else None,
            "duration_minutes": offer.duration_minutes,
        }
        for offer in request.treatments
    ]
    await queries.replace_offers(session, loctician_id, offers)


def _emit_update(session: AsyncSession, row: Any) -> None:
    emit(
        session,
        LocticianUpdated(
            version=row.version,
            loctician_id=row.loctician_id,
            display_name=row.display_name,
            service_ids=[offer["service_id"] for offer in row.treatments or []],
        ),
    )
