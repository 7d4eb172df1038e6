"""Profiles: who can change them, what they offer, when they are public."""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from services.booking.events import LocticianUpdated
from services.booking.tests.conftest import AMINA, DETOX, JONAS, RETIRED, RETWIST, STYLING, Book, at, user_state
from services.booking.tests.test_input import is_problem, sent
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.types import Deliver, Headers, Outbox

PROFILE: dict[str, Any] = {
    "display_name": "Jonas B.",
    "bio": "Reparation og interlocking.",
    "portfolio_links": ["https://jonas.example/arbejde"],
    "instagram_user_id": "17841400000000001",
    "treatments": [
        {"service_id": str(RETWIST), "price": {"amount": 70000, "currency": "DKK"}, "duration_minutes": 105},
        {"service_id": str(STYLING)},
    ],
}
BAD: dict[str, Any] = {
    "nothing": {},
    "no name": PROFILE | {"display_name": " "},
    "a long name": PROFILE | {"display_name": "x" * 81},
    "a long bio": PROFILE | {"bio": "x" * 2001},
    "plain http": PROFILE | {"portfolio_links": ["http://jonas.example"]},
    "a script as link": PROFILE | {"portfolio_links": ["javascript:alert(1)"]},
    "a link with a password": PROFILE | {"portfolio_links": ["https://a:b@jonas.example"]},
    "a long link": PROFILE | {"portfolio_links": ["https://jonas.example/" + "x" * 500]},
    "many links": PROFILE | {"portfolio_links": ["https://jonas.example"] * 13},
    "a path as account": PROFILE | {"instagram_user_id": "../me"},
    "a name as account": PROFILE | {"instagram_user_id": "jonas"},
    "a treatment twice": PROFILE | {"treatments": [{"service_id": str(RETWIST)}] * 2},
    "an unknown treatment": PROFILE | {"treatments": [{"service_id": str(uuid4())}]},
    "an archived treatment": PROFILE | {"treatments": [{"service_id": str(RETIRED)}]},
    "a negative price": PROFILE | {"treatments": [{"service_id": str(RETWIST), "price": {"amount": -1}}]},
    "a price in euros": PROFILE
    | {"treatments": [{"service_id": str(RETWIST), "price": {"amount": 1, "currency": "EUR"}}]},
    "no time": PROFILE | {"treatments": [{"service_id": str(RETWIST), "duration_minutes": 0}]},
    "too many treatments": PROFILE | {"treatments": [{"service_id": str(UUID(int=n))} for n in range(201)]},
}


async def put(
    client: httpx.AsyncClient, headers: dict[str, str], loctician_id: UUID = JONAS, **changes: Any
) -> httpx.Response:
    headers = {"If-Match": '"1"'} | headers
    return await client.put(f"/api/v1/locticians/{loctician_id}", json=PROFILE | changes, headers=headers)


class TestAuthorization:
    @pytest.mark.parametrize(("role", "user_id", "status"), [
        ("loctician", JONAS, 200), ("staff", None, 200), ("admin", None, 200),
        ("loctician", AMINA, 403), ("customer", JONAS, 403), (None, None, 401),
    ])  # fmt: skip
    async def test_only_the_loctician_and_staff_can_change_a_profile(
        self, client: httpx.AsyncClient, auth_headers: Headers, salon: date, outbox: Outbox,
        role: str | None, user_id: UUID | None, status: int,
    ) -> None:  # fmt: skip
        answer = await put(client, auth_headers(role, user_id) if role else {})
        assert answer.status_code == status
        name = (await client.get(f"/api/v1/locticians/{JONAS}")).json()["display_name"]
        assert name == ("Jonas B." if status == 200 else "Jonas")
        assert len(await outbox()) == (status == 200)


