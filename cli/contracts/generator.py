"""Collects what the services' code declares, and generates shared/contracts and docs/asyncapi.json from it."""

import importlib
from collections.abc import Iterable, Sequence
from types import ModuleType

from cli.contracts import asyncapi, files
from shared.http.app import Service, subscriptions_of
from shared.messaging.events import Event
from shared.privacy import events as privacy_events


def service(name: str) -> Service:
    declared: Service = importlib.import_module(f"services.{name}.main").SERVICE
    return declared


def publishers(names: Iterable[str]) -> dict[str, list[type[Event]]]:
    """The event classes of each service, including those that every service publishes."""
    return {name: files.event_classes(_event_modules(name)) for name in sorted(names)}


def _event_modules(name: str) -> list[ModuleType]:
    own = service(name).module("events")
    return [privacy_events, own] if own else [privacy_events]


def published(names: Iterable[str]) -> list[type[Event]]:
    """Every event class, once."""
    classes = {event.type_: event for events in publishers(names).values() for event in events}
    return [classes[type_] for type_ in sorted(classes)]


def routing(names: Iterable[str]) -> dict[str, list[str]]:
    return {name: subscriptions_of(service(name)).types for name in sorted(names)}


def bus_description(names: Sequence[str]) -> bytes:
    """The content of docs/asyncapi.json."""
    return asyncapi.serialize(asyncapi.document(publishers(names), routing(names)))


def contracts(names: Sequence[str]) -> dict[str, bytes]:
    """File name -> content of each file in shared/contracts."""
    services = {name: service(name) for name in sorted(names)}
    models = {name: importlib.import_module(f"services.{name}.models").metadata for name in services}
    held = {name: files.personal_data(models[name], declared.policies) for name, declared in services.items()}
    return files.documents(published(names), files.publishers(publishers(names)), routing(names), held)
