"""The services and their modules."""

import importlib
import importlib.util
from types import ModuleType

SERVICES = ("auth", "booking", "calendar", "notifications", "gdpr")
SCHEMAS = (*SERVICES, "gateway")


def service_module(service: str, name: str) -> ModuleType | None:
    """The service's module of this name; None if it has none."""
    full = f"services.{service}.{name}"
    return importlib.import_module(full) if importlib.util.find_spec(full) else None
