"""What is generated from the services' code into shared/contracts."""

import importlib
import importlib.util
from collections.abc import Iterable
from types import ModuleType

from shared import proofs
from shared.app import Service, subscriptions_of
from shared.contracting import documents, event_classes, held
from shared.events import Event


def service(name: str) -> Service:
    found: Service = importlib.import_module(f"services.{name}.main").SERVICE
    return found


def published(names: Iterable[str]) -> list[type[Event]]:
    """Every event class, those that all services publish included."""
    modules: list[ModuleType] = [module for name in names if (module := service(name).room("events"))]
    return event_classes([proofs, *modules])


def generated(names: Iterable[str]) -> dict[str, bytes]:
    services = {name: service(name) for name in sorted(names)}
    routing = {name: subscriptions_of(one).types for name, one in services.items()}
    models = {name: importlib.import_module(f"services.{name}.models").metadata for name in services}
    personal_data = {name: held(models[name], one.policies) for name, one in services.items()}
    return documents(published(services), routing, personal_data)
