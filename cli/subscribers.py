"""`loctician subscribers`: programs of others that receive events (docs/events.md).

Each has a login of its own that can do nothing but read its queue `<name>.events` and the dead letters of that queue.
Both queues are bounded, so that a subscriber that stops costs nobody else anything.
"""

import fnmatch
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any
from urllib.parse import quote

import httpx
import typer
from rich.console import Console

from cli.contracts.generator import published
from cli.services import SERVICES
from domain.settings.production import OperatorSettings
from keys.logins import vhost_of
from shared.messaging.topology import EVENTS, dead_queue, events_queue
from shared.settings import load

app = typer.Typer(no_args_is_help=True, help=__doc__)
out = Console()

NAME = re.compile(r"[a-z][a-z0-9-]{1,38}[a-z0-9]")
RESERVED = {*SERVICES, "gateway", "guest", "loctician", "admin", "monitoring"}
TAG = "loctician-subscriber"
SECRET_FIELDS = frozenset({"token", "sealed"})  # events with one of these are for the services alone
DAY = 24 * 60 * 60 * 1000  # milliseconds
MOST_MESSAGES, MOST_BYTES, KEPT = 100_000, 256 * 1024 * 1024, 14 * DAY
MOST_DEAD, DEAD_KEPT = 10_000, 30 * DAY
MOST_DELIVERIES = 20
LIMITS = {"max-connections": 10, "max-channels": 50}
TIMEOUT = 10.0
NOT_CONFIGURED = "AMQP_MANAGEMENT_URL is not set: the broker's management API adds logins (.env.example)"

Name = Annotated[str, typer.Argument(help="Letters, digits and hyphens; also the login")]


@app.command()
def add(
    name: Name,
    types: Annotated[
        list[str],
        typer.Option("--type", help="Event types, or patterns of them: booking.*; can be given several times"),
    ],
    limit: Annotated[
        int, typer.Option(min=1, max=10_000_000, help="Events that may wait; beyond that the oldest are dead letters")
    ] = MOST_MESSAGES,
    new_password: Annotated[bool, typer.Option("--new-password", help="Of a subscriber that was added before")] = False,
) -> None:
    """Add a subscriber: a login, and a queue that receives events of these types from now on.

    Prints the password once. Repeat it with other types to change what the queue receives.
    """
    chosen = matching_types(types)
    _check_name(name)
    with _Management() as management:
        is_new = management.user(name) is None
        password = secrets.token_urlsafe(24) if is_new or new_password else None
        management.declare_queues(name, limit)
        management.bind(name, chosen)
        if password:
            management.put_user(name, password)
    out.print(f"queue: {events_queue(name)}, receives {len(chosen)} types", highlight=False)
    for type_ in chosen:
        out.print(f"  {type_}", highlight=False)
    out.print(f"vhost: {management.vhost}", highlight=False)
    out.print(f"login: {name}", highlight=False)
    if password:
        out.print(f"password: {password}", highlight=False, markup=False, soft_wrap=True)


@app.command()
def remove(name: Name, yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False) -> None:
    """Remove a subscriber's login, and its queues with all that waits in them. Its connections are closed."""
    with _Management() as management:
        if management.user(name) is None:
            raise typer.BadParameter(f"there is no subscriber {name}")
        if not yes:
            typer.confirm(f"Remove {name} with its queues?", abort=True)
        management.remove(name)
    out.print(f"{name}: removed", highlight=False)


@app.command("list")
def list_subscribers() -> None:
    """The subscribers: what waits for each, its dead letters and consumers, and the types that it receives."""
    with _Management() as management:
        for name in management.names():
            waiting, consumers = management.depth(events_queue(name))
            dead, _ = management.depth(dead_queue(name))
            out.print(f"{name}: {waiting} waiting, {dead} dead, {consumers} consumers", highlight=False)
            for type_ in management.bound(name):
                out.print(f"  {type_}", highlight=False)


def bound_types(name: str) -> list[str]:
    """The types that a subscriber's queue receives."""
    with _Management() as management:
        if management.user(name) is None:
            raise typer.BadParameter(f"there is no service or subscriber {name}", param_hint="--to")
        return management.bound(name)


def matching_types(patterns: Sequence[str]) -> list[str]:
    """The published types that match any of the patterns, without those of events that hold a secret."""
    public = {event.type_ for event in published(SERVICES) if not SECRET_FIELDS & event.model_fields.keys()}
    for pattern in patterns:
        if not fnmatch.filter(public, pattern):
            raise typer.BadParameter(f"no event that others may receive is called {pattern}", param_hint="--type")
    return sorted({type_ for pattern in patterns for type_ in fnmatch.filter(public, pattern)})


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name) or name in RESERVED:
        raise typer.BadParameter("3 to 40 letters, digits and hyphens, and not the name of one of the platform's parts")


