"""Prepares the broker: exchanges, queues, and a login for each service that may do only what the service needs."""

import re
from typing import Any
from urllib.parse import quote

import httpx

from keys.logins import broker_login, vhost_of
from migrations.topology import declare
from shared.messaging import broker, topology
from shared.messaging.topology import DELAYS, EVENTS, FEED_PREFIX, MARKERS, REALTIME, REVOCATIONS
from shared.settings import Settings

GATEWAY = "gateway"
PUSHING = ("notifications",)  # services that send realtime messages
TIMEOUT = 10.0
NOTHING = "^$"

Permissions = dict[str, str]  # configure, write, read: patterns of the names of exchanges and queues


class LoginsNotMadeError(Exception):
    """The broker's management API does not answer or refuses."""


def services() -> list[str]:
    return sorted(topology.load())


def permissions(service: str) -> Permissions:
    """A service writes events and its own retries, and reads its own queues. It declares nothing."""
    if service == GATEWAY:
        feed = f"{re.escape(FEED_PREFIX)}.+"
        return {
            "configure": f"^{feed}$",
            "write": f"^({feed}|{re.escape(MARKERS)})$",
            "read": f"^({feed}|{re.escape(REALTIME)}|{re.escape(REVOCATIONS)})$",
        }
    written = [EVENTS, topology.retries(service), *([REALTIME] if service in PUSHING else [])]
    read = [topology.events_queue(service), topology.dead_queue(service)]
    read += [topology.retry_queue(service, delay) for delay in DELAYS]
    return {"configure": NOTHING, "write": _any_of(written), "read": _any_of(read)}


def topic_permissions(service: str) -> dict[str, str]:
    """The routing keys of events are their types."""
    types = topology.types_of(service)
    return {"exchange": EVENTS, "write": _any_of(types) if types else NOTHING, "read": NOTHING}


def _any_of(names: list[str]) -> str:
    return f"^({'|'.join(re.escape(name) for name in names)})$"


async def prepare(settings: Settings) -> bool:
    """Declares everything, with the login in AMQP_URL. Where AMQP_MANAGEMENT_URL is set, makes the services' logins and
    returns True. Can be repeated. Raises BrokerAwayError, LoginsNotMadeError."""
    async with broker.connection(settings.amqp_url, "loctician migrate") as connection:
        await declare(await connection.channel(), topology.load())
    if settings.amqp_management_url is None:
        return False
    make_logins(settings, settings.amqp_management_url)
    return True


def make_logins(settings: Settings, management_url: str) -> None:
    root, vhost = settings.root_key, quote(vhost_of(settings.amqp_url), safe="")
    with httpx.Client(base_url=management_url, timeout=TIMEOUT) as http:
        for service in (*services(), GATEWAY):
            name, password = broker_login(root, settings.amqp_url, service)
            user = quote(name, safe="")
            _put(http, f"/api/users/{user}", {"password": password, "tags": ""})
            _put(http, f"/api/permissions/{vhost}/{user}", permissions(service))
            _put(http, f"/api/topic-permissions/{vhost}/{user}", topic_permissions(service))


def _put(http: httpx.Client, path: str, content: Any) -> None:
    try:
        http.put(path, json=content).raise_for_status()
    except httpx.HTTPStatusError as error:
        refusal = f"{error.response.status_code} {error.response.text[:200]}"
        raise LoginsNotMadeError(f"the broker's management API refuses: {refusal}") from error
    except httpx.TransportError as error:
        raise LoginsNotMadeError(f"the broker's management API does not answer: {type(error).__name__}") from error
