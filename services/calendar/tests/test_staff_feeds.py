"""Feeds that staff hold of a loctician's appointments: beside the loctician's own, and only as long as the role."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from services.calendar.tests.conftest import AMINA, user_state
from shared.testing.types import Deliver, Headers, Outbox

STAFF = UUID("0197f0a0-0000-7000-8000-0000000000a1")
FEED = f"/api/v1/calendar/{AMINA}/feed"


async def create(client: httpx.AsyncClient, headers: dict[str, str]) -> str:
    answer = await client.post(FEED, headers=headers)
    assert answer.status_code == 201, answer.text
    return "/" + str(answer.json()["url"]).partition("//")[2].partition("/")[2]


async def status(client: httpx.AsyncClient, path: str) -> int:
    return (await client.get(path)).status_code


async def test_owner_is_not_locked_out_of_the_own_feed(client: httpx.AsyncClient, auth_headers: Headers) -> None:
    own = await create(client, auth_headers("loctician", AMINA))
    held = await create(client, auth_headers("staff", STAFF))
    other = await create(client, auth_headers("admin", uuid4()))
    assert [await status(client, path) for path in (own, held, other)] == [200, 200, 200]
    assert (await client.delete(FEED, headers=auth_headers("staff", STAFF))).status_code == 204
    assert [await status(client, path) for path in (own, held, other)] == [200, 404, 200]
    assert (await client.get(FEED, headers=auth_headers("staff", STAFF))).status_code == 404
    assert (await client.get(FEED, headers=auth_headers("loctician", AMINA))).status_code == 200


async def test_owner_ends_the_feeds_of_staff_with_the_own_one(
    client: httpx.AsyncClient, auth_headers: Headers, outbox: Outbox
) -> None:
    held = await create(client, auth_headers("staff", STAFF))
    assert (await client.delete(FEED, headers=auth_headers("loctician", AMINA))).status_code == 204
    assert await status(client, held) == 404
    (revoked,) = [event for event in await outbox() if event["type"] == "calendar.feed_revoked.v1"]
    assert revoked["data"]["owner_id"] == str(AMINA)


async def test_event_says_that_staff_made_it(client: httpx.AsyncClient, auth_headers: Headers, outbox: Outbox) -> None:
    await create(client, auth_headers("loctician", AMINA))
    await create(client, auth_headers("staff", STAFF))
    created = [event["data"] for event in await outbox() if event["type"] == "calendar.feed_created.v1"]
    assert [(event["owner_id"], event["by_staff"]) for event in created] == [(str(AMINA), False), (str(AMINA), True)]


@pytest.mark.parametrize(
    ("type_", "change"),
    [
        ("user.role_changed.v1", {"role": "customer"}),
        ("user.role_changed.v1", {"role": "loctician"}),
        ("user.deactivated.v1", {"role": "staff", "active": False}),
    ],
)
async def test_feed_ends_with_the_role_of_its_holder(
    client: httpx.AsyncClient, auth_headers: Headers, deliver: Deliver, type_: str, change: dict[str, Any]
) -> None:
    await deliver("user.registered.v1", user_state(STAFF, role="staff"))
    own = await create(client, auth_headers("loctician", AMINA))
    held = await create(client, auth_headers("staff", STAFF))
    await deliver("user.updated.v1", user_state(STAFF, version=2, role="staff"))
    assert await status(client, held) == 200
    await deliver(type_, user_state(STAFF, version=3, **change))
    assert [await status(client, path) for path in (own, held)] == [200, 404]


async def test_feeds_of_a_deactivated_loctician_end_whoever_holds_them(
    client: httpx.AsyncClient, auth_headers: Headers, deliver: Deliver
) -> None:
    held = await create(client, auth_headers("staff", STAFF))
    await deliver("user.deactivated.v1", user_state(AMINA, version=2, role="loctician", active=False))
    assert await status(client, held) == 404
