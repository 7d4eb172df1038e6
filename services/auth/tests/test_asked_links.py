"""What somebody without a session asks booking for: auth makes or finds the account and has a link mailed."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from domain.messages import seal_message
from services.auth.tests.conftest import EMAIL, PASSWORD, AsOwner, OtherClient, Register, SignUp, bearer, types
from services.auth.tests.test_login_links import CODE, Mail, mails, sessions, signed_in
from shared.testing.browsers import be_browser
from shared.testing.keys import keys_for
from shared.testing.types import Deliver, Outbox

TREATMENT, LOCTICIAN = str(UUID(int=1)), str(UUID(int=2))
FACTS: dict[str, Any] = {
    "kind": "booking",
    "service_ids": [TREATMENT],
    "loctician_id": LOCTICIAN,
    "start": "2027-03-01T09:00:00Z",
    "end": "2027-03-01T10:30:00Z",
    "price_amount": 64900,
}


def request(digest: bytes, sender: str = "booking", **person: Any) -> dict[str, Any]:
    request_id = uuid4()
    asker = {"full_name": "Kirsten Ærø", "email": EMAIL, "phone": "+4520123456", "language": "en"}
    sealed = seal_message(keys_for(sender), request_id, json.dumps(asker | {"browser": digest.hex()} | person), "auth")
    expires = datetime.now(UTC) + timedelta(minutes=30)
    ids = {"version": 1, "request_id": str(request_id), "expires_at": expires.isoformat()}
    return ids | FACTS | {"sealed": sealed}


async def asked(deliver: Deliver, outbox: Outbox, client: httpx.AsyncClient, **person: Any) -> Mail:
    await deliver("booking.requested.v1", request(be_browser(client), **person))
    return (await mails(outbox, person.get("email", EMAIL)))[-1]


async def verified(outbox: Outbox) -> list[dict[str, Any]]:
    return types(await outbox(), "user.verified.v1")


class TestSomebodyNew:
    async def test_gets_an_account_and_a_mail_with_what_was_asked_for(
        self, client: httpx.AsyncClient, deliver: Deliver, outbox: Outbox, as_owner: AsOwner
    ) -> None:
        mail = await asked(deliver, outbox, client)
        wanted = {"purpose": "request", "language": "en", "full_name": "Kirsten Ærø", "request": FACTS}
        assert mail.data.items() >= wanted.items()
        (user,) = await as_owner("SELECT * FROM auth.users")
        assert (user.email, user.phone, user.email_verified, user.role) == (EMAIL, "+4520123456", False, "customer")
        assert await as_owner("SELECT * FROM auth.credentials") == []
        assert await verified(outbox) == [], "nothing is proven yet"

    async def test_is_signed_in_by_the_button_and_the_request_is_confirmed(
        self, client: httpx.AsyncClient, deliver: Deliver, outbox: Outbox
    ) -> None:
        data = request(be_browser(client))
        await deliver("booking.requested.v1", data)
        (mail,) = await mails(outbox)
        assert (await client.get(mail.page)).status_code == 200
        assert await verified(outbox) == [], "a mail scanner confirms nothing"
        assert signed_in(await client.post(mail.page))
        (event,) = await verified(outbox)
        wanted = {"request_id": data["request_id"], "reset": False, "email_verified": True, "version": 2}
        assert event.items() >= wanted.items()
        assert not signed_in(await client.post(mail.page))
        assert len(await verified(outbox)) == 1

    async def test_may_press_it_in_another_browser(
        self, client: httpx.AsyncClient, other_client: OtherClient, deliver: Deliver, outbox: Outbox
    ) -> None:
        """A phone, say: then what the first browser has set counts as a stranger's."""
        mail = await asked(deliver, outbox, client)
        phone = await other_client()
        be_browser(phone)
        assert signed_in(await phone.post(mail.page))
        (event,) = await verified(outbox)
        assert (event["reset"], event["phone"]) == (True, None)

    async def test_may_type_the_code_in_the_browser_that_asked(
        self, client: httpx.AsyncClient, deliver: Deliver, outbox: Outbox
    ) -> None:
        mail = await asked(deliver, outbox, client)
        tokens = await client.post(CODE, json={"code": mail.code})
        assert (await client.get("/api/v1/users/me", headers=bearer(tokens.json()))).json()["email"] == EMAIL
        assert (await verified(outbox))[0]["request_id"]

    async def test_two_requests_have_a_link_each(
        self, client: httpx.AsyncClient, deliver: Deliver, outbox: Outbox
    ) -> None:
        browser = be_browser(client)
        for _ in range(2):
            await deliver("booking.requested.v1", request(browser))
        for mail in await mails(outbox):
            assert signed_in(await client.post(mail.page))
        events = await verified(outbox)
        assert len({event["request_id"] for event in events}) == 2
        assert {event["version"] for event in events} == {2}


