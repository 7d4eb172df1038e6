"""Operator commands of notifications."""

from enum import StrEnum
from typing import Annotated

import typer

from services.notifications.mail.compose import compose
from services.notifications.notification_types import NOTIFICATION_TYPES, Part
from services.notifications.rendering import samples
from services.notifications.rendering.texts import render

SENDER, APP_URL = "Loctician <no-reply@loctician.example>", "https://loctician.example"
KINDS = ", ".join(NOTIFICATION_TYPES)

app = typer.Typer()
mail = typer.Typer(no_args_is_help=True, help="Texts of mails and SMS")
app.add_typer(mail, name="mail")


class Language(StrEnum):
    DA = "da"
    EN = "en"


class Form(StrEnum):
    TEXT = "text"
    HTML = "html"
    SMS = "sms"
    SOURCE = "source"  # the whole mail with its invitation


@mail.command()
def preview(
    kind: Annotated[str, typer.Argument(help=f"One of {KINDS}")],
    language: Annotated[Language, typer.Option()] = Language.DA,
    part: Annotated[str | None, typer.Option(help="As what the recipient gets it, such as loctician")] = None,
    form: Annotated[Form, typer.Option()] = Form.TEXT,
) -> None:
    """Show a message with made-up names, as it would be sent."""
    if kind not in NOTIFICATION_TYPES:
        raise typer.BadParameter(f"kind must be one of {KINDS}")
    parts = NOTIFICATION_TYPES[kind].parts
    if part is not None and part not in parts:
        raise typer.BadParameter(f"{kind} is sent to {' and '.join(parts)}")
    typer.echo(_render(kind, part or parts[0], language, form))


def _render(kind: str, part: Part, language: str, form: Form) -> str:
    sample, links = samples.delivery(kind, part, language), samples.links(kind, part)
    if form is Form.SOURCE:
        message_id = "<sample@loctician.example>"
        return compose(sample, samples.NAMES, SENDER, message_id, APP_URL, links).as_string()
    texts = render(sample, samples.NAMES, "Loctician", APP_URL, links, samples.NOW)
    shown = {Form.TEXT: f"{texts.subject}\n\n{texts.text}", Form.HTML: texts.html, Form.SMS: texts.sms}
    return shown[form]
