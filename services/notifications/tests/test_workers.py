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
from services.notifications.tests.conftest import KIRSTENS, booking, until
from services.notifications.tests.postoffice import PostOffice
from services.notifications.tests.test_broadcasts import ADMIN, BODY
from services.notifications.tests.test_broadcasts import PATH as BROADCAST
from services.notifications.tests.test_reminders import LONG_AGO, at_in
from services.notifications.workers import repeat
from shared.database.session import Database
from shared.http.app import Runtime
from shared.observability.metrics import exposition
from shared.testing.services import Deliver

Arrange = Callable[..., Awaitable[None]]
Headers = Callable[..., dict[str, str]]


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
def runtime(app: FastAPI, database: Database, post: PostOffice) -> Runtime:
    made: Runtime = app.state.runtime
    values: dict[str, Any] = made.settings.model_dump() | {"smtp_url": post.url, "quiet_hours": "0-0"}
    made.settings = NotificationsSettings.model_validate(values)
    return made


@pytest.mark.usefixtures("salon")
class TestWorkers:
    async def test_a_mail_leaves_as_soon_as_it_is_written(
        self, runtime: Runtime, deliver: Deliver, post: PostOffice, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sender, "POLL", 60.0)  # only being woken can be as quick
        async with running(runtime):
            await deliver("booking.created.v1", booking(), version=1)
            await until(lambda: len(post.mails) == 2, seconds=20)

    async def test_reminders_due_while_the_service_was_down_go_when_it_is_back(
        self, runtime: Runtime, deliver: Deliver, post: PostOffice, arrange: Arrange
    ) -> None:
        await deliver("booking.created.v1", booking(start=at_in(23)), version=1)
        await arrange(LONG_AGO)
        await arrange("UPDATE notifications.appointments SET next_check_at = NULL")  # as older settings had left it
        async with running(runtime), running(runtime):
            await until(lambda: len(post.to(KIRSTENS)) == 2, seconds=20)
        assert sorted(mail["Subject"].startswith("Husk din tid") for mail in post.to(KIRSTENS)) == [False, True]

    async def test_what_waits_and_for_how_long_is_measured(
        self, runtime: Runtime, deliver: Deliver, post: PostOffice, arrange: Arrange
    ) -> None:
        post.close()
        await deliver("booking.created.v1", booking(), version=1)
        await arrange("UPDATE notifications.deliveries SET due_at = now() - interval '1 h', lease_until = NULL")
        measuring = asyncio.ensure_future(sender.measure(runtime.database))
        await until(lambda: _measured("notification_oldest_due_seconds") >= 3600)
        measuring.cancel()
        await asyncio.gather(measuring, return_exceptions=True)
        assert _measured("notification_deliveries_waiting") == 2

    async def test_a_broadcast_begins_at_once(
        self, runtime: Runtime, client: httpx.AsyncClient, auth_headers: Headers, post: PostOffice
    ) -> None:
        async with running(runtime):
            await client.post(BROADCAST, headers=auth_headers(Role.ADMIN, ADMIN), json=BODY)
            await until(lambda: len(post.mails) == 2, seconds=20)


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
