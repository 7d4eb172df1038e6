"""The names behind the ids in a delivery, the salon's address, and what it wrote to a customer: looked up right before
the delivery is sent, never stored in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.messages import unseal_message
from services.notifications.broadcasts.queries import find_texts
from services.notifications.names import queries
from services.notifications.rows import Row
from shared.identity.derived_keys import keys_of


@dataclass(frozen=True)
class Salon:
    """Empty where the salon has not said it."""

    name: str = ""
    address: str = ""
    phone: str = ""
    legal_name: str = ""
    cvr_number: str = ""


@dataclass(frozen=True)
class Names:
    """Names of treatments by language, names of people, the texts of broadcasts by language, and what the salon wrote
    about a booking that it cancelled."""

    treatments: Mapping[UUID, Mapping[str, str]] = field(default_factory=dict)
    locticians: Mapping[UUID, str] = field(default_factory=dict)
    customers: Mapping[UUID, str] = field(default_factory=dict)
    broadcasts: Mapping[UUID, Mapping[str, Mapping[str, str]]] = field(default_factory=dict)
    salon: Salon = field(default_factory=Salon)
    messages: Mapping[UUID, str] = field(default_factory=dict)


async def load_names(session: AsyncSession, deliveries: Sequence[Row]) -> Names:
    """The names that these deliveries need, as far as they are known."""
    if not deliveries:
        return Names()
    treatments = {id_ for row in deliveries for id_ in _item_ids(row, "service_id")}
    locticians = {id_ for row in deliveries for id_ in _item_ids(row, "loctician_id")}
    return Names(
        await queries.find_treatment_names(session, treatments),
        await queries.find_loctician_names(session, locticians),
        await queries.find_customer_names(session, _ids(deliveries, "customer_id")),
        await find_texts(session, _ids(deliveries, "broadcast_id")),
        Salon(**(await queries.find_salon(session) or {})),
        _messages(session, deliveries),
    )


def _messages(session: AsyncSession, deliveries: Sequence[Row]) -> dict[UUID, str]:
    """What the salon wrote to the customers of bookings that it cancelled, by booking."""
    sealed = {row["booking_id"]: row["data"]["message"] for row in deliveries if row["data"].get("message")}
    return {
        booking_id: unseal_message(keys_of(session), booking_id, text, "booking") for booking_id, text in sealed.items()
    }


def are_complete(row: Row, names: Names) -> bool:
    """Whether every name that this delivery shows is known."""
    data = row["data"]
    return (
        all(id_ in names.treatments for id_ in _item_ids(row, "service_id"))
        and all(id_ in names.locticians for id_ in _item_ids(row, "loctician_id"))
        and (row["part"] == "customer" or "customer_id" not in data or UUID(data["customer_id"]) in names.customers)
    )


def _ids(rows: Sequence[Row], name: str) -> set[UUID]:
    return {UUID(row["data"][name]) for row in rows if name in row["data"]}


def _item_ids(row: Row, name: str) -> set[UUID]:
    """Of the appointment as it is, and as it was before a change."""
    data = row["data"]
    items = (*data.get("items", ()), *data.get("previous", {}).get("items", ()))
    return {UUID(item[name]) for item in items if item.get(name)}
