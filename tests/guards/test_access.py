"""Every endpoint admits exactly whom the matrix names: as it declares, and as it answers when called."""

import inspect
import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from cli.contracts import generator
from domain.roles import Role
from gateway.proxy import routes
from services.auth.demo import PASSWORD, load_users
from services.auth.main import setup
from services.auth.passwords.hashing import PasswordHashing
from shared.database.session import Database, transaction
from shared.http.app import Service
from shared.identity.access import EVERY_ROLE
from shared.identity.principals import SERVICE_CLAIMS
from shared.messaging.events import new_id
from tests.guards.matrix import MATRIX, Who
from tests.guards.test_layout import SERVICES

Headers = Callable[..., dict[str, str]]
SignedIn = Callable[[Role], Awaitable[dict[str, str]]]
PEOPLE = {Role.CUSTOMER: "kunde", Role.LOCTICIAN: "amina", Role.STAFF: "staff", Role.ADMIN: "admin"}


def calls(dependant: Dependant) -> Iterator[Any]:
    yield dependant.call
    for inner in dependant.dependencies:
        yield from calls(inner)


def endpoints_of(service: Service) -> list[APIRoute]:
    return [route for router in service.routers for route in router.routes if isinstance(route, APIRoute)]


def declared(service: Service) -> dict[str, set[Who]]:
    """What each endpoint of a service declares."""
    return {
        f"{method} {endpoint.path}": {
            frozenset(Role) if call.__access__ == EVERY_ROLE else call.__access__
            for call in calls(endpoint.dependant)
            if hasattr(call, "__access__")
        }
        for endpoint in endpoints_of(service)
        for method in endpoint.methods or ()
    }


def waits(call: Any) -> bool:
    return inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call)


def address(path: str) -> str:
    """The path with something in each place: a date where one belongs, else an id that nobody has."""
    return re.sub(r"\{\w+\}", lambda place: "2026-03-02" if place[0] == "{day}" else str(new_id()), path)


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> Service:
    return generator.service(request.param)


@pytest.fixture
async def signed_in(
    service: Service, app: FastAPI, client: httpx.AsyncClient, database: Database, auth_headers: Headers
) -> SignedIn:
    """The headers of somebody with a role; in auth, which looks at the session too, of somebody real."""

    async def made_up(role: Role) -> dict[str, str]:
        return auth_headers(role)

    async def real(role: Role) -> dict[str, str]:
        body = {"email": f"{PEOPLE[role]}@loctician.example", "password": PASSWORD}
        answer = await client.post("/api/v1/auth/login", json=body)
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    if service.name != "auth":
        return made_up
    setup(app)
    settings = app.state.runtime.settings
    async with transaction(database, SERVICE_CLAIMS) as session:
        await load_users(session, await PasswordHashing(settings).hash(PASSWORD))
    return real


class TestMatrix:
    def test_every_endpoint_declares_whom_the_matrix_names(self, service: Service) -> None:
        assert declared(service) == {endpoint: {roles} for endpoint, roles in MATRIX[service.name].items()}

    def test_nothing_on_the_way_waits_for_a_thread(self, service: Service) -> None:
        """The framework runs a plain function in a pool of threads, which takes longer than most of them do."""
        used = {call for endpoint in endpoints_of(service) for call in calls(endpoint.dependant)}
        assert [f"{call.__module__}.{call.__qualname__}" for call in used if not waits(call)] == []

    def test_the_gateway_routes_every_endpoint_to_its_service(self, service: Service) -> None:
        for endpoint in MATRIX[service.name]:
            route = routes.find(address(endpoint.partition(" ")[2]))
            assert route is not None, endpoint
            assert route.service == service.name, endpoint

    def test_the_gateway_ignores_a_stale_token_exactly_where_none_is_needed(self, service: Service) -> None:
        """A new call for anyone is to be added to PUBLIC in gateway/proxy/routes.py."""
        takes_other_proof = {"POST /api/v1/auth/logout"}
        for endpoint, roles in MATRIX[service.name].items():
            method, _, path = endpoint.partition(" ")
            public = roles is None or endpoint in takes_other_proof
            assert routes.needs_no_token(method, address(path)) == public, endpoint

    async def test_each_role_and_nobody_is_answered_as_the_matrix_says(
        self, service: Service, client: httpx.AsyncClient, signed_in: SignedIn
    ) -> None:
        wrong = []
        for endpoint, roles in MATRIX[service.name].items():
            method, _, path = endpoint.partition(" ")
            for role in (None, *Role):
                headers = await signed_in(role) if role else {}
                answer = await client.request(method, address(path), headers=headers)
                if not _right(answer, role, roles):
                    wrong.append(f"{endpoint} as {role or 'nobody'}: {answer.status_code} {answer.text[:120]}")
        assert wrong == []


def _right(answer: httpx.Response, role: Role | None, roles: Who) -> bool:
    code = answer.json()["code"] if "problem+json" in answer.headers.get("content-type", "") else None
    if roles is not None and role is None:
        return (answer.status_code, code) == (401, "unauthorized")
    if roles is not None and role not in roles:
        return (answer.status_code, code) == (403, "forbidden")
    # Let in. What then is refused has a reason of its own: another's, not there, not well formed.
    return code not in ("unauthorized", "forbidden", "internal_error")
