"""Choices by topic and channel; messages about account and appointments cannot be switched off."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from domain.roles import Role
from services.notifications.deliveries.sender import Sender
from services.notifications.reminders.schedule import QuietHours
from services.notifications.reminders.service import ReminderWorker
from services.notifications.tests.conftest import AMINA, KIRSTEN, KIRSTEN_EMAIL, AddContact, Rows, booking
from services.notifications.tests.smtp_server import SmtpServer
from services.notifications.tests.test_reminders import LONG_AGO, at_in
from shared.database.session import Database, transaction
from shared.identity.principals import Claims
from shared.testing.types import Deliver, Headers, Outbox

Execute = Callable[..., Awaitable[None]]
PATH = "/api/v1/notifications/preferences"


@pytest.fixture
def mine(auth_headers: Headers) -> dict[str, str]:
    return auth_headers(Role.CUSTOMER, KIRSTEN)


def channels_of(answer: httpx.Response, kind: str) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    [topic] = [topic_ for topic_ in answer.json()["kinds"] if topic_["kind"] == kind]
    return dict(topic["channels"])


@pytest.mark.usefixtures("salon")
class TestChoices:
    async def test_by_default_mails_are_on_and_sms_off(self, client: httpx.AsyncClient, mine: dict[str, str]) -> None:
        answer = await client.get(PATH, headers=mine)
        body = answer.json()
        assert (body["language"], body["phone_known"], answer.headers["ETag"]) == ("da", False, '"0"')
        assert channels_of(answer, "booking") == {
            "mail": {"enabled": True, "required": True},
            "sms": {"enabled": False, "required": False},
        }
        assert channels_of(answer, "reminder")["mail"] == {"enabled": True, "required": False}
        assert channels_of(answer, "account") == {"mail": {"enabled": True, "required": True}}
        assert channels_of(answer, "service") == {"mail": {"enabled": True, "required": False}}
        assert channels_of(answer, "marketing")["sms"] == {"enabled": False, "required": False}

    async def test_those_of_a_stranger_are_removed_when_the_owner_has_proven_the_address(
        self, client: httpx.AsyncClient, mine: dict[str, str], deliver: Deliver
    ) -> None:
        body = {"kinds": {"reminder": {"mail": False}}, "language": "en"}
        assert (await client.put(PATH, headers=mine, json=body)).status_code == 200
        person = {"email": KIRSTEN_EMAIL, "full_name": "Kirsten", "phone": None, "language": "da", "role": "customer"}
        verified = {"user_id": str(KIRSTEN), **person, "email_verified": True, "active": True, "version": 2}
        await deliver("user.verified.v1", verified | {"reset": False})
        assert channels_of(await client.get(PATH, headers=mine), "reminder")["mail"]["enabled"] is False
        await deliver("user.verified.v1", verified | {"reset": True})
        answer = await client.get(PATH, headers=mine)
        assert channels_of(answer, "reminder")["mail"]["enabled"] is True
        assert (answer.json()["language"], answer.headers["ETag"]) == ("da", '"0"')

    async def test_reminders_and_marketing_can_be_switched_off(
        self, client: httpx.AsyncClient, mine: dict[str, str], outbox: Outbox
    ) -> None:
        body = {"kinds": {"reminder": {"mail": False}, "marketing": {"mail": False}}}
        answer = await client.put(PATH, headers=mine, json=body)
        assert answer.headers["ETag"] == '"1"'
        [event] = [row for row in await outbox() if row["type"] == "preferences.updated.v1"]
        assert event["data"]["switched_off"] == ["reminder", "marketing"]
        for kind in ("reminder", "marketing"):
            assert channels_of(await client.get(PATH, headers=mine), kind)["mail"]["enabled"] is False

    @pytest.mark.parametrize("kind", ["account", "booking", "waitlist"])
    async def test_required_topics_cannot_be_switched_off_and_the_error_says_why(
        self, kind: str, client: httpx.AsyncClient, mine: dict[str, str]
    ) -> None:
        answer = await client.put(PATH, headers=mine, json={"kinds": {kind: {"mail": False}}})
        assert (answer.status_code, answer.json()["code"]) == (422, "channel_required")
        assert "kan ikke slås fra" in answer.json()["detail"]
        assert (await client.get(PATH, headers=mine)).headers["ETag"] == '"0"'

    @pytest.mark.parametrize(
        "kinds",
        [
            {"birthday": {"mail": True}},
            {"reminder": {"pigeon": True}},
            {"reminder": {"inapp": False}},
            {"account": {"sms": True}},
            {"service": {"sms": True}},
        ],
    )
    async def test_unknown_topics_and_channels_cannot_be_chosen(
        self, kinds: dict[str, Any], client: httpx.AsyncClient, mine: dict[str, str], add_contact: AddContact
    ) -> None:
        await add_contact(KIRSTEN, KIRSTEN_EMAIL, "Kirsten Ærø", phone="+4520123456", version=2)
        answer = await client.put(PATH, headers=mine, json={"kinds": kinds})
        assert (answer.status_code, answer.json()["code"]) == (422, "unknown_choice")

    @pytest.mark.parametrize(
        "body", [{"kinds": {"reminder": {"mail": "perhaps"}}}, {"language": "sv"}, {"user_id": 1}, []]
    )
    async def test_malformed_choices_are_422(self, body: Any, client: httpx.AsyncClient, mine: dict[str, str]) -> None:
        assert (await client.put(PATH, headers=mine, json=body)).status_code == 422

    async def test_sms_needs_a_phone_number(
        self, client: httpx.AsyncClient, mine: dict[str, str], add_contact: AddContact
    ) -> None:
        body = {"kinds": {"reminder": {"sms": True}}}
        refused = await client.put(PATH, headers=mine, json=body)
        assert (refused.status_code, refused.json()["code"]) == (422, "phone_required")
        await add_contact(KIRSTEN, KIRSTEN_EMAIL, "Kirsten Ærø", phone="+4520123456", version=2)
        answer = await client.put(PATH, headers=mine, json=body)
        assert channels_of(answer, "reminder") == {
            "mail": {"enabled": True, "required": False},
            "sms": {"enabled": True, "required": False},
        }

    async def test_a_change_of_an_old_version_is_refused(self, client: httpx.AsyncClient, mine: dict[str, str]) -> None:
        first = {"kinds": {"reminder": {"mail": False}}}
        assert (await client.put(PATH, headers=mine | {"If-Match": '"0"'}, json=first)).status_code == 200
        assert (await client.put(PATH, headers=mine | {"If-Match": '"0"'}, json={})).status_code == 412
        assert (await client.put(PATH, headers=mine | {"If-Match": '"1"'}, json={})).status_code == 200

    async def test_preferences_need_a_token(self, client: httpx.AsyncClient) -> None:
        assert (await client.get(PATH)).status_code == 401
        assert (await client.put(PATH, json={})).status_code == 401


@pytest.mark.usefixtures("salon")
class TestEffect:
    async def test_mails_are_in_the_chosen_language(
        self, client: httpx.AsyncClient, mine: dict[str, str], deliver: Deliver, sender: Sender, smtp_server: SmtpServer
    ) -> None:
        await client.put(PATH, headers=mine, json={"language": "en"})
        await deliver("booking.created.v1", booking(), version=1)
        await sender.send_due()
        assert smtp_server.to(KIRSTEN_EMAIL)[0]["Subject"].startswith("Your appointment")

    async def test_without_a_chosen_language_mails_are_in_that_of_the_account(
        self, client: httpx.AsyncClient, mine: dict[str, str], add_contact: AddContact
    ) -> None:
        await client.put(PATH, headers=mine, json={"language": "da"})
        await add_contact(KIRSTEN, KIRSTEN_EMAIL, "Kirsten Ærø", language="en", version=2)
        assert (await client.get(PATH, headers=mine)).json()["language"] == "da"
        assert (await client.put(PATH, headers=mine, json={})).json()["language"] == "en"

    @pytest.mark.parametrize(
        ("chosen", "expected"),
        [({"mail": False}, set()), ({"mail": False, "sms": True}, {"sms"}), ({"sms": True}, {"mail", "sms"})],
    )
    async def test_reminders_use_the_chosen_channels_and_always_the_inbox(
        self,
        chosen: dict[str, bool],
        expected: set[str],
        client: httpx.AsyncClient,
        mine: dict[str, str],
        deliver: Deliver,
        add_contact: AddContact,
        database: Database,
        rows: Rows,
        execute: Execute,
    ) -> None:
        await add_contact(KIRSTEN, KIRSTEN_EMAIL, "Kirsten Ærø", phone="+4520123456", version=2)
        assert (await client.put(PATH, headers=mine, json={"kinds": {"reminder": chosen}})).status_code == 200
        await deliver("booking.created.v1", booking(start=at_in(23)), version=1)
        await execute(LONG_AGO)
        await ReminderWorker(database, (24,), QuietHours(0, 0)).remind_due()
        assert {row["channel"] for row in await rows("deliveries") if row["kind"] == "reminder"} == expected
        assert [row["kind"] for row in await rows("notices", "position") if row["user_id"] == KIRSTEN] == [
            "booking_created",
            "reminder",
        ]


@pytest.mark.usefixtures("salon")
class TestIsolation:
    async def test_the_database_shows_each_person_their_own_choices_and_contact_only(
        self, client: httpx.AsyncClient, mine: dict[str, str], database: Database
    ) -> None:
        await client.put(PATH, headers=mine, json={"language": "en"})
        for claims, expected in (
            (Claims("customer", KIRSTEN), [KIRSTEN]),
            (Claims("loctician", AMINA), []),
            (Claims("admin", UUID(int=77)), []),
        ):
            async with transaction(database, claims) as session:
                result = await session.execute(text("SELECT user_id FROM notifications.preferences"))
                assert result.scalars().all() == expected
                own = await session.execute(text("SELECT user_id FROM notifications.contacts"))
                assert set(own.scalars()) <= {claims.sub}

    async def test_nobody_can_change_another_persons_preferences(self, database: Database) -> None:
        insert = "INSERT INTO notifications.preferences (user_id, choices, version) VALUES (:user, '{}', 1)"
        with pytest.raises(ProgrammingError, match="row-level security"):
            async with transaction(database, Claims("customer", AMINA)) as session:
                await session.execute(text(insert), {"user": KIRSTEN})
