"""The services, and the modules that some of them have for the operator's command."""

import importlib
import importlib.util
from types import ModuleType

SERVICES = ("auth", "booking", "calendar", "notifications", "gdpr")
SCHEMAS = (*SERVICES, "gateway")


def room(service: str, name: str) -> ModuleType | None:
    """A service's module of this name, where it has one."""
    full = f"services.{service}.{name}"
    return importlib.import_module(full) if importlib.util.find_spec(full) else None
