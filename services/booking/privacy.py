"""Export and erasure of one person's data. What bookkeeping requires stays, without the person."""

from typing import Any
from uuid import UUID

from sqlalchemy import Text, cast, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.bookings import queries as booking_queries
from services.booking.customers import queries as customer_queries
from services.booking.holds import service as hold_service
from services.booking.media import queries as media_queries
from services.booking.media.tables import media
from services.booking.models import (
    booking_history,
    booking_items,
    bookings,
    customers,
    holds,
    idempotency_keys,
    loctician_treatments,
    locticians,
    waitlist,
)
from services.booking.portfolio.tables import portfolio_media, portfolio_sources
from services.booking.requests.tables import requests
from services.booking.sql_calls import fetch_in_transaction
from services.booking.waitlist import offers
from shared.identity.principals import SERVICE_CLAIMS


async def export(session: AsyncSession, subject_id: UUID) -> dict[str, Any]:
    profile = select(locticians).where(locticians.c.loctician_id == subject_id)
    offers = select(loctician_treatments).where(loctician_treatments.c.loctician_id == subject_id)
    source = select(portfolio_sources).where(portfolio_sources.c.loctician_id == subject_id)
    cached = select(portfolio_media).where(portfolio_media.c.loctician_id == subject_id)
    pictures = media_queries.of_person(subject_id)
    own = select(bookings).where(bookings.c.customer_id == subject_id).order_by(bookings.c.starts_at)
    items = select(
        booking_items.c.booking_id,
        booking_items.c.treatment_id.label("service_id"),
        booking_items.c.service_names,
        booking_items.c.price_amount,
    )
    changes = select(booking_history).where(booking_history.c.customer_id == subject_id).order_by(booking_history.c.id)
    customer = select(customers).where(customers.c.id == subject_id)
    answers = select(idempotency_keys).where(idempotency_keys.c.caller == subject_id)
    return {
        "profile": await _rows(session, profile),
        "offered_treatments": await _rows(session, offers),
        "portfolio_source": await _rows(session, source),
        "portfolio_media": await _rows(session, cached.order_by(portfolio_media.c.place)),
        "pictures": await _rows(session, pictures),
        "bookings": await _rows(session, own),
        "booking_items": await _rows(session, items.where(booking_items.c.customer_id == subject_id)),
        "booking_history": await _rows(session, changes),
        "customer": await _rows(session, customer),
        "holds": await _rows(session, select(holds).where(holds.c.customer_id == subject_id)),
        "waitlist": await _rows(session, select(waitlist).where(waitlist.c.customer_id == subject_id)),
        "requests": await _rows(session, select(requests).where(requests.c.user_id == subject_id)),
        "idempotency_keys": await _rows(session, answers),
    }


async def _rows(session: AsyncSession, statement: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in (await session.execute(statement)).mappings()]


async def erase(session: AsyncSession, subject_id: UUID) -> dict[str, int]:
    """Erases the person. Returns how many rows were deleted or changed, by table.

    The account is closed first, so that the waitlist does not offer the person the times that the erasure frees.
    """
    await customer_queries.close_account(session, subject_id)
    held = await hold_service.end_customer_holds(session, subject_id, bookings=True)
    cancelled = await _cancel_upcoming(session, subject_id)
    anonymized = await booking_queries.anonymize_customer(session, subject_id)
    statements = {
        "idempotency_keys": delete(idempotency_keys).where(
            (idempotency_keys.c.caller == subject_id)
            | cast(idempotency_keys.c.answer, Text).contains(str(subject_id))  # staff may have booked for the person
        ),
        "waitlist": delete(waitlist).where(waitlist.c.customer_id == subject_id),
        "requests": delete(requests).where(requests.c.user_id == subject_id),
        "customers": delete(customers).where(customers.c.id == subject_id),
        "pictures": delete(media).where(media.c.loctician_id == subject_id),
        "uploaders": update(media).where(media.c.uploaded_by == subject_id).values(uploaded_by=None),
        "portfolio_media": delete(portfolio_media).where(portfolio_media.c.loctician_id == subject_id),
        "portfolio_source": delete(portfolio_sources).where(portfolio_sources.c.loctician_id == subject_id),
        "offered_treatments": delete(loctician_treatments).where(loctician_treatments.c.loctician_id == subject_id),
        "actors": update(booking_history).where(booking_history.c.actor_id == subject_id).values(actor_id=None),
        "profile": update(locticians)
        .where(locticians.c.loctician_id == subject_id)
        .values(display_name="", bio="", portfolio_links=[], active=False, version=locticians.c.version + 1),
    }
    counts = {name: (await session.execute(statement)).rowcount for name, statement in statements.items()}  # type: ignore[attr-defined]
    return counts | {"holds": held, "cancelled": cancelled, "bookings": anonymized}


async def _cancel_upcoming(session: AsyncSession, subject_id: UUID) -> int:
    ids = await booking_queries.upcoming_ids(session, subject_id)
    for booking_id in ids:
        request = {"id": str(booking_id), "code": "customer_erased"}
        claims = SERVICE_CLAIMS.as_json()
        await offers.offer_freed(session, await fetch_in_transaction(session, booking_queries.CANCEL, claims, request))
    return len(ids)
