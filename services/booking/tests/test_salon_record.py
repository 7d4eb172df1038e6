"""The salon's record: who reads and writes it, what it may hold, and where it is shown."""

from datetime import date
from typing import Any

import httpx
import pytest

from services.booking import demo
from services.booking.republish import read_salon
from services.booking.salon.events import SalonUpdated
from services.booking.tests.conftest import SignIn, code, set_rules
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.types import Outbox

RECORD: dict[str, Any] = demo.SALON
EMPTY: dict[str, Any] = {
    "name": "", "legal_name": "", "cvr_number": "", "address": "", "phone": "", "email": "", "website_url": None,
    "map_url": None, "opening_hours": {"da": "", "en": ""}, "cancellation_rule": {"da": "", "en": ""},
    "colours": None, "logo": None, "pictures": [], "version": 0,
}  # fmt: skip


class TestRecord:
    async def test_is_public_and_written_by_staff(
        self, client: httpx.AsyncClient, sign_in: SignIn, salon: date, outbox: Outbox
    ) -> None:
        assert (await client.get("/api/v1/salon")).json() == EMPTY
        for role in ("customer", "loctician"):
            assert code(await sign_in(role).put("/salon", RECORD, 0)) == (403, "forbidden")
        assert (await client.put("/api/v1/salon", json=RECORD)).status_code == 401
        answer = await sign_in("staff").put("/salon", RECORD, 0)
        assert answer.json() == RECORD | {
            "website_url": "https://rodfaestet.example/",
            "logo": None,
            "pictures": [],
            "version": 1,
        }
        assert (await client.get("/api/v1/salon")).json() == answer.json()
        (event,) = await outbox()
        assert SalonUpdated.model_validate(event["data"]).model_dump() == {"subject_name": "salon"} | {
            name: value for name, value in answer.json().items() if name not in ("logo", "pictures")
        }

    async def test_needs_the_current_version_to_change(self, sign_in: SignIn, salon: date) -> None:
        staff = sign_in("admin")
        assert code(await staff.put("/salon", RECORD)) == (428, "precondition_required")
        assert (await staff.put("/salon", RECORD, 0)).status_code == 200
        assert code(await staff.put("/salon", RECORD, 0)) == (412, "stale_version")
        shown = await staff.get("/salon")
        assert (await staff.send("PUT", "/salon", shown.json(), If_Match=shown.headers["etag"])).status_code == 200

    async def test_what_is_left_out_becomes_empty(self, sign_in: SignIn, salon: date) -> None:
        staff = sign_in("staff")
        await staff.put("/salon", RECORD, 0)
        assert (await staff.put("/salon", {"name": "Rod"}, 1)).json() == EMPTY | {"name": "Rod", "version": 2}

    async def test_can_be_kept_for_a_minute_and_unchanged_it_is_304(
        self, client: httpx.AsyncClient, sign_in: SignIn, salon: date
    ) -> None:
        first = await client.get("/api/v1/salon")
        assert first.headers["cache-control"] == "public, max-age=60"
        known = {"If-None-Match": first.headers["etag"]}
        assert (await client.get("/api/v1/salon", headers=known)).status_code == 304
        staff = sign_in("staff")
        await staff.put("/salon", RECORD, 0)
        assert (await client.get("/api/v1/salon", headers=known)).status_code == 200
        assert (await staff.get("/salon")).headers["cache-control"] == "private, no-cache"

    async def test_changing_the_rules_leaves_it_alone(
        self, client: httpx.AsyncClient, sign_in: SignIn, salon: date
    ) -> None:
        await sign_in("staff").put("/salon", RECORD, 0)
        await set_rules(sign_in, horizon_days=90)
        assert (await client.get("/api/v1/salon")).json()["name"] == "Rodfæstet"

    async def test_is_published_again_with_the_rules(self, database: Database, sign_in: SignIn, salon: date) -> None:
        await sign_in("staff").put("/salon", RECORD, 0)
        await set_rules(sign_in, horizon_days=90)
        async with transaction(database, SERVICE_CLAIMS) as session:
            ((_, events),) = await read_salon(session, None, 10, None)
        assert [event.type_ for event in events] == ["salon.changed.v1", "salon.updated.v1"]


class TestInput:
    @pytest.mark.parametrize("number", ["12345674", "12 34 56 74", "24256790", "61056416"])
    async def test_a_cvr_number_is_stored_as_eight_digits(self, sign_in: SignIn, salon: date, number: str) -> None:
        answer = await sign_in("staff").put("/salon", RECORD | {"cvr_number": number}, 0)
        assert answer.json()["cvr_number"] == number.replace(" ", "")

    @pytest.mark.parametrize(
        "number",
        ["12345678", "12345675", "21345674", "1234567", "123456740", "02345674", "DK12345674", "\u0661\u0662345674"],
    )
    async def test_one_whose_digits_cannot_be_right_is_refused(self, sign_in: SignIn, salon: date, number: str) -> None:
        answer = await sign_in("staff").put("/salon", RECORD | {"cvr_number": number}, 0)
        assert code(answer) == (422, "invalid_input")
        (error,) = answer.json()["errors"]
        assert (error["pointer"], error["code"]) == ("/body/cvr_number", "cvr_number")

    @pytest.mark.parametrize(
        "wrong",
        [
            {"name": ""}, {"name": "x" * 101}, {"address": "Gade 1\nAndet"}, {"phone": "ring"}, {"phone": None},
            {"email": "hej"}, {"website_url": "http://rodfaestet.example"}, {"map_url": "javascript:alert(1)"},
            {"website_url": "https://a:b@rodfaestet.example"}, {"opening_hours": {"da": "x"}},
            {"opening_hours": {"da": "x" * 1001, "en": ""}}, {"cancellation_rule": "x"},
            {"colours": {"paper": "#fff", "ink": "#000000", "accent": "#000000"}},
            {"colours": {"paper": "red;}", "ink": "#000000", "accent": "#000000"}}, {"colours": {}},
            {"unknown": 1},
        ],
    )  # fmt: skip
    async def test_has_limits(
        self, client: httpx.AsyncClient, sign_in: SignIn, salon: date, wrong: dict[str, Any]
    ) -> None:
        assert code(await sign_in("staff").put("/salon", RECORD | wrong, 0)) == (422, "invalid_input")
        assert (await client.get("/api/v1/salon")).json()["version"] == 0
