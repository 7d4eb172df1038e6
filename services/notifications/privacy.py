"""Export and erasure of what notifications holds on one person."""

from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.contacts.queries import LAST_VERSION
from services.notifications.models import (
    appointments,
    broadcasts,
    consents,
    contacts,
    deliveries,
    idempotency_keys,
    inboxes,
    loctician_names,
    notices,
    preferences,
    reminders,
)

ANONYMOUS = UUID(int=0)


async def export(session: AsyncSession, subject_id: UUID) -> dict[str, Any]:
    sent = [column for column in deliveries.c if column.name not in {"data", "lease_until", "request_id"}]
    appointment = [column for column in appointments.c if column.name != "next_check_at"]
    sent_reminders = select(reminders).join(appointments, appointments.c.booking_id == reminders.c.booking_id)
    statements = {
        "contact": select(contacts).where(contacts.c.user_id == subject_id),
        "preferences": select(preferences).where(preferences.c.user_id == subject_id),
        "consents": select(consents).where(consents.c.user_id == subject_id),
        "loctician_name": select(loctician_names).where(loctician_names.c.loctician_id == subject_id),
        "appointments": select(*appointment).where(appointments.c.customer_id == subject_id),
        "reminders": sent_reminders.where(appointments.c.customer_id == subject_id),
        "deliveries": select(*sent).where(deliveries.c.recipient_id == subject_id).order_by(deliveries.c.id),
        "notices": select(notices).where(notices.c.user_id == subject_id).order_by(notices.c.position),
        "broadcasts": select(broadcasts).where(broadcasts.c.created_by == subject_id).order_by(broadcasts.c.id),
    }
    return {
        name: [dict(row) for row in (await session.execute(statement)).mappings()]
        for name, statement in statements.items()
    }


async def erase(session: AsyncSession, subject_id: UUID) -> dict[str, int]:
    """Keeps only that the person was erased. Returns the number of rows changed, by table."""
    unknown = dict.fromkeys(("email", "full_name", "language", "phone", "role"))
    erased = {**unknown, "email_verified": False, "active": False}
    last = {"version": LAST_VERSION, "role_version": LAST_VERSION, "active_version": LAST_VERSION}
    about_subject = deliveries.c.data["customer_id"].astext == str(subject_id)
    anonymous = {"customer_id": str(ANONYMOUS)}
    statements = {
        # the first: it waits for whoever writes preferences of the person
        "contacts": insert(contacts)
        .values(user_id=subject_id, **erased, **last)
        .on_conflict_do_update(index_elements=["user_id"], set_=erased | last),
        "deliveries": delete(deliveries).where(deliveries.c.recipient_id == subject_id),
        "told_of": update(deliveries).where(about_subject).values(data=deliveries.c.data.op("||")(anonymous)),
        "notices": delete(notices).where(notices.c.user_id == subject_id),
        "inboxes": delete(inboxes).where(inboxes.c.user_id == subject_id),
        "preferences": delete(preferences).where(preferences.c.user_id == subject_id),
        "consents": delete(consents).where(consents.c.user_id == subject_id),
        "idempotency_keys": delete(idempotency_keys).where(idempotency_keys.c.caller == subject_id),
        # the version is kept, so that a late event is recognized as old
        "appointments": update(appointments)
        .where(appointments.c.customer_id == subject_id)
        .values(customer_id=ANONYMOUS, facts={}, active=False, next_check_at=None),
        "broadcasts": update(broadcasts).where(broadcasts.c.created_by == subject_id).values(created_by=ANONYMOUS),
        "loctician_names": update(loctician_names)
        .where(loctician_names.c.loctician_id == subject_id)
        .values(display_name="", version=LAST_VERSION),
    }
    return {name: (await session.execute(statement)).rowcount for name, statement in statements.items()}  # type: ignore[attr-defined]