class TestReplacing:
    async def test_answers_and_publishes_what_is_offered(
        self, client: httpx.AsyncClient, auth_headers: Headers, salon: date, outbox: Outbox
    ) -> None:
        headers = auth_headers("loctician", JONAS)
        answer = await put(client, headers)
        body = answer.json()
        assert answer.headers["ETag"] == '"2"'
        assert (body["bio"], body["portfolio_links"]) == (PROFILE["bio"], PROFILE["portfolio_links"])
        assert body["instagram_user_id"] == "17841400000000001"
        offered = [
            (item["service_id"], item["price"]["amount"], item["duration_minutes"]) for item in body["treatments"]
        ]
        assert offered == [(str(RETWIST), 70000, 105), (str(STYLING), 49500, 60)]
        assert [(item["own_price"], item["own_duration"]) for item in body["treatments"]] == [
            (True, True),
            (False, False),
        ]
        assert body["treatments"][0]["price"]["vat"] == {"rate": 25, "amount": 14000}
        assert (await client.get(f"/api/v1/locticians/{JONAS}", headers=headers)).json() == body
        [event] = await outbox()
        update = LocticianUpdated.model_validate(event["data"])
        assert (update.version, update.display_name, update.service_ids) == (2, "Jonas B.", [RETWIST, STYLING])

    async def test_the_instagram_account_is_shown_to_those_who_can_edit_it(
        self, client: httpx.AsyncClient, auth_headers: Headers, salon: date
    ) -> None:
        await put(client, auth_headers("staff"))
        seen = {
            role: (await client.get(f"/api/v1/locticians/{JONAS}", headers=headers)).json()["instagram_user_id"]
            for role, headers in {
                "own": auth_headers("loctician", JONAS),
                "staff": auth_headers("staff"),
                "other": auth_headers("loctician", AMINA),
                "customer": auth_headers("customer", JONAS),
                "nobody": {},
            }.items()
        }
        account = PROFILE["instagram_user_id"]
        assert seen == {"own": account, "staff": account, "other": None, "customer": None, "nobody": None}

    async def test_needs_the_current_version(
        self, client: httpx.AsyncClient, auth_headers: Headers, salon: date
    ) -> None:
        staff = auth_headers("staff")
        without = await client.put(f"/api/v1/locticians/{JONAS}", json=PROFILE, headers=staff)
        assert is_problem(without, 428)
        assert is_problem(await put(client, staff | {"If-Match": '"7"'}), 412)
        assert is_problem(await put(client, staff, uuid4()), 404)

    async def test_refuses_bad_input(
        self, client: httpx.AsyncClient, auth_headers: Headers, salon: date, outbox: Outbox
    ) -> None:
        for name, body in BAD.items():
            request = sent(body)
            request["headers"] = request.get("headers", {}) | auth_headers("loctician", JONAS) | {"If-Match": '"1"'}
            answer = await client.put(f"/api/v1/locticians/{JONAS}", **request)
            assert is_problem(answer, 422), (name, answer.text)
        assert (await client.get(f"/api/v1/locticians/{JONAS}")).json()["version"] == 1
        assert await outbox() == []

    async def test_bookings_use_the_own_price_and_duration(
        self, client: httpx.AsyncClient, auth_headers: Headers, book: Book, salon: date
    ) -> None:
        await put(client, auth_headers("loctician", JONAS))
        booked = (await book(at(salon, "10:00"), RETWIST, loctician=JONAS)).json()
        assert booked["price"]["amount"] == 70000
        assert booked["end"] == at(salon, "11:45").isoformat()
        refused = await book(at(salon, "13:00"), DETOX, loctician=JONAS)
        assert refused.json()["code"] == "treatment_not_offered"

    async def test_an_offer_survives_the_archiving_of_its_treatment(
        self, client: httpx.AsyncClient, auth_headers: Headers, salon: date, database: Database
    ) -> None:
        staff = auth_headers("staff")
        await client.delete(f"/api/v1/services/{RETWIST}", headers=staff)
        await put(client, staff, treatments=[])
        async with transaction(database, SERVICE_CLAIMS) as session:
            await session.execute(text("UPDATE booking.treatments SET active = true"))
        offered = (await client.get(f"/api/v1/locticians/{JONAS}")).json()["treatments"]
        assert [(item["service_id"], item["price"]["amount"]) for item in offered] == [(str(RETWIST), 59900)]

    async def test_changing_the_account_deletes_the_media(
        self, client: httpx.AsyncClient, auth_headers: Headers, salon: date, database: Database
    ) -> None:
        own = auth_headers("loctician", JONAS)
        count = text("SELECT count(*) FROM booking.portfolio_media")
        media = text(
            "INSERT INTO booking.portfolio_media (loctician_id, place, media_id, kind, caption, media_url, permalink)"
            " SELECT loctician_id, 0, '1', 'image', '', 'https://x', 'https://x' FROM booking.portfolio_sources"
        )
        await put(client, own)
        for version, account, left in ((2, PROFILE["instagram_user_id"], 1), (3, "5", 0), (4, None, 0)):
            async with transaction(database, SERVICE_CLAIMS) as session:
                await session.execute(text("DELETE FROM booking.portfolio_media"))
                await session.execute(media)
            answer = await put(client, own | {"If-Match": f'"{version}"'}, instagram_user_id=account)
            assert answer.status_code == 200
            async with transaction(database, SERVICE_CLAIMS) as session:
                assert (await session.execute(count)).scalar_one() == left


class TestVisibility:
    async def test_a_new_loctician_is_listed_after_getting_a_name(
        self, client: httpx.AsyncClient, auth_headers: Headers, deliver: Deliver, salon: date
    ) -> None:
        new = uuid4()
        await deliver("user.role_changed.v1", user_state(new, "loctician"), version=2)
        own, staff = auth_headers("loctician", new), auth_headers("staff")
        include_inactive = {"include_inactive": "true"}

        async def listed(headers: dict[str, str], params: dict[str, str]) -> bool:
            answer = await client.get("/api/v1/locticians", params=params, headers=headers)
            return str(new) in [item["id"] for item in answer.json()["items"]]

        assert not await listed({}, {})
        assert await listed(staff, include_inactive)
        assert is_problem(await client.get("/api/v1/locticians", params=include_inactive, headers=own), 403)
        assert is_problem(await client.get(f"/api/v1/locticians/{new}"), 404)
        empty = await client.get(f"/api/v1/locticians/{new}", headers=own)
        assert (empty.json()["display_name"], empty.json()["version"]) == ("", 1)
        assert (await put(client, own, new)).status_code == 200
        assert await listed({}, {})

    async def test_a_profile_is_added_by_registration_or_role_change(
        self, deliver: Deliver, database: Database
    ) -> None:
        person, other = uuid4(), uuid4()
        await deliver("user.registered.v1", user_state(person, "loctician"), version=1)
        await deliver("user.registered.v1", user_state(other), version=1)
        async with transaction(database, SERVICE_CLAIMS) as session:
            rows = (await session.execute(text("SELECT loctician_id::text, active FROM booking.locticians"))).all()
        assert [tuple(row) for row in rows] == [(str(person), True)]

    async def test_locticians_who_left_are_shown_to_staff_only(
        self, client: httpx.AsyncClient, auth_headers: Headers, deliver: Deliver, salon: date
    ) -> None:
        await deliver("user.deactivated.v1", user_state(JONAS, "loctician", active=False), version=3)
        assert is_problem(await client.get(f"/api/v1/locticians/{JONAS}"), 404)
        seen = await client.get(f"/api/v1/locticians/{JONAS}", headers=auth_headers("staff"))
        assert seen.json()["active"] is False