class TestKnownAddress:
    async def test_keeps_its_account_and_confirms_with_an_unchanged_version(
        self, client: httpx.AsyncClient, sign_up: SignUp, deliver: Deliver, outbox: Outbox, as_owner: AsOwner
    ) -> None:
        await sign_up(EMAIL, "customer")
        mail = await asked(deliver, outbox, client, full_name="En Helt Anden", phone="+4520999999")
        assert mail.data["full_name"] == "Ida Lindholm"
        assert signed_in(await client.post(mail.page))
        (event,) = await verified(outbox)
        assert (event["version"], event["full_name"], event["phone"], event["reset"]) == (
            1,
            "Ida Lindholm",
            None,
            False,
        )
        assert len(await as_owner("SELECT * FROM auth.credentials")) == 1

    async def test_of_a_stranger_who_registered_it_is_the_owners_after_the_button(
        self, client: httpx.AsyncClient, register: Register, other_client: OtherClient, deliver: Deliver, outbox: Outbox
    ) -> None:
        await register(verify=False)
        owner = await other_client()
        mail = await asked(deliver, outbox, owner)
        assert signed_in(await owner.post(mail.page))
        assert (await verified(outbox))[0]["reset"] is True
        stranger = await client.post("/api/v1/auth/login", json={"email": EMAIL, "password": PASSWORD})
        assert stranger.status_code == 401

    @pytest.mark.parametrize("ended", ["active = false", "email = 'gone@example.com'"])
    async def test_of_an_account_that_has_ended_confirms_nothing(
        self,
        client: httpx.AsyncClient,
        sign_up: SignUp,
        deliver: Deliver,
        outbox: Outbox,
        as_owner: AsOwner,
        ended: str,
    ) -> None:
        await sign_up(EMAIL, "customer")
        mail = await asked(deliver, outbox, client)
        await as_owner(f"UPDATE auth.users SET {ended}")
        assert not signed_in(await client.post(mail.page))
        assert await verified(outbox) == []

    async def test_gets_five_mails_an_hour(
        self, client: httpx.AsyncClient, sign_up: SignUp, deliver: Deliver, outbox: Outbox
    ) -> None:
        await sign_up(EMAIL, "customer")
        for _ in range(7):
            await deliver("booking.requested.v1", request(be_browser(client)))
        assert len(await mails(outbox)) == 5


class TestEvents:
    @pytest.mark.parametrize(
        "person",
        [
            {"email": "nonsense"},
            {"full_name": ""},
            {"full_name": "Vind en rejse på https://example.com"},
            {"browser": "x"},
            {"language": "fr"},
            {"sender": "notifications"},  # sealed by another service
        ],
    )
    async def test_what_booking_cannot_have_written_is_left_alone(
        self, client: httpx.AsyncClient, deliver: Deliver, outbox: Outbox, as_owner: AsOwner, person: dict[str, Any]
    ) -> None:
        assert await deliver("booking.requested.v1", request(be_browser(client), **person))
        assert await mails(outbox) == []
        assert await as_owner("SELECT * FROM auth.users") == []

    async def test_delivered_twice_mails_once(
        self, client: httpx.AsyncClient, deliver: Deliver, outbox: Outbox, as_owner: AsOwner
    ) -> None:
        data, event_id = request(be_browser(client)), uuid4()
        for _ in range(2):
            await deliver("booking.requested.v1", data, event_id=event_id)
        assert len(await mails(outbox)) == 1

    async def test_the_link_ends_with_the_request(
        self, client: httpx.AsyncClient, deliver: Deliver, outbox: Outbox, as_owner: AsOwner
    ) -> None:
        soon = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
        await deliver("booking.requested.v1", request(be_browser(client)) | {"expires_at": soon})
        (mail,) = await mails(outbox)
        assert not signed_in(await client.post(mail.page))
        assert await sessions(as_owner) == 0
