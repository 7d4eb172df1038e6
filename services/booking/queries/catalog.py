from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Select, Uuid, and_, func, literal, select, tuple_
from sqlalchemy.dialects.postgresql import aggregate_order_by

from services.booking.models import loctician_treatments, locticians, treatments


def _performers() -> ColumnElement[Any]:
    return (
        select(func.coalesce(func.array_agg(loctician_treatments.c.loctician_id), literal([], ARRAY(Uuid))))
        .join(locticians, locticians.c.loctician_id == loctician_treatments.c.loctician_id)
        .where(loctician_treatments.c.treatment_id == treatments.c.id, locticians.c.active)
        .correlate(treatments)
        .scalar_subquery()
    )


def catalog(language: str, words: str | None, category: str | None, after: tuple[str, UUID] | None) -> Select[Any]:
    name = treatments.c.translations[language]["name"].astext
    statement = select(treatments, name.label("name"), _performers().label("loctician_ids")).where(treatments.c.active)
    if words:
        everything = func.concat_ws(
            " ",
            *(
                treatments.c.translations[one][field].astext
                for one in ("da", "en")
                for field in ("name", "description")
            ),
        )
        statement = statement.where(and_(*(everything.icontains(word, autoescape=True) for word in words.split()[:8])))
    if category:
        statement = statement.where(treatments.c.category == category)
    if after:
        statement = statement.where(tuple_(name, treatments.c.id) > tuple_(literal(after[0]), literal(after[1])))
    return statement.order_by(name, treatments.c.id)


def treatment(treatment_id: UUID) -> Select[Any]:
    return select(treatments, _performers().label("loctician_ids")).where(treatments.c.id == treatment_id)


def profiles(after: tuple[str, UUID] | None = None) -> Select[Any]:
    """Active locticians by name, each with what they offer at their own price and duration."""
    offered = func.jsonb_build_object(
        "service_id",
        treatments.c.id,
        "price_amount",
        func.coalesce(loctician_treatments.c.price_amount, treatments.c.price_amount),
        "duration_minutes",
        func.coalesce(loctician_treatments.c.duration_minutes, treatments.c.duration_minutes),
    )
    treatments_offered = (
        select(func.jsonb_agg(aggregate_order_by(offered, treatments.c.id)))
        .join(loctician_treatments, loctician_treatments.c.treatment_id == treatments.c.id)
        .where(loctician_treatments.c.loctician_id == locticians.c.loctician_id, treatments.c.active)
        .correlate(locticians)
        .scalar_subquery()
    )
    statement = select(locticians, treatments_offered.label("treatments")).where(locticians.c.active)
    if after:
        name_and_id = tuple_(locticians.c.display_name, locticians.c.loctician_id)
        statement = statement.where(name_and_id > tuple_(literal(after[0]), literal(after[1])))
    return statement.order_by(locticians.c.display_name, locticians.c.loctician_id)
