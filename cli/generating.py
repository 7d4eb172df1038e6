"""What is generated from the services' code into shared/contracts."""

import importlib
import importlib.util
from collections.abc import Iterable, Sequence
from types import ModuleType

from shared.http.app import Service, subscriptions_of
from shared.messaging import asyncapi
from shared.messaging.contracts import documents, event_classes, held
from shared.messaging.events import Event
from shared.privacy import events as proofs


def service(name: str) -> Service:
    found: Service = importlib.import_module(f"services.{name}.main").SERVICE
    return found


def publishers(names: Iterable[str]) -> dict[str, list[type[Event]]]:
    """The event classes of each service, those that all publish included."""
    return {name: event_classes(_modules(name)) for name in sorted(names)}


def _modules(name: str) -> list[ModuleType]:
    own = service(name).room("events")
    return [proofs, own] if own else [proofs]


def published(names: Iterable[str]) -> list[type[Event]]:
    """Every event class, once."""
    found = {event.type_: event for events in publishers(names).values() for event in events}
    return [found[type_] for type_ in sorted(found)]


def routing(names: Iterable[str]) -> dict[str, list[str]]:
    return {name: subscriptions_of(service(name)).types for name in sorted(names)}


def bus_description(names: Sequence[str]) -> bytes:
    """The AsyncAPI document, as it is kept in docs/."""
    return asyncapi.written(asyncapi.document(publishers(names), routing(names)))


def generated(names: Sequence[str]) -> dict[str, bytes]:
    services = {name: service(name) for name in sorted(names)}
    models = {name: importlib.import_module(f"services.{name}.models").metadata for name in services}
    personal_data = {name: held(models[name], one.policies) for name, one in services.items()}
    return documents(published(names), routing(names), personal_data)
