"""What a loctician is told about an imported calendar."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from domain.messages import seal_message
from domain.roles import Role
from services.notifications.deliveries.sender import Sender
from services.notifications.tests.conftest import AMINA, AMINA_EMAIL, Rows
from services.notifications.tests.smtp_server import SmtpServer, html_of, text_of
from shared.testing.keys import keys_for
from shared.testing.types import Deliver, Headers

FAILING = {"first_failed_at": "2027-03-01T09:00:00Z", "problem": "address_unreachable", "http_status": 404}


def imported(**facts: Any) -> dict[str, Any]:
    """The name travels sealed."""
    import_id = uuid4()
    ids = {"version": 2, "import_id": str(import_id), "loctician_id": str(AMINA)}
    return {
        **ids,
        "name": seal_message(keys_for("calendar"), import_id, "Choir"),
        "host": "calendar.example.com",
        **facts,
    }


@pytest.mark.usefixtures("salon")
class TestImports:
    async def test_an_outage_is_told_by_mail_and_in_the_app(
        self,
        deliver: Deliver,
        sender: Sender,
        smtp_server: SmtpServer,
        client: httpx.AsyncClient,
        auth_headers: Headers,
    ) -> None:
        await deliver("calendar.import_failing.v1", imported(**FAILING))
        await sender.send_due()
        [mail] = smtp_server.to(AMINA_EMAIL)
        assert mail["Subject"] == "We cannot fetch your calendar"
        assert "We have not been able to fetch the calendar “Choir” since Monday 1 March 2027 at 10:00." in text_of(
            mail
        )
        assert "The address answers with HTTP status 404" in text_of(mail)
        headers = auth_headers(Role.LOCTICIAN, AMINA)
        [notice] = (await client.get("/api/v1/notifications", headers=headers)).json()["items"]
        assert (notice["kind"], notice["data"]["problem"]) == ("import_failing", "address_unreachable")

    @pytest.mark.parametrize(
        ("facts", "words"),
        [
            ({"name": None}, "the calendar from calendar.example.com"),
            ({"name": None, "host": None}, "the imported calendar file"),
            ({"http_status": None}, "The address does not answer."),
            ({"http_status": None, "problem": "not_a_calendar"}, "What the address returns is not a calendar."),
            ({"http_status": None, "problem": "new_code"}, "The address does not answer."),
        ],
    )
    async def test_the_mail_says_which_calendar_and_why(
        self, facts: dict[str, Any], words: str, deliver: Deliver, sender: Sender, smtp_server: SmtpServer
    ) -> None:
        await deliver("calendar.import_failing.v1", imported(**FAILING | facts))
        await sender.send_due()
        assert words in text_of(smtp_server.to(AMINA_EMAIL)[0])

    async def test_what_was_not_understood_is_listed(
        self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer
    ) -> None:
        problems = [{"code": "no_start", "count": 2}, {"code": "new_code", "count": 1}]
        await deliver("calendar.import_incomplete.v1", imported(name="<b>Choir</b>", problems=problems))
        await sender.send_due()
        [mail] = smtp_server.to(AMINA_EMAIL)
        assert "- Events without a time that we can read: 2. They block nothing." in text_of(mail)
        assert "- Other things that we do not understand: 1." in text_of(mail)
        assert "<b>Choir" not in html_of(mail)

    async def test_the_end_of_an_outage_is_told_in_the_app_only(
        self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer, rows: Rows
    ) -> None:
        await deliver("calendar.import_recovered.v1", imported())
        await sender.send_due()
        assert smtp_server.to(AMINA_EMAIL) == []
        assert [notice["kind"] for notice in await rows("notices", "position")] == ["import_recovered"]
