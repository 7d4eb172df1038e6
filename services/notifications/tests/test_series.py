"""The dates of a series that are booked or cancelled together are one mail."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from icalendar import Calendar

from services.notifications.deliveries.sender import Sender
from services.notifications.tests.conftest import AMINA_EMAIL, KIRSTEN_EMAIL, START, Rows, booking
from services.notifications.tests.smtp_server import SmtpServer, text_of
from shared.testing.types import Deliver

Execute = Callable[..., Awaitable[None]]
SERIES = uuid4()
DUE = "UPDATE notifications.deliveries SET due_at = now()"


def date(week: int, booking_id: UUID | None = None, **changes: Any) -> dict[str, Any]:
    return booking(booking_id, start=START + timedelta(weeks=week), series_id=str(SERIES), **changes)


@pytest.mark.usefixtures("salon")
class TestSeries:
    async def test_booked_together_is_one_mail_with_an_entry_for_each_date(
        self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer, execute: Execute, rows: Rows
    ) -> None:
        for week in range(3):
            await deliver("booking.created.v1", date(week), version=1)
        assert await sender.send_due() == 0, "it waits for further dates"
        await execute(DUE)
        assert await sender.send_due() == 2
        [mail], [to_loctician] = smtp_server.to(KIRSTEN_EMAIL), smtp_server.to(AMINA_EMAIL)
        assert mail["Subject"] == "Dine 3 tider fra mandag den 3. marts 2031 kl. 10.00 er booket"
        assert to_loctician["Subject"] == "New series: 3 appointments from Monday 3 March 2031 at 10:00"
        text = text_of(mail)
        for expected in ("3. marts", "10. marts", "17. marts", "Pris i alt: 1.947 kr."):
            assert expected in text
        assert text.count("/bookings/") == 3
        files = [part for part in mail.walk() if part.get_content_type() == "application/ics"]
        events: list[Any] = [Calendar.from_ical(part.get_content()).walk("VEVENT")[0] for part in files]
        assert len({str(event["UID"]) for event in events}) == 3
        assert [event["DTSTART"].dt - events[0]["DTSTART"].dt for event in events][1] == timedelta(weeks=1)
        assert {delivery["kind"] for delivery in await rows("deliveries")} == {"series_created"}
        assert len(await rows("notices")) == 6, "in the app each date has its notice"

    async def test_of_which_one_date_was_free_is_an_ordinary_mail(
        self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer, execute: Execute
    ) -> None:
        await deliver("booking.created.v1", date(0), version=1)
        await execute(DUE)
        await sender.send_due()
        [mail] = smtp_server.to(KIRSTEN_EMAIL)
        assert mail["Subject"] == "Din tid mandag den 3. marts 2031 kl. 10.00 er booket"

    async def test_cancelled_together_is_one_mail(
        self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer, execute: Execute
    ) -> None:
        ids = [uuid4() for _ in range(3)]
        for week, id_ in enumerate(ids):
            await deliver("booking.created.v1", date(week, id_), version=1)
        await execute(DUE)
        await sender.send_due()
        for week, id_ in list(enumerate(ids))[1:]:
            cancelled = date(week, id_, status="cancelled", reason="by_customer")
            await deliver("booking.cancelled.v1", cancelled, version=2)
        await execute(DUE)
        await sender.send_due()
        [_, mail] = smtp_server.to(KIRSTEN_EMAIL)
        assert mail["Subject"] == "2 af dine tider fra mandag den 10. marts 2031 kl. 10.00 er aflyst"
        assert "Du har meldt afbud" in text_of(mail)

    async def test_dates_that_come_after_the_mail_get_another(
        self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer, execute: Execute
    ) -> None:
        for week in range(3):
            await deliver("booking.created.v1", date(week), version=1)
            await execute(DUE)
            await sender.send_due()
        assert len(smtp_server.to(KIRSTEN_EMAIL)) == 3
