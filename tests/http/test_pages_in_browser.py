"""The pages behind links in mails in a browser 375 pixels wide: nothing is cut off, nothing is too small to touch."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gateway.tests.browser import needs_chromium, opened
from services.auth.account_pages import pages as account_pages
from services.booking.booking_pages import texts as booking_texts
from services.booking.offer_pages import texts as offer_texts
from services.booking.pages import layout
from services.notifications.unsubscribe import page as unsubscribe

WHEN = {"da": "onsdag den 30. september 2026 kl. 10.00–11.30", "en": "Wednesday 30 September 2026 at 10:00–11:30"}
ITEM = {"treatment": "Reparation af løse lokker", "loctician": "Amina"}
SALON = {"name": "Rodfæstet", "address": "Eksempelgade 12, 2200 København N", "phone": "12 34 56 78"}
SMALL = """
    [...document.querySelectorAll('a, button, select, input:not([type=hidden])')]
    .filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 44).map(e => e.outerHTML)
"""


def booking_page(language: str) -> str:
    words = booking_texts.WORDS[language]
    times = [{"value": "x", "text": "10.00"}]
    return text_of(
        "booking_page.html", language, words, message="x", failed=False, is_open=True, movable=True, id="x", token="x",
        booking={"status": "confirmed", "reason": None, "price": "649 kr.",
            "items": [ITEM | {"time": WHEN[language]}] * 2},
        salon=SALON | {"confirm_by_hand": True}, days=[{"day": WHEN[language], "times": times}], window=words["window"],
        version=1, later="2026-10-14", earlier="2026-09-30",
    )  # fmt: skip


def offer_page(language: str, *, is_open: bool) -> str:
    words = offer_texts.WORDS[language]
    title, text = words["states"]["open"]
    return text_of(
        "offer_page.html", language, words | {"title": title, "text": text}, is_open=is_open, by_hand=True, address="x",
        offer={"items": [ITEM, ITEM], "when": WHEN[language], "price": "649 kr."}, refusal="x", query="",
        booking_path=None if is_open else "/x",
    )  # fmt: skip


def text_of(template: str, language: str, words: Any, **values: Any) -> str:
    return bytes(layout.page(template, language, words, **values).body).decode()


def pages() -> Iterator[tuple[str, str]]:
    for language in ("da", "en"):
        yield f"booking-{language}", booking_page(language)
        for is_open in (True, False):
            yield f"offer-{language}-{is_open}", offer_page(language, is_open=is_open)
            yield f"unsubscribe-{language}-{is_open}", unsubscribe.render_page("service", language, done=not is_open)
        for name in account_pages.PAGES:
            yield f"{name}-{language}", account_pages.render(name, language)


@needs_chromium
async def test_fit_a_phone_and_can_be_touched(tmp_path: Path) -> None:
    rendered = dict(pages())
    for name, text in rendered.items():
        (tmp_path / f"{name}.html").write_text(text)
    async with opened("about:blank", tmp_path / "profile") as page:
        metrics = {"width": 375, "height": 667, "deviceScaleFactor": 1, "mobile": True}
        await page.command("Emulation.setDeviceMetricsOverride", **metrics)
        for name in rendered:
            await page.open((tmp_path / f"{name}.html").as_uri())
            await page.wait_for(f"document.readyState === 'complete' && location.pathname.endsWith('/{name}.html')")
            assert await page.evaluate("document.documentElement.scrollWidth") == 375, name
            assert await page.evaluate(SMALL) == [], name
            assert await page.evaluate("document.documentElement.lang + document.title"), name
