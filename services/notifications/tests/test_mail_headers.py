"""Names and subjects arrive as they were written: folded by RFC 5322, 2.2.3, in the encoded words of RFC 2047."""

from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8, Policy, compat32, default
from email.utils import parseaddr
from typing import Any

import pytest

from services.notifications.mail.compose import compose
from services.notifications.notification_types import Part
from services.notifications.rendering import samples

EVERY = [(kind, part, language) for kind, part in samples.types_and_parts() for language in ("da", "en")]
WORDS = ["Maximilian", "Østergaard-Kristoffersen", "Anna", "Åse", "von", "der", "Kjær", "Freja", "Sørensen", "Smith"]
ADDRESS = "a-rather-long-address-of-somebody@loctician.example"


def composed(sample: dict[str, Any], name: str) -> EmailMessage:
    sample = sample | {"full_name": name, "email": ADDRESS}
    return compose(sample, samples.NAMES, f"{name} <{ADDRESS}>", "<1@loctician.example>", samples.APP_URL)


def read(source: bytes, field: str) -> str:
    """The field as mail programs read it. Python's own reader of names keeps spaces between encoded words."""
    written = str(message_from_bytes(source, policy=compat32)[field])
    head = source.replace(b"\r\n", b"\n").split(b"\n\n")[0].splitlines()
    assert max(len(line) for line in head if not line.startswith(b"List-Unsubscribe")) <= 78
    return str(make_header(decode_header(written.replace("\r", "").replace("\n", ""))))


@pytest.mark.parametrize("policy", [default, SMTP, SMTPUTF8])
@pytest.mark.parametrize("count", range(len(WORDS) + 1))
def test_no_space_of_a_name_is_lost_or_doubled(count: int, policy: Policy) -> None:
    name = " ".join(WORDS[:count])
    source = composed(samples.delivery("reminder", "customer", "da"), name).as_bytes(policy=policy)
    for field in ("To", "From"):
        assert parseaddr(read(source, field)) == (name, ADDRESS)


@pytest.mark.parametrize(("kind", "part", "language"), EVERY)
def test_no_space_of_a_subject_is_lost_or_doubled(kind: str, part: Part, language: str) -> None:
    mail = composed(samples.delivery(kind, part, language), "Freja Nørgaard")
    assert read(mail.as_bytes(), "Subject") == mail["Subject"]