class _Management:
    """RabbitMQ's management API, for the vhost in AMQP_URL."""

    def __init__(self) -> None:
        settings = load(OperatorSettings)
        if not settings.amqp_management_url:
            raise typer.BadParameter(NOT_CONFIGURED)
        self.vhost = vhost_of(settings.amqp_url)
        self._vhost = quote(self.vhost, safe="")
        self._http = httpx.Client(base_url=settings.amqp_management_url, timeout=TIMEOUT)

    def __enter__(self) -> "_Management":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def _call(self, method: str, path: str, json: Any = None, *, missing: bool = False) -> Any:
        """The answer's JSON; None where there is none, or, with `missing`, where there is no such thing."""
        with _one_line():
            answer = self._http.request(method, path, json=json)
            if missing and answer.status_code == httpx.codes.NOT_FOUND:
                return None
            answer.raise_for_status()
            return answer.json() if answer.content else None

    def user(self, name: str) -> Any:
        """The subscriber's login; None if there is none. Refuses a login that is no subscriber's."""
        user = self._call("GET", f"/api/users/{quote(name, safe='')}", missing=True)
        if user is not None and TAG not in user["tags"]:
            raise typer.BadParameter(f"{name} is a login of somebody else")
        return user

    def names(self) -> list[str]:
        return sorted(user["name"] for user in self._call("GET", "/api/users") if TAG in user["tags"])

    def put_user(self, name: str, password: str) -> None:
        user = quote(name, safe="")
        self._call("PUT", f"/api/users/{user}", {"password": password, "tags": TAG})
        own = f"^{re.escape(name)}\\.(events|dead)$"
        permissions = {"configure": "^$", "write": "^$", "read": own}
        self._call("PUT", f"/api/permissions/{self._vhost}/{user}", permissions)
        for limit, value in LIMITS.items():
            self._call("PUT", f"/api/user-limits/{user}/{limit}", {"value": value})

    def declare_queues(self, name: str, limit: int) -> None:
        """The oldest messages are dropped when a queue is full: a queue that refuses would hold up the publishers.

        A queue that exists keeps its limits.
        """
        if self._call("GET", self._queue(events_queue(name)), missing=True) is not None:
            return
        dead = {"x-max-length": MOST_DEAD, "x-message-ttl": DEAD_KEPT}
        events = {
            "x-max-length": limit,
            "x-max-length-bytes": MOST_BYTES,
            "x-message-ttl": KEPT,
            "x-delivery-limit": MOST_DELIVERIES,
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": dead_queue(name),
        }
        for queue, arguments in ((dead_queue(name), dead), (events_queue(name), events)):
            body = {"durable": True, "arguments": {"x-queue-type": "quorum", "x-overflow": "drop-head", **arguments}}
            self._call("PUT", self._queue(queue), body)

    def bind(self, name: str, types: Sequence[str]) -> None:
        """New types first, so that one that stays is never unbound."""
        path = f"/api/bindings/{self._vhost}/e/{quote(EVENTS, safe='')}/q/{quote(events_queue(name), safe='')}"
        before = self.bound(name)
        for type_ in types:
            self._call("POST", path, {"routing_key": type_})
        for type_ in set(before) - set(types):
            self._call("DELETE", f"{path}/{quote(type_, safe='')}")

    def bound(self, name: str) -> list[str]:
        bindings = self._call("GET", f"{self._queue(events_queue(name))}/bindings", missing=True) or []
        return sorted(binding["routing_key"] for binding in bindings if binding["source"] == EVENTS)

    def depth(self, queue: str) -> tuple[int, int]:
        """Messages and consumers."""
        state = self._call("GET", self._queue(queue), missing=True) or {}
        return state.get("messages", 0), state.get("consumers", 0)

    def remove(self, name: str) -> None:
        user = quote(name, safe="")
        self._call("DELETE", f"/api/users/{user}")
        for connection in self._call("GET", f"/api/connections/username/{user}", missing=True) or []:
            self._call("DELETE", f"/api/connections/{quote(connection['name'], safe='')}", missing=True)
        for queue in (events_queue(name), dead_queue(name)):
            self._call("DELETE", self._queue(queue), missing=True)

    def _queue(self, name: str) -> str:
        return f"/api/queues/{self._vhost}/{quote(name, safe='')}"


@contextmanager
def _one_line() -> Iterator[None]:
    try:
        yield
    except httpx.HTTPStatusError as error:
        refusal = f"{error.response.status_code} {error.response.text[:200]}"
        raise typer.BadParameter(f"the broker's management API refuses: {refusal}") from error
    except httpx.TransportError as error:
        raise typer.BadParameter(f"the broker's management API does not answer: {type(error).__name__}") from error
