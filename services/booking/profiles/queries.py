"""SQL of the locticians' profiles and of what they offer."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, delete, exists, func, literal, or_, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.catalog.queries import COLLATIONS
from services.booking.models import customers, loctician_treatments, locticians, treatments
from services.booking.portfolio.tables import portfolio_sources

STATES = text("""
    SELECT jsonb_build_object(
        'version', l.version, 'loctician_id', l.loctician_id, 'display_name', l.display_name, 'service_ids',
        ARRAY(SELECT o.treatment_id FROM booking.loctician_treatments o WHERE o.loctician_id = l.loctician_id))
    FROM booking.locticians l
    WHERE l.loctician_id > :after AND l.display_name <> '' ORDER BY l.loctician_id LIMIT :limit
""")


def _columns() -> list[Any]:
    """A profile with the treatments that the loctician offers, with the price and duration that apply."""
    own = loctician_treatments.c
    offered = func.jsonb_build_object(
        "service_id",
        treatments.c.id,
        "price_amount",
        func.coalesce(own.price_amount, treatments.c.price_amount),
        "duration_minutes",
        func.coalesce(own.duration_minutes, treatments.c.duration_minutes),
        "own_price",
        own.price_amount.is_not(None),
        "own_duration",
        own.duration_minutes.is_not(None),
    )
    treatments_offered = (
        select(func.jsonb_agg(aggregate_order_by(offered, treatments.c.id)))
        .join(loctician_treatments, own.treatment_id == treatments.c.id)
        .where(own.loctician_id == locticians.c.loctician_id, treatments.c.active)
        .correlate(locticians)
        .scalar_subquery()
    )
    pictures = func.booking.pictures_json("profile", locticians.c.loctician_id, type_=JSONB)
    return [*locticians.c, treatments_offered.label("treatments"), pictures.label("profile_pictures")]


def public() -> Any:
    """Profiles are public while they are active and have a name."""
    return and_(locticians.c.active, locticians.c.display_name != "")


@dataclass(frozen=True)
class Filter:
    """Which locticians a list has: those who offer all of these treatments."""

    treatment_ids: list[UUID]
    include_inactive: bool


def by_name(language: str, after: tuple[str, UUID] | None, wanted: Filter) -> Select[Any]:
    name = locticians.c.display_name.collate(COLLATIONS[language])
    statement = select(*_columns())
    if not wanted.include_inactive:
        statement = statement.where(public())
    offers = loctician_treatments.c
    for treatment_id in wanted.treatment_ids:
        offered = (
            offers.loctician_id == locticians.c.loctician_id,
            offers.treatment_id == treatments.c.id,
            treatments.c.id == treatment_id,
            treatments.c.active,
        )
        statement = statement.where(exists().where(*offered).correlate(locticians))
    if after:
        statement = statement.where(
            tuple_(name, locticians.c.loctician_id) > tuple_(literal(after[0]), literal(after[1]))
        )
    return statement.order_by(name, locticians.c.loctician_id)


def profile(loctician_id: UUID, *, include_private: bool) -> Select[Any]:
    """A profile with its Instagram id; one that is not public only with `include_private`."""
    source = portfolio_sources.c
    pictures = func.booking.pictures_json("portfolio", locticians.c.loctician_id, type_=JSONB)
    return (
        select(*_columns(), source.instagram_user_id, pictures.label("pictures"))
        .outerjoin(portfolio_sources, source.loctician_id == locticians.c.loctician_id)
        .where(locticians.c.loctician_id == loctician_id, or_(public(), literal(include_private)))
    )


async def read_profile(session: AsyncSession, loctician_id: UUID) -> Any:
    return (await session.execute(profile(loctician_id, include_private=True))).one_or_none()


async def lock_version(session: AsyncSession, loctician_id: UUID) -> int | None:
    statement = select(locticians.c.version).where(locticians.c.loctician_id == loctician_id).with_for_update()
    return (await session.execute(statement)).scalar_one_or_none()


async def change_profile(session: AsyncSession, loctician_id: UUID, values: dict[str, Any]) -> None:
    changed = values | {"version": locticians.c.version + 1}
    await session.execute(update(locticians).where(locticians.c.loctician_id == loctician_id).values(changed))


async def active_treatments(session: AsyncSession, treatment_ids: list[UUID]) -> set[UUID]:
    """Those of the treatments that are offered."""
    statement = select(treatments.c.id).where(treatments.c.id.in_(treatment_ids), treatments.c.active)
    return set((await session.execute(statement)).scalars())


async def replace_offers(session: AsyncSession, loctician_id: UUID, offers: list[dict[str, Any]]) -> None:
    """Offers of archived treatments stay, for the case that the treatment is offered again. Those that are listed still
    are kept as rows: what is new in them is noted for the waitlist."""
    active = select(treatments.c.id).where(treatments.c.active)
    own = loctician_treatments.c
    listed = [offer["treatment_id"] for offer in offers]
    gone = and_(own.loctician_id == loctician_id, own.treatment_id.in_(active), own.treatment_id.not_in(listed))
    await session.execute(delete(loctician_treatments).where(gone))
    if offers:
        row = upsert(loctician_treatments)
        changed = {name: row.excluded[name] for name in ("price_amount", "duration_minutes")}
        stored = row.on_conflict_do_update(index_elements=["loctician_id", "treatment_id"], set_=changed)
        await session.execute(stored, [{"loctician_id": loctician_id} | offer for offer in offers])


async def add_profile(session: AsyncSession, loctician_id: UUID) -> None:
    """Adds an empty profile if there is none, active if the user's account is."""
    known = select(customers.c.active).where(customers.c.id == loctician_id).scalar_subquery()
    row = {"loctician_id": loctician_id, "display_name": "", "active": func.coalesce(known, True)}
    await session.execute(upsert(locticians).values(row).on_conflict_do_nothing())


async def set_active(session: AsyncSession, loctician_id: UUID, active: bool) -> None:
    await session.execute(update(locticians).where(locticians.c.loctician_id == loctician_id).values(active=active))
