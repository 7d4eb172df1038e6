"""Every message in both languages, word for word. `UPDATE_SNAPSHOTS=1 pytest
services/notifications/tests/test_templates.py` updates the snapshots; read the difference."""

import os
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from jinja2 import UndefinedError
from typer.testing import CliRunner

from cli.main import app
from services.notifications.names.service import Names, Salon
from services.notifications.notification_types import NOTIFICATION_TYPES, Part
from services.notifications.rendering import samples
from services.notifications.rendering import texts as rendering
from services.notifications.rendering.texts import Texts, render, render_title

SNAPSHOTS = Path(__file__).parent / "snapshots"
APP = "https://loctician.example"
EVERY = [(kind, part, language) for kind, part in samples.types_and_parts() for language in ("da", "en")]


def rendered(kind: str, part: Part, language: str, **changes: Any) -> Texts:
    return render(
        samples.delivery(kind, part, language) | changes, samples.NAMES, "Loctician", APP, samples.links(kind, part),
        samples.NOW,
    )  # fmt: skip


def written(kind: str, part: Part, language: str) -> str:
    texts = rendered(kind, part, language)
    return "\n".join(
        [f"SUBJECT  {texts.subject}", f"SMS      {texts.sms}", "", "-- text", texts.text, "-- html", texts.html]
    )


class TestSnapshots:
    @pytest.mark.parametrize(("kind", "part", "language"), EVERY)
    def test_texts_match_their_snapshots(self, kind: str, part: Part, language: str) -> None:
        path = SNAPSHOTS / language / f"{kind}.{part}.txt"
        if os.environ.get("UPDATE_SNAPSHOTS"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(written(kind, part, language))
        assert path.read_text() == written(kind, part, language)

    def test_no_snapshot_and_no_template_is_left_over(self) -> None:
        expected = {f"{language}/{kind}.{part}" for kind, part, language in EVERY}
        kept = {str(path.relative_to(SNAPSHOTS).with_suffix("")) for path in SNAPSHOTS.glob("*/*.txt")}
        templates = {
            str(path.relative_to(rendering.FOLDER).with_suffix("")) for path in rendering.FOLDER.glob("*/*.j2")
        }
        assert kept == expected
        assert templates == expected

    @pytest.mark.parametrize(("kind", "part", "language"), EVERY)
    def test_a_short_message_fits_two_sms(self, kind: str, part: Part, language: str) -> None:
        assert len(rendered(kind, part, language).sms) <= 306


class TestMissingValues:
    @pytest.mark.parametrize(("kind", "part", "language"), EVERY)
    def test_without_a_value_a_message_is_the_same_or_not_rendered(self, kind: str, part: Part, language: str) -> None:
        whole = rendered(kind, part, language)
        data = samples.delivery(kind, part, language)["data"]
        for name in data:
            less = {key: value for key, value in data.items() if key != name}
            try:
                texts = rendered(kind, part, language, data=less)
            except (UndefinedError, LookupError):
                continue
            assert texts == whole, f"{name} was left out silently"

    @pytest.mark.parametrize("kind", ["booking_created", "verification", "waitlist_offered"])
    def test_a_message_without_data_is_not_rendered(self, kind: str) -> None:
        with pytest.raises((UndefinedError, LookupError)):
            rendered(kind, NOTIFICATION_TYPES[kind].parts[0], "da", data={})

    def test_none_counts_as_a_missing_value(self) -> None:
        with pytest.raises(UndefinedError):
            rendering.PLAIN.from_string("{{ value }}").render(value=None)


class Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[Any] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, [name for name, _ in attrs]))


HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=1>{{ 7*7 }}\r\nBcc: x@example.com"


def hostile_names() -> Names:
    texts = {"da": HOSTILE, "en": HOSTILE}
    return Names(
        {samples.RETWIST: texts},
        {samples.LOCTICIAN: HOSTILE, samples.EARLIER_LOCTICIAN: HOSTILE},
        {samples.CUSTOMER: HOSTILE},
        {samples.BROADCAST: {"title": texts, "body": texts}},
        Salon(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE),
        {samples.BOOKING: HOSTILE},
    )


class TestEscaping:
    @pytest.mark.parametrize(("kind", "part", "language"), EVERY)
    def test_no_value_becomes_markup_or_a_line_of_its_own(self, kind: str, part: Part, language: str) -> None:
        sample = samples.delivery(kind, part, language) | {"full_name": HOSTILE}
        if "token" in sample["data"]:
            sample["data"] = sample["data"] | {"token": HOSTILE}
        texts = render(sample, hostile_names(), HOSTILE, APP, samples.links(kind, part))
        harmless = rendered(kind, part, language)
        if kind not in {"broadcast", "marketing"}:  # whose body may have fewer paragraphs
            assert Tags(texts.html).tags == Tags(harmless.html).tags
            assert len(texts.text.splitlines()) == len(harmless.text.splitlines())
        assert "<script" not in texts.html
        assert "<img" not in texts.html
        assert "49" not in re.sub("649", "", texts.text)
        assert "\n" not in texts.subject + texts.sms
        assert "\r" not in texts.text

    def test_a_token_cannot_leave_the_fragment_of_its_link(self) -> None:
        data = samples.delivery("verification", "person", "da")["data"] | {"token": "a&b=c#d/../e?f g"}
        texts = rendered("verification", "person", "da", data=data)
        assert f"{APP}/account/verify-email#token=a%26b%3Dc%23d%2F..%2Fe%3Ff%20g\n" in texts.text


IN_APP = [(kind, part) for kind, part in samples.types_and_parts() if NOTIFICATION_TYPES[kind].in_app]


class TestTitles:
    @pytest.mark.parametrize(("kind", "part"), IN_APP)
    def test_every_notice_has_a_title(self, kind: str, part: Part) -> None:
        shown: dict[str, Any] = {
            "start": "2027-03-29T08:00:00Z",
            "occurred_at": "2027-03-29T08:00:00Z",
            "expires_at": "2027-03-29T08:00:00Z",
        }
        shown |= {"title": {"da": "Ferie"}, "body": {"da": "Vi holder ferie"}, "broadcast_id": str(samples.BROADCAST)}
        assert render_title(kind, part, shown, "da")


def runs(*arguments: str) -> Iterator[str]:
    result = CliRunner().invoke(app, ["mail", "preview", *arguments])
    yield str(result.exit_code)
    yield result.output


class TestPreview:
    @pytest.mark.parametrize("kind", NOTIFICATION_TYPES)
    @pytest.mark.parametrize("form", ["text", "html", "sms", "source"])
    def test_preview_shows_every_type(self, kind: str, form: str) -> None:
        code, output = runs(kind, "--form", form, "--language", "en")
        assert code == "0", output
        assert output.strip()

    def test_preview_of_something_unknown_lists_the_choices(self) -> None:
        code, output = runs("birthday")
        assert code == "2"
        assert "booking_created" in output
        code, output = runs("reminder", "--part", "loctician")
        assert code == "2"
        assert "sent to customer" in output
