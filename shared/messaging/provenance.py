"""Who sent an event. Its routing key is its type, which the broker lets only the type's publishers write. Events that
end sessions, erase or give rights, or that tell what staff did, also carry a signature of their publisher."""

from collections.abc import Mapping
from typing import Any

from keys.events import is_signed
from keys.services import ServiceKeys
from shared.messaging import topology
from shared.messaging.subscriptions import UndecodableError, decode

SOURCE = "/services/"


class UntrustedError(UndecodableError):
    """The event is not from a service that publishes its type, or was changed."""


def needs_signature(type_: str, actor_role: str | None) -> bool:
    return type_ in topology.signed_types() or actor_role not in topology.unsigned_roles()


def check(keys: ServiceKeys | None, event: Mapping[str, Any], exchange: str = "", routing_key: str = "") -> None:
    """Raises UntrustedError. Types that no service of ours publishes are not checked: nobody could write them."""
    type_, source = str(event.get("type")), str(event.get("source")).removeprefix(SOURCE)
    if exchange == topology.EVENTS and routing_key != type_:
        raise UntrustedError("the routing key is not the type")
    publishers = topology.publishers().get(type_)
    if publishers is None:
        return
    if source not in publishers:
        raise UntrustedError("the source does not publish this type")
    if needs_signature(type_, event.get("actorrole")) and (keys is None or not is_signed(keys, event, source)):
        raise UntrustedError("not signed by its source")


def checked(keys: ServiceKeys | None, body: bytes, type_: str) -> dict[str, Any]:
    """The event in a message that must be of this type. Raises UndecodableError."""
    event = decode(body)
    if isinstance(event, UndecodableError):
        raise event
    if event.get("type") != type_:
        raise UntrustedError("another type")
    check(keys, event)
    return event
