"""The names behind the ids in a delivery. They are looked up right before it is sent, never stored in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.broadcasts.queries import find_texts
from services.notifications.names import queries
from services.notifications.rows import Row


@dataclass(frozen=True)
class Names:
    """Names of treatments by language, names of people, and the texts of broadcasts by language."""

    treatments: Mapping[UUID, Mapping[str, str]] = field(default_factory=dict)
    locticians: Mapping[UUID, str] = field(default_factory=dict)
    customers: Mapping[UUID, str] = field(default_factory=dict)
    broadcasts: Mapping[UUID, Mapping[str, Mapping[str, str]]] = field(default_factory=dict)


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
    )


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
    return {UUID(item[name]) for item in row["data"].get("items", ())}
