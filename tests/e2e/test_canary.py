"""A person with a mark in every field that takes one: all marks are in the export; once erased, none is anywhere."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest
from pamqp.commands import Basic

from shared import broker
from shared.events import envelope, new_id
from shared.testing.servers import Servers
from shared.topology import EVENTS, retry_queue
from tests.e2e.conftest import own_servers, started
from tests.e2e.rights import admin, anonymized, dumped, exported, holding, logged, queued, unpacked
from tests.e2e.salon import Json, bearer, free_slots, mails_to, sign_in
from tests.e2e.stack import Stack, eventually

UNIQUE = uuid4().hex[:10]
MARKS = {
    "email": f"kanarie-{UNIQUE}@example.com",
    "full_name": f"Kanariefugl-{UNIQUE} Ærø",
    "phone": f"+4520{int(UNIQUE[:8], 16) % 1_000_000:06d}",
    "notes": f"Noten-{UNIQUE} om hårbunden",
    "cancel_reason": f"Afbudsgrund-{UNIQUE}",
}
SECRET = {"password": f"Hemmeligt-{UNIQUE}-kodeord"}


class Canary:
    def __init__(self, stack: Stack, http: httpx.AsyncClient, amqp_url: str, management_url: str | None) -> None:
        self.stack = stack
        self.http = http
        self.amqp_url = amqp_url
        self.management_url = management_url
        self.user_id = ""
        self.headers: dict[str, str] = {}

    async def everywhere(self) -> dict[str, str]:
        """All tables, queues and logs; the mails that were sent are out of our hands."""
        tables = await dumped(self.stack.environment["DATABASE_URL"])
        waiting = await queued(self.amqp_url, self.management_url)
        return tables | waiting | logged(self.stack.logs)

    async def live(self) -> None:
        await self._register()
        await self._book()
        await self._fail()

    async def _register(self) -> None:
        body = {name: MARKS[name] for name in ("email", "full_name", "phone")} | SECRET | {"language": "da"}
        assert (await self.http.post("/api/v1/auth/register", json=body)).status_code == 202
        self.headers = bearer(await sign_in(self.http, MARKS["email"], SECRET["password"]))
        self.user_id = str((await self.http.get("/api/v1/users/me", headers=self.headers)).json()["id"])

    async def _book(self) -> None:
        """One appointment that stands, one that was cancelled."""
        service_id = (await self.http.get("/api/v1/services")).json()["items"][0]["id"]
        slots = await eventually(lambda: free_slots(self.http, service_id), bool, "free slots")
        ids = []
        for slot in (slots[0], slots[-1]):
            order = {"service_ids": [service_id], "start": slot["start"], "loctician_id": slot["loctician_id"]}
            answer = await self.http.post(
                "/api/v1/bookings", json=order | {"notes": MARKS["notes"]}, headers=self.headers
            )
            assert answer.status_code == 201, answer.text
            ids.append(answer.json()["id"])
        reason = {"reason": MARKS["cancel_reason"]}
        cancelled = await self.http.post(f"/api/v1/bookings/{ids[1]}/cancel", json=reason, headers=self.headers)
        assert cancelled.status_code == 200, cancelled.text

        async def mailed() -> int:
            return len(mails_to(self.stack.mail, MARKS["email"]))

        await eventually(mailed, lambda count: count >= 3, "mails about the appointments", 30.0)

    async def _fail(self) -> None:
        """News of the person that no consumer can read, and news that wait to be tried again."""
        async with broker.connection(self.amqp_url, "canary") as connection:
            channel = await broker.wire(await connection.channel())
            unreadable = self._event({"user_id": self.user_id, "email": MARKS["email"], "full_name": 7})
            await broker.publish_surely(channel, broker.Outgoing(EVENTS, "user.updated.v1", unreadable, _properties()))
            late = self._event(self._person(version=9))
            queue = retry_queue("notifications", 600_000)
            await broker.publish_surely(channel, broker.Outgoing("", queue, late, _properties()))

        async def laid_aside() -> dict[str, str]:
            return await queued(self.amqp_url, self.management_url)

        await eventually(laid_aside, lambda queues: MARKS["email"] in queues["notifications.dead"], "a dead letter", 30)

    def _person(self, version: int) -> Json:
        facts = {"user_id": self.user_id, "email": MARKS["email"], "full_name": MARKS["full_name"]}
        more = {"phone": MARKS["phone"], "language": "da", "role": "customer", "email_verified": True}
        return facts | more | {"version": version}

    def _event(self, data: Json) -> bytes:
        row: dict[str, Any] = dict.fromkeys(("traceparent", "actor_id", "actor_role", "request_id"))
        named = {"event_id": new_id(), "type": "user.updated.v1", "subject": self.user_id, "version": 9, "data": data}
        return orjson.dumps(envelope("/services/auth", row | named | {"occurred_at": datetime.now(UTC)}))


def _properties() -> Basic.Properties:
    return Basic.Properties(message_id=str(new_id()), message_type="user.updated.v1", delivery_mode=2)


@pytest.fixture(scope="module")
async def canary(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Canary]:
    async with (
        own_servers(servers) as (database_url, amqp_url),
        started(tmp_path_factory.mktemp("canary"), database_url, amqp_url) as stack,
        httpx.AsyncClient(base_url=stack.url, timeout=15) as http,
    ):
        await stack.ready()
        yield Canary(stack, http, amqp_url, servers.management_url)


@pytest.mark.slow
class TestCanary:
    """One life, told in the order of the tests."""

    async def test_it_lives_through_every_flow_and_leaves_its_marks(self, canary: Canary) -> None:
        await canary.live()
        found = holding(await canary.everywhere(), MARKS)
        assert {mark for _, mark in found} >= {"email", "full_name", "phone", "notes"}
        places = {place for place, _ in found}
        assert {"auth.users", "booking.bookings", "notifications.dead", "notifications.retry.10m"} <= places

    async def test_secrets_stand_nowhere_even_while_it_lives(self, canary: Canary) -> None:
        assert holding(await canary.everywhere(), SECRET) == set()

    async def test_export_holds_every_mark(self, canary: Canary) -> None:
        headers = canary.headers | {"Accept": "application/zip"}
        files = unpacked((await exported(canary.http, canary.user_id, headers)).content)
        for file in ("data.json", "index.html"):
            assert {mark for _, mark in holding({file: files[file]}, MARKS)} == set(MARKS), file
        assert holding(files, SECRET) == set()

    async def test_once_erased_no_mark_is_left_in_tables_queues_or_logs(self, canary: Canary) -> None:
        done = await anonymized(canary.http, canary.user_id, await admin(canary.http))
        assert sum(one["dead_letters"] for one in done["answered"]) >= 2
        assert holding(await canary.everywhere(), MARKS) == set()
        refused = await canary.http.post("/api/v1/auth/login", json={"email": MARKS["email"], **SECRET})
        assert refused.status_code == 401
        gone = await canary.http.get(f"/api/v1/users/{canary.user_id}/export-data", headers=canary.headers)
        assert gone.status_code in (401, 404), gone.text
