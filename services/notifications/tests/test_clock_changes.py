"""Mails say the right local time on days with 23 and 25 hours, also in the hour that comes twice."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.notifications.deliveries.sender import Sender
from services.notifications.notification_types import NOTIFICATION_TYPES
from services.notifications.rendering import samples
from services.notifications.rendering.texts import render
from services.notifications.tests.conftest import AMINA_EMAIL, KIRSTEN_EMAIL, AddContact, booking
from services.notifications.tests.smtp_server import SmtpServer, html_of, text_of
from services.notifications.tests.test_invitations import event_in
from shared.testing.types import Deliver

SPRING, AUTUMN = datetime(2031, 3, 30, tzinfo=UTC), datetime(2031, 10, 26, tzinfo=UTC)  # both change at 01:00 UTC
HALF_HOUR = timedelta(minutes=30)


async def mailed(deliver: Deliver, sender: Sender, start: datetime) -> None:
    await deliver("booking.created.v1", booking(start=start), version=1)
    await sender.send_due()


@pytest.mark.usefixtures("salon")
class TestMails:
    @pytest.mark.parametrize(
        ("start", "danish", "english"),
        [
            (SPRING + HALF_HOUR, "søndag den 30. marts 2031 kl. 1.30–4.00", "Sunday 30 March 2031 at 01:30–04:00"),
            (SPRING + 8 * 2 * HALF_HOUR, "søndag den 30. marts 2031 kl. 10.00–11.30", "at 10:00–11:30"),
            (
                AUTUMN + HALF_HOUR,
                "søndag den 26. oktober 2031 kl. 2.30 (sommertid, UTC+2)–3.00",
                "Sunday 26 October 2031 at 02:30 (summer time, UTC+2)–03:00",
            ),
            (
                AUTUMN - HALF_HOUR,
                "søndag den 26. oktober 2031 kl. 1.30–2.00 (vintertid, UTC+1)",
                "Sunday 26 October 2031 at 01:30–02:00 (winter time, UTC+1)",
            ),
            (
                AUTUMN + 3 * HALF_HOUR,
                "søndag den 26. oktober 2031 kl. 2.30 (vintertid, UTC+1)–4.00",
                "Sunday 26 October 2031 at 02:30 (winter time, UTC+1)–04:00",
            ),
            (AUTUMN + 8 * 2 * HALF_HOUR, "søndag den 26. oktober 2031 kl. 9.00–10.30", "at 09:00–10:30"),
        ],
    )
    async def test_mails_say_local_time_and_in_the_repeated_hour_which_one(
        self, start: datetime, danish: str, english: str, deliver: Deliver, sender: Sender, smtp_server: SmtpServer
    ) -> None:
        await mailed(deliver, sender, start)
        [to_kirsten], [to_amina] = smtp_server.to(KIRSTEN_EMAIL), smtp_server.to(AMINA_EMAIL)
        assert danish in text_of(to_kirsten)
        assert danish in html_of(to_kirsten)
        assert english in text_of(to_amina)
        event = event_in(to_kirsten)
        assert (event.decoded("dtstart"), event.decoded("dtend")) == (start, start + timedelta(minutes=90))

    async def test_an_appointment_over_midnight_names_both_days(
        self, deliver: Deliver, sender: Sender, smtp_server: SmtpServer, add_contact: AddContact
    ) -> None:
        await mailed(deliver, sender, SPRING - 3 * HALF_HOUR)
        [mail] = smtp_server.to(KIRSTEN_EMAIL)
        assert "lørdag den 29. marts 2031 kl. 23.30–søndag den 30. marts 2031 kl. 1.00" in text_of(mail)


ABOUT_A_TIME = [
    (kind, part)
    for kind, part in samples.types_and_parts()
    if NOTIFICATION_TYPES[kind].topic in {"booking", "reminder", "waitlist"}
    and "start" in samples.delivery(kind, part, "da")["data"]
]


@pytest.mark.parametrize(("kind", "part"), ABOUT_A_TIME)
@pytest.mark.parametrize("language", ["da", "en"])
def test_every_message_distinguishes_the_two_repeated_hours(kind: str, part: Any, language: str) -> None:
    def rendered(start: datetime) -> str:
        delivery = samples.delivery(kind, part, language)
        items = [item | _times(start) for item in delivery["data"].get("items", [])[:1]]
        facts = delivery["data"] | _times(start) | {"items": items}
        texts = render(delivery | {"data": facts}, samples.NAMES, "Loctician", "https://loctician.example")
        return texts.text + texts.html + texts.subject

    assert rendered(AUTUMN + HALF_HOUR) != rendered(AUTUMN + 3 * HALF_HOUR)


@pytest.mark.parametrize(
    ("now", "held", "danish", "english"),
    [
        (SPRING - HALF_HOUR, 2, "kl. 3.30 i dag", "03:30 today"),
        (SPRING - 4 * HALF_HOUR, 1.5, "kl. 0.30 i morgen", "00:30 tomorrow"),
        (SPRING - 4 * HALF_HOUR, 24, "mandag den 31. marts 2031 kl. 0.00", "Monday 31 March 2031 at 00:00"),
        (AUTUMN - HALF_HOUR, 1, "kl. 2.30 (sommertid, UTC+2) i dag", "02:30 (summer time, UTC+2) today"),
        (AUTUMN - HALF_HOUR, 2, "kl. 2.30 (vintertid, UTC+1) i dag", "02:30 (winter time, UTC+1) today"),
        (AUTUMN - 5 * HALF_HOUR, 24.5, "kl. 23.00 i morgen", "23:00 tomorrow"),
    ],
)
def test_the_deadline_of_an_offer_is_read_by_the_clock(now: datetime, held: float, danish: str, english: str) -> None:
    for language, text in (("da", danish), ("en", english)):
        delivery = samples.delivery("waitlist_offered", "customer", language)
        facts = delivery["data"] | {"expires_at": (now + timedelta(hours=held)).isoformat()}
        texts = render(delivery | {"data": facts}, samples.NAMES, "Loctician", "https://loctician.example", now=now)
        assert text in texts.text


def _times(start: datetime) -> dict[str, str]:
    return {"start": start.isoformat(), "end": (start + timedelta(minutes=10)).isoformat()}
