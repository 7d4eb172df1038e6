"""Compares database, broker and mails after the run with the customers' ledger."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from cli.dead_letter_queue import list_letters
from shared.identity.principals import SERVICE_CLAIMS
from shared.messaging import broker
from shared.messaging.queue_depth import Depths, depths
from shared.messaging.topology import load as topology
from tests.chaos.customers import Ledger
from tests.e2e.salon import kept_mails
from tests.e2e.stack import SERVICES

Count = dict[str, int]

BOOKINGS = "SELECT id, customer_id, status FROM booking.bookings"
OVERLAPS = """
    SELECT count(*) FROM booking.occupancy a JOIN booking.occupancy b
    ON a.loctician_id = b.loctician_id AND a.id < b.id AND a.blocked && b.blocked AND a.active AND b.active
"""
CUSTOMER_OVERLAPS = """
    SELECT count(*) FROM booking.booking_items a JOIN booking.booking_items b
    ON a.customer_id = b.customer_id AND a.id < b.id AND a.during && b.during AND a.active AND b.active
"""
APPOINTMENTS = "SELECT booking_id, count(*) FROM calendar.appointments WHERE status <> 'cancelled' GROUP BY booking_id"
DELIVERIES = """
    SELECT booking_id, kind, recipient_id, channel, booking_version, count(*) FROM notifications.deliveries
    WHERE booking_id IS NOT NULL AND kind IN ('booking_created', 'booking_cancelled') GROUP BY 1, 2, 3, 4, 5
"""
AUDIT = """
    SELECT entity, action, entity_version, count(*) FROM gdpr.audit_log WHERE action LIKE 'booking.%' GROUP BY 1, 2, 3
"""


@dataclass(frozen=True)
class Verdict:
    bookings_accepted: int
    bookings_cancelled: int
    lost: int
    overlaps: int
    duplicate_effects: int
    missing_effects: int
    outbox_rows: int
    queued: int
    unexplained_dead_letters: int
    unsent_mails: int
    repeated_mails: int
    answered_500: int

    @property
    def clean(self) -> bool:
        """A mail may be repeated, under its Message-ID; nothing else may be amiss."""
        amiss = (
            self.lost + self.overlaps + self.duplicate_effects + self.missing_effects + self.outbox_rows + self.queued
        )
        return amiss + self.unexplained_dead_letters + self.unsent_mails + self.answered_500 == 0


async def connected(database_url: str) -> Any:
    """As the owner of the tables, under the claim `service`: the policies bind it too."""
    connection = await asyncpg.connect(database_url, timeout=10, command_timeout=60)
    await connection.execute("SELECT set_config('request.jwt.claims', $1, false)", SERVICE_CLAIMS.as_json())
    return connection


async def waiting(database_url: str, amqp_url: str) -> Count:
    """What has not arrived where it belongs: outbox rows, queued and retried messages, mails to be sent."""
    connection = await connected(database_url)
    try:
        rows = [await connection.fetchval(f"SELECT count(*) FROM {name}.outbox") for name in SERVICES]
        unsent = "SELECT count(*) FROM notifications.deliveries WHERE status IN ('queued', 'sending')"
        mails = await connection.fetchval(f"{unsent} AND due_at < now() + interval '10 minutes'")
    finally:
        await connection.close()
    queues = await _depths(amqp_url)
    return {"outbox": sum(rows), "mails": mails, "queued": sum(depth.events + depth.retry for depth in queues.values())}


async def _depths(amqp_url: str) -> dict[str, Depths]:
    async with broker.connection(amqp_url, "chaos verdict") as opened:
        queues = {name: await depths(opened, name) for name in topology()}
    return {name: depth for name, depth in queues.items() if depth is not None}


async def judge(database_url: str, amqp_url: str, mail: Path, ledger: Ledger) -> Verdict:
    connection = await connected(database_url)
    try:
        bookings = {str(row["id"]): row for row in await connection.fetch(BOOKINGS)}
        overlaps = await connection.fetchval(OVERLAPS) + await connection.fetchval(CUSTOMER_OVERLAPS)
        duplicate, missing = await _effects(connection, bookings)
    finally:
        await connection.close()
    left = await waiting(database_url, amqp_url)
    dead = sum(depth.dead for depth in (await _depths(amqp_url)).values())
    copies = Counter(str(mail_["message-id"]) for mail_ in kept_mails(mail))
    return Verdict(
        bookings_accepted=len(ledger.accepted),
        bookings_cancelled=len(ledger.cancelled),
        lost=len(ledger.accepted.keys() - bookings.keys()) + _undone(ledger, bookings),
        overlaps=overlaps,
        duplicate_effects=duplicate,
        missing_effects=missing,
        outbox_rows=left["outbox"],
        queued=left["queued"],
        unexplained_dead_letters=dead,
        unsent_mails=left["mails"],
        repeated_mails=sum(count - 1 for count in copies.values()),
        answered_500=ledger.answers[500],
    )


def _undone(ledger: Ledger, bookings: dict[str, Any]) -> int:
    """Cancellations that were answered and are not there."""
    return sum(bookings[id_]["status"] != "cancelled" for id_ in ledger.cancelled if id_ in bookings)


async def _effects(connection: Any, bookings: dict[str, Any]) -> tuple[int, int]:
    """Effects too many, and effects missing, in calendar, deliveries and audit."""
    appointments = {str(row[0]): row[1] for row in await connection.fetch(APPOINTMENTS)}
    deliveries = Counter({(str(row[0]), row[1], str(row[2])): row[5] for row in await connection.fetch(DELIVERIES)})
    audited = Counter({(row[0], row[1]): row[3] for row in await connection.fetch(AUDIT)})
    wanted: Counter[Any] = Counter()
    actual: Counter[Any] = Counter()
    for id_, booking in bookings.items():
        cancelled = booking["status"] == "cancelled"
        wanted["calendar", id_] = 0 if cancelled else 1
        actual["calendar", id_] = appointments.get(id_, 0)
        for kind in ("created", "cancelled") if cancelled else ("created",):
            wanted["sent", id_, kind] = wanted["audited", id_, kind] = 1
            actual["sent", id_, kind] = deliveries[id_, f"booking_{kind}", str(booking["customer_id"])]
            actual["audited", id_, kind] = audited[id_, f"booking.{kind}.v1"]
    return (actual - wanted).total(), (wanted - actual).total()


async def dead_letters(amqp_url: str) -> list[str]:
    """What lies aside, for whoever has to explain it."""
    return [
        f"{service}: {letter.type} {letter.id}: {letter.error}"
        for service in topology()
        for letter in await list_letters(amqp_url, service, 50)
    ]
