"""Operator commands of notifications."""

from enum import StrEnum
from typing import Annotated

import typer

from services.notifications.mail.compose import compose
from services.notifications.notification_types import NOTIFICATION_TYPES, Part
from services.notifications.rendering import samples
from services.notifications.rendering.texts import words

SENDER, LINKS_TO = "Loctician <no-reply@loctician.example>", "https://loctician.example"

app = typer.Typer()
mail = typer.Typer(no_args_is_help=True, help="What people are told")
app.add_typer(mail, name="mail")


class Language(StrEnum):
    DA = "da"
    EN = "en"


class Form(StrEnum):
    TEXT = "text"
    HTML = "html"
    SMS = "sms"
    SOURCE = "source"  # the whole mail, invitation included


@mail.command()
def preview(
    kind: Annotated[str, typer.Argument(help=f"One of {', '.join(NOTIFICATION_TYPES)}")],
    language: Annotated[Language, typer.Option()] = Language.DA,
    part: Annotated[str | None, typer.Option(help="As whom it is told; by default the first it is told to")] = None,
    form: Annotated[Form, typer.Option()] = Form.TEXT,
) -> None:
    """Show a message with made-up names, as it would be sent."""
    if kind not in NOTIFICATION_TYPES:
        raise typer.BadParameter(f"kind is one of {', '.join(NOTIFICATION_TYPES)}")
    parts = NOTIFICATION_TYPES[kind].parts
    if part is not None and part not in parts:
        raise typer.BadParameter(f"{kind} is told to {' and '.join(parts)}")
    typer.echo(_shown(kind, part or parts[0], language, form))


def _shown(kind: str, part: Part, language: str, form: Form) -> str:
    sample = samples.delivery(kind, part, language)
    if form is Form.SOURCE:
        message_id = "<sample@loctician.example>"
        return compose(sample, samples.NAMES, SENDER, message_id, LINKS_TO, samples.unsubscribe_url(kind)).as_string()
    said = words(sample, samples.NAMES, "Loctician", LINKS_TO, samples.unsubscribe_url(kind))
    shown = {Form.TEXT: f"{said.subject}\n\n{said.text}", Form.HTML: said.html, Form.SMS: said.short}
    return shown[form]
