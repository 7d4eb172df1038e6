"""`loctician dead-letters`: the messages that failed for good."""

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console

from cli import dead_letter_queue
from cli.dead_letter_queue import ALL, MOST_AT_ONCE, Filter
from domain.settings.production import OperatorSettings
from shared.messaging.dead_letters import NoDeadLetterQueueError, QueueInUseError
from shared.settings import load

app = typer.Typer(no_args_is_help=True, help=__doc__)
out = Console()
T = TypeVar("T")

Service = Annotated[str, typer.Argument(help="A service or subscriber, or its queue: calendar, calendar.dead")]
MessageId = Annotated[str | None, typer.Argument(help="The message's id; without it, those that match the options")]
Type = Annotated[str | None, typer.Option(help="Only events of this type")]
Error = Annotated[str | None, typer.Option(help="Only those whose error holds this text")]
Since = Annotated[datetime | None, typer.Option(help="Only those that last failed then (UTC) or later")]
Before = Annotated[datetime | None, typer.Option(help="Only those that last failed before then (UTC)")]
All = Annotated[bool, typer.Option("--all", help="Every dead letter of the queue")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask")]


def _filter(
    id_: str | None, type_: str | None, error: str | None, since: datetime | None, before: datetime | None
) -> Filter:
    return Filter(id_, type_, error, _utc(since), _utc(before))


def _selection(wanted: Filter, everything: bool) -> Filter:
    """What to replay or discard. Everything only by name, so that a forgotten option does not mean it."""
    if everything and wanted != ALL:
        raise typer.BadParameter("--all goes with no message id and no other option")
    if not everything and wanted == ALL:
        raise typer.BadParameter("name a message, give an option that selects some, or say --all")
    return wanted


def _name(queue: str) -> str:
    """The service of a queue's name."""
    for ending in (".dead", ".events"):
        queue = queue.removesuffix(ending)
    return queue


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)


@app.command("list")
def list_dead(
    service: Service,
    limit: Annotated[int, typer.Option(min=1, max=MOST_AT_ONCE)] = 100,
    type: Type = None,  # noqa: A002 - the option's name
    error: Error = None,
    since: Since = None,
    before: Before = None,
) -> None:
    """The dead letters of a service, oldest first."""
    wanted = _filter(None, type, error, since, before)
    for letter in _run(dead_letter_queue.list_letters(load(OperatorSettings).amqp_url, _name(service), limit, wanted)):
        typer.echo(f"{letter.id}  {letter.type}")
        typer.echo(f"    {letter.attempts} attempts, first {letter.first_failed_at}, last {letter.last_failed_at}")
        typer.echo(f"    {letter.error}")


@app.command()
def show(service: Service, message_id: str) -> None:
    """One dead letter with its body."""
    letter = _run(dead_letter_queue.show(load(OperatorSettings).amqp_url, _name(service), message_id))
    if letter is None:
        raise typer.BadParameter(f"{service} has no dead letter {message_id}")
    out.print(letter)
    out.print(letter.body.decode(errors="replace"), markup=False)


@app.command()
def replay(
    service: Service,
    message_id: MessageId = None,
    type: Type = None,  # noqa: A002 - the option's name
    error: Error = None,
    since: Since = None,
    before: Before = None,
    everything: All = False,
) -> None:
    """Send dead letters to their service again."""
    wanted = _selection(_filter(message_id, type, error, since, before), everything)
    out.print(f"{_run(dead_letter_queue.replay(load(OperatorSettings).amqp_url, _name(service), wanted))} replayed")


@app.command()
def discard(
    service: Service,
    message_id: MessageId = None,
    type: Type = None,  # noqa: A002 - the option's name
    error: Error = None,
    since: Since = None,
    before: Before = None,
    everything: All = False,
    yes: Yes = False,
) -> None:
    """Delete dead letters for good."""
    wanted = _selection(_filter(message_id, type, error, since, before), everything)
    if not yes:
        typer.confirm(f"Delete {message_id or 'all matching dead letters'} of {service} for good?", abort=True)
    out.print(f"{_run(dead_letter_queue.discard(load(OperatorSettings).amqp_url, _name(service), wanted))} discarded")


def _run(work: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(work)
    except NoDeadLetterQueueError as error:
        raise typer.BadParameter(str(error)) from error
    except QueueInUseError as error:
        typer.echo(error, err=True)
        raise typer.Exit(1) from error
