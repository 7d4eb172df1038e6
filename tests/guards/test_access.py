"""Every endpoint declares who may call it."""

import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from tests.guards.test_layout import SERVICES


def calls(dependant: Dependant) -> Iterator[Any]:
    yield dependant.call
    for inner in dependant.dependencies:
        yield from calls(inner)


@pytest.mark.parametrize("name", SERVICES)
def test_every_endpoint_declares_who_may_call_it(name: str) -> None:
    service = importlib.import_module(f"services.{name}.main").SERVICE
    routes = [route for router in service.routers for route in router.routes if isinstance(route, APIRoute)]
    silent = [
        f"{sorted(route.methods or ())} {route.path}"
        for route in routes
        if not any(hasattr(call, "__access__") for call in calls(route.dependant))
    ]
    assert routes
    assert silent == []
