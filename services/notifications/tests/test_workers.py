"""The workers as the process runs them."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from domain.roles import Role
from services.notifications.deliveries import sender
from services.notifications.main import SERVICE
from services.notifications.settings import NotificationsSettings
from services.notifications.tests.conftest import KIRSTEN_EMAIL, booking, until
from services.notifications.tests.smtp_server import SmtpServer
from services.notifications.tests.test_broadcasts import ADMIN, BODY
from services.notifications.tests.test_broadcasts import PATH as BROADCAST
from services.notifications.tests.test_reminders import LONG_AGO, at_in
from services.notifications.workers import repeat
from shared.database.session import Database
from shared.http.app import Runtime
from shared.observability.metrics import exposition
from shared.testing.types import Deliver, Headers

Execute = Callable[..., Awaitable[None]]


@asynccontextmanager
async def running(runtime: Runtime) -> AsyncIterator[None]:
    work = [asyncio.ensure_future(worker.run(runtime)) for worker in SERVICE.workers]
    try:
        yield
    finally:
        failed = [task for task in work if task.done()]
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
    assert failed == []


@pytest.fixture
def runtime(app: FastAPI, database: Database, smtp_server: SmtpServer) -> Runtime:
    runtime: Runtime = app.state.runtime
    values: dict[str, Any] = runtime.settings.model_dump() | {"smtp_url": smtp_server.url, "quiet_hours": "0-0"}
    runtime.settings = NotificationsSettings.model_validate(values)
    return runtime


@pytest.mark.usefixtures("salon")
class TestWorkers:
    async def test_a_mail_is_sent_as_soon_as_it_is_stored(
        self, runtime: Runtime, deliver: Deliver, smtp_server: SmtpServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sender, "POLL", 60.0)  # only being woken can be as quick
        async with running(runtime):
            await deliver("booking.created.v1", booking(), version=1)
            await until(lambda: len(smtp_server.mails) == 2, seconds=20)

    async def test_reminders_due_while_the_service_was_down_are_sent_after_the_start(
        self, runtime: Runtime, deliver: Deliver, smtp_server: SmtpServer, execute: Execute
    ) -> None:
        await deliver("booking.created.v1", booking(start=at_in(23)), version=1)
        await execute(LONG_AGO)
        await execute("UPDATE notifications.appointments SET next_check_at = NULL")  # as older settings had left it
        async with running(runtime), running(runtime):
            await until(lambda: len(smtp_server.to(KIRSTEN_EMAIL)) == 2, seconds=20)
        assert sorted(mail["Subject"].startswith("Husk din tid") for mail in smtp_server.to(KIRSTEN_EMAIL)) == [
            False,
            True,
        ]

    async def test_the_backlog_and_its_age_are_measured(
        self, runtime: Runtime, deliver: Deliver, smtp_server: SmtpServer, execute: Execute
    ) -> None:
        smtp_server.close()
        await deliver("booking.created.v1", booking(), version=1)
        await execute("UPDATE notifications.deliveries SET due_at = now() - interval '1 h', lease_until = NULL")
        measuring = asyncio.ensure_future(sender.measure(runtime.database))
        await until(lambda: _measured("notification_oldest_due_seconds") >= 3600)
        measuring.cancel()
        await asyncio.gather(measuring, return_exceptions=True)
        assert _measured("notification_deliveries_waiting") == 2

    async def test_a_broadcast_starts_at_once(
        self, runtime: Runtime, client: httpx.AsyncClient, auth_headers: Headers, smtp_server: SmtpServer
    ) -> None:
        async with running(runtime):
            await client.post(BROADCAST, headers=auth_headers(Role.ADMIN, ADMIN), json=BODY)
            await until(lambda: len(smtp_server.mails) == 2, seconds=20)


async def test_a_loop_ends_even_when_its_step_swallows_the_cancellation() -> None:
    begun = asyncio.Event()

    async def step() -> int:
        begun.set()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        return 1

    loop = asyncio.create_task(repeat(step, 60.0))
    await begun.wait()
    loop.cancel()
    await asyncio.wait([loop], timeout=10)
    assert loop.cancelled()


def _measured(metric: str) -> float:
    [value] = re.findall(rf'{metric}{{channel="mail"}} ([0-9.e+]+)', bytes(exposition().body).decode()) or ["0"]
    return float(value)
