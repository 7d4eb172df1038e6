"""SMS through GatewayAPI and Twilio, as each documents its API."""

import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest

from domain.roles import Role
from services.notifications.deliveries import queue as deliveries
from services.notifications.deliveries.sender import Sender
from services.notifications.dispatch.channels import channels
from services.notifications.reminders.schedule import QuietHours
from services.notifications.reminders.service import ReminderWorker
from services.notifications.settings import NotificationsSettings
from services.notifications.sms import channel as sms
from services.notifications.tests.conftest import KIRSTEN, KIRSTEN_EMAIL, AddContact, Rows, booking
from services.notifications.tests.sms_provider import ACCOUNT, SECRET, TOKEN, UNKNOWN, SmsProvider, running_sms_provider
from services.notifications.tests.test_reminders import LONG_AGO, at_in
from shared.database.session import Database
from shared.settings import Settings
from shared.testing.types import Deliver, Headers

Execute = Callable[..., Awaitable[None]]
KEYS = {"gatewayapi": TOKEN, "twilio": f"{ACCOUNT}:{SECRET}"}
NewSms = Callable[..., Sender]


@pytest.fixture
def provider() -> Iterator[SmsProvider]:
    with running_sms_provider() as server:
        yield server


@pytest.fixture(params=sorted(KEYS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def new_sms(database: Database, settings: Settings, provider: SmsProvider, name: str) -> NewSms:
    """A sender of SMS as the settings make it."""

    def make(**changes: str) -> Sender:
        values = {"sms_provider": name, "sms_api_key": KEYS[name], "sms_url": provider.url, "sms_from": "Salonen"}
        changed = NotificationsSettings.model_validate(settings.model_dump() | values | changes)
        return Sender(database, channels()["sms"], channels()["sms"].transport(changed))

    return make


@pytest.fixture
async def reminder(
    client: httpx.AsyncClient,
    auth_headers: Headers,
    add_contact: AddContact,
    deliver: Deliver,
    database: Database,
    execute: Execute,
    salon: None,
) -> Callable[..., Awaitable[None]]:
    """A reminder that waits to be sent to Kirsten's phone alone."""

    async def wait(phone: str = "+4520123456") -> None:
        await add_contact(KIRSTEN, KIRSTEN_EMAIL, "Kirsten Ærø", phone=phone, version=2)
        choice = {"kinds": {"reminder": {"mail": False, "sms": True}}}
        headers = auth_headers(Role.CUSTOMER, KIRSTEN)
        answer = await client.put("/api/v1/notifications/preferences", headers=headers, json=choice)
        assert answer.status_code == 200
        await deliver("booking.created.v1", booking(start=at_in(23)), version=1)
        await execute(LONG_AGO)
        await ReminderWorker(database, (24,), QuietHours(0, 0)).remind_due()

    return wait


async def outcome(rows: Rows) -> dict[str, Any]:
    [row] = [row for row in await rows("deliveries") if row["channel"] == "sms"]
    return row


class TestSending:
    async def test_a_reminder_reaches_the_phone_once(
        self, reminder: Callable[..., Awaitable[None]], new_sms: NewSms, provider: SmsProvider, rows: Rows
    ) -> None:
        await reminder()
        assert await new_sms().send_due() == 1
        assert await new_sms().send_due() == 0
        [text] = provider.texts
        assert (text["to"], text["from"]) == ("+4520123456", "Salonen")
        assert text["text"].startswith("Husk din tid ")
        assert re.fullmatch(r"Husk din tid .*\. Loctician http://\S+/bookings/\S+\?token=\S+", text["text"])
        row = await outcome(rows)
        assert row["status"] == "sent"
        assert row["message_id"] in {"msg-1", "SM1"}

    async def test_a_number_without_a_country_code_is_danish(
        self, reminder: Callable[..., Awaitable[None]], new_sms: NewSms, provider: SmsProvider
    ) -> None:
        await reminder("20 12 34 56")
        await new_sms().send_due()
        assert provider.texts[0]["to"] == "+4520123456"

    @pytest.mark.parametrize(
        ("phone", "error"), [(UNKNOWN, "sms_400"), ("12", "number_invalid"), ("x", "number_invalid")]
    )
    async def test_an_invalid_number_fails_permanently(
        self,
        phone: str,
        error: str,
        reminder: Callable[..., Awaitable[None]],
        new_sms: NewSms,
        provider: SmsProvider,
        rows: Rows,
    ) -> None:
        await reminder(phone)
        await new_sms().send_due()
        row = await outcome(rows)
        assert (row["status"], row["error"]) == ("failed", error)
        assert provider.texts == []

    @pytest.mark.parametrize("status", [429, 500, 503, 401, 403])
    async def test_temporary_errors_and_errors_of_our_account_are_retried(
        self,
        status: int,
        reminder: Callable[..., Awaitable[None]],
        new_sms: NewSms,
        provider: SmsProvider,
        rows: Rows,
        execute: Execute,
    ) -> None:
        await reminder()
        provider.refuse_with = status
        await new_sms().send_due()
        row = await outcome(rows)
        assert (row["status"], row["error"]) == ("queued", f"sms_{status}")
        provider.refuse_with = None
        await execute("UPDATE notifications.deliveries SET due_at = now() WHERE status = 'queued'")
        await new_sms().send_due()
        assert (await outcome(rows))["status"] == "sent"

    async def test_an_unreachable_or_silent_provider_is_retried(
        self,
        reminder: Callable[..., Awaitable[None]],
        new_sms: NewSms,
        provider: SmsProvider,
        rows: Rows,
        execute: Execute,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        await reminder()
        await new_sms(sms_url="http://127.0.0.1:1").send_due()
        assert (await outcome(rows))["error"] == "sms_unreachable"
        monkeypatch.setattr(sms, "TIMEOUT", 0.2)
        provider.hang = 5
        await execute("UPDATE notifications.deliveries SET due_at = now() WHERE status = 'queued'")
        await new_sms().send_due()
        row = await outcome(rows)
        assert (row["status"], row["error"], row["attempts"]) == ("queued", "sms_unreachable", 2)

    async def test_an_unreadable_success_counts_as_sent(
        self, reminder: Callable[..., Awaitable[None]], new_sms: NewSms, provider: SmsProvider, rows: Rows
    ) -> None:
        await reminder()
        provider.garbage = True
        await new_sms().send_due()
        assert (await outcome(rows))["status"] == "sent"

    async def test_keys_are_not_in_the_representation(self, new_sms: NewSms, name: str) -> None:
        assert KEYS[name].rpartition(":")[2] not in repr(vars(new_sms()))


AGAIN = "UPDATE notifications.deliveries SET due_at = now(), lease_until = lease_until - interval '1 hour'"


@pytest.mark.parametrize("name", ["twilio"], indirect=True)
class TestTwilioRetries:
    """It knows no reference of ours, so what it has taken is looked for before it is asked again."""

    @pytest.fixture(autouse=True)
    async def written(self, reminder: Callable[..., Awaitable[None]]) -> None:
        await reminder()

    async def test_a_crash_between_sending_and_recording_sends_no_second_text(
        self,
        new_sms: NewSms,
        provider: SmsProvider,
        rows: Rows,
        execute: Execute,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        with monkeypatch.context() as crash:
            crash.setattr(deliveries, "settle", None)
            with pytest.raises(TypeError):
                await new_sms().send_due()
        assert ((await outcome(rows))["status"], len(provider.texts)) == ("sending", 1)
        await execute(AGAIN)
        assert await new_sms().send_due() == 1
        row = await outcome(rows)
        assert (row["status"], row["message_id"], row["attempts"]) == ("sent", "SM1", 2)
        assert (len(provider.texts), provider.looked_for) == (1, ["+4520123456"])

    async def test_a_lost_answer_sends_no_second_text(
        self, new_sms: NewSms, provider: SmsProvider, rows: Rows, execute: Execute
    ) -> None:
        provider.hang_up = True
        await new_sms().send_due()
        assert (await outcome(rows))["error"] == "sms_unreachable"
        await execute(AGAIN)
        await new_sms().send_due()
        assert ((await outcome(rows))["message_id"], len(provider.texts)) == ("SM1", 1)

    @pytest.mark.parametrize(
        "other",
        [
            {"body": "Noget andet"},
            {"to": "+4520999999"},
            {"date_created": "Mon, 02 Mar 2026 09:00:00 +0000"},
            {"status": "undelivered"},
        ],
        ids=["other words", "another number", "from before the first attempt", "a message that never arrived"],
    )
    async def test_another_message_is_not_mistaken_for_the_earlier_attempt(
        self, other: dict[str, str], new_sms: NewSms, provider: SmsProvider, rows: Rows, execute: Execute
    ) -> None:
        provider.hang_up = True
        await new_sms().send_due()
        provider.texts[0] |= other
        provider.hang_up = False
        await execute(AGAIN)
        await new_sms().send_due()
        assert ((await outcome(rows))["message_id"], len(provider.texts)) == ("SM2", 2)

    async def test_nothing_is_sent_while_the_list_cannot_be_read(
        self, new_sms: NewSms, provider: SmsProvider, rows: Rows, execute: Execute
    ) -> None:
        provider.hang_up = True
        await new_sms().send_due()
        provider.refuse_with = 400
        await execute(AGAIN)
        await new_sms().send_due()
        row = await outcome(rows)
        assert (row["status"], row["error"], len(provider.texts)) == ("queued", "sms_400", 1)

    async def test_an_sms_that_staff_send_again_is_a_new_one(
        self,
        client: httpx.AsyncClient,
        auth_headers: Headers,
        new_sms: NewSms,
        provider: SmsProvider,
        rows: Rows,
        execute: Execute,
    ) -> None:
        await new_sms().send_due()
        provider.texts[0]["date_created"] = "Mon, 02 Mar 2026 09:00:00 +0000"  # some days have passed
        path = f"/api/v1/notifications/deliveries/{(await outcome(rows))['id']}/resend"
        assert (await client.post(path, headers=auth_headers(Role.STAFF))).status_code == 202
        provider.refuse_with = 503
        await new_sms().send_due()
        provider.refuse_with = None
        await execute(AGAIN)
        await new_sms().send_due()
        assert ((await outcome(rows))["message_id"], len(provider.texts)) == ("SM2", 2)


async def test_without_a_provider_an_sms_fails_and_mails_are_sent(
    database: Database, rows: Rows, reminder: Callable[..., Awaitable[None]]
) -> None:
    await reminder()
    await Sender(database, channels()["sms"], None).send_due()
    row = await outcome(rows)
    assert (row["status"], row["error"]) == ("failed", "channel_off")


async def test_somebody_without_a_number_any_more_gets_no_sms(
    database: Database,
    rows: Rows,
    add_contact: AddContact,
    reminder: Callable[..., Awaitable[None]],
    provider: SmsProvider,
) -> None:
    await reminder()
    await add_contact(KIRSTEN, KIRSTEN_EMAIL, "Kirsten Ærø", phone=None, version=3)
    await Sender(database, channels()["sms"], None).send_due()
    assert (await outcome(rows))["error"] == "no_phone"
