"""The OpenAPI document against the running platform: its examples can be sent, and what GET shows can be put back."""

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import httpx
import jsonschema_rs
import pytest

from domain import examples
from shared.testing.servers import Servers
from tests.e2e.conftest import own_servers, started
from tests.e2e.salon import PASSWORD, Json, bearer, free_slots, register, sign_in
from tests.e2e.stack import Stack, eventually

METHODS = ("get", "put", "post", "patch", "delete")
ROLES = ("admin", "staff", "amina", "kunde")
# What an example cannot hold, since it is secret or used once: a password, a token, a code from an app.
REFUSED = {
    "POST /api/v1/auth/login": {"invalid_credentials"},
    "POST /api/v1/auth/login-code": {"invalid_login_code"},
    "POST /api/v1/auth/refresh": {"invalid_refresh_token"},
    "POST /api/v1/auth/logout": {"invalid_refresh_token"},
    "POST /api/v1/auth/verify-email": {"invalid_token"},
    "POST /api/v1/auth/reset-password": {"invalid_token"},
    "POST /api/v1/auth/confirm-email": {"invalid_token"},
    "POST /api/v1/users/me/email": {"wrong_password"},
    "PATCH /api/v1/users/{user_id}": {"address_taken"},  # by the example of POST /api/v1/users
    "POST /api/v1/bookings/holds": {"customer_overlap"},  # with the example of POST /api/v1/bookings
    "POST /api/v1/auth/change-password": {"invalid_credentials", "wrong_password"},
    "POST /api/v1/auth/mfa/enroll": {"invalid_credentials", "wrong_password"},
    "POST /api/v1/auth/mfa/confirm": {"invalid_code", "wrong_code", "mfa_off"},
    "POST /api/v1/auth/mfa/disable": {"invalid_code", "wrong_code", "mfa_off"},
    "POST /api/v1/auth/passkeys/options": {"wrong_password"},
    "POST /api/v1/auth/passkeys": {"passkey_refused"},
    "POST /api/v1/auth/passkeys/login": {"invalid_passkey"},
    "PATCH /api/v1/auth/passkeys/{passkey_id}": {"not_found"},
    "PATCH /api/v1/calendar/{loctician_id}/imports/{import_id}": {"not_found"},  # an import needs a public address
    "POST /api/v1/calendar/{loctician_id}/imports": {"address_refused"},  # an address of the documentation's own domain
}


@pytest.fixture(scope="module")
async def stack(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """One of its own: the examples change whatever they can."""
    async with (
        own_servers(servers) as (database_url, amqp_url),
        started(tmp_path_factory.mktemp("described"), database_url, amqp_url) as stack,
    ):
        await stack.ready()
        yield stack


@pytest.fixture(scope="module")
async def http(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=stack.url, timeout=30) as http:
        yield http


@pytest.fixture(scope="module")
async def document(http: httpx.AsyncClient) -> Json:
    answer = await http.get("/openapi.json")
    document: Json = answer.json()
    return document


@pytest.fixture(scope="module")
async def headers(http: httpx.AsyncClient) -> dict[str, dict[str, str]]:
    return {role: bearer(await sign_in(http, f"{role}@loctician.example")) for role in ROLES}


@pytest.fixture(scope="module")
async def ids(http: httpx.AsyncClient, headers: dict[str, dict[str, str]]) -> dict[str, str]:
    """Live ids by the name that the API gives them."""
    service_id = (await http.get("/api/v1/services", params={"q": "retwist"})).json()["items"][0]["id"]
    me = {role: (await http.get("/api/v1/users/me", headers=headers[role])).json()["id"] for role in ROLES}
    slots = await eventually(lambda: free_slots(http, service_id, loctician_id=me["amina"]), bool, "free slots")
    order = {"service_ids": [service_id], "loctician_id": me["amina"], "start": slots[0]["start"]}
    booked = await http.post("/api/v1/bookings", json=order, headers=headers["kunde"])
    assert booked.status_code == 201, booked.text
    _, token = await register(http, "freja")
    user = (await http.get("/api/v1/users/me", headers=bearer(token))).json()["id"]
    return {
        "service_id": service_id,
        "treatment_id": service_id,
        "loctician_id": me["amina"],
        "owner_id": me["amina"],
        "customer_id": me["kunde"],
        "booking_id": booked.json()["id"],
        "user_id": user,
        "id": user,
        "day": examples.FIRST_DAY,
    }


def operations(document: Json) -> Iterator[tuple[str, str, str, Json]]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield f"{method.upper()} {path}", method, path, item[method]


def with_live_ids(value: Any, ids: dict[str, str], name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: with_live_ids(item, ids, key) for key, item in value.items()}
    if isinstance(value, list):
        return [with_live_ids(item, ids, name.removesuffix("s")) for item in value]
    return ids.get(name, value) if isinstance(value, str) and name.endswith("_id") else value


def resolved(document: Json, node: Json) -> Json:
    kind, _, name = node.get("$ref", "").removeprefix("#/components/").partition("/")
    found: Json = document["components"][kind][name] if name else node
    return found


def misfits(document: Json, operation: Json, answer: httpx.Response) -> list[str]:
    """What an answer has that its schema does not allow."""
    declared = resolved(document, operation["responses"].get(str(answer.status_code), {}))
    media = answer.headers.get("content-type", "").partition(";")[0]
    if not declared or not media.endswith("json"):
        return [] if declared else [f"{answer.status_code} is not declared"]
    schema = declared["content"][media]["schema"] | {"components": document["components"]}
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    return [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(answer.json())]


@pytest.mark.slow
class TestRoundTrips:
    async def test_what_get_shows_can_be_put_back(
        self, document: Json, http: httpx.AsyncClient, headers: dict[str, dict[str, str]], ids: dict[str, str]
    ) -> None:
        wrong, tried = [], 0
        pairs = [path for path, item in document["paths"].items() if {"get", "put"} <= item.keys()]
        for path in pairs:
            target = re.sub(r"\{(\w+)\}", lambda match: ids.get(match[1], str(uuid4())), path)
            for role in ROLES:
                before = await http.get(target, headers=headers[role])
                if before.status_code in (403, 404):
                    continue
                sent = headers[role] | ({"If-Match": before.headers["etag"]} if "etag" in before.headers else {})
                put = await http.put(target, json=before.json(), headers=sent)
                after = await http.get(target, headers=headers[role])
                changed = {
                    key: (value, after.json().get(key))
                    for key, value in before.json().items()
                    if key not in ("version", "updated_at") and value != after.json().get(key)
                }
                tried += put.status_code == 200
                if put.status_code not in (200, 403) or (changed and path != "/api/v1/gdpr/consents/me"):
                    wrong.append(f"{path} as {role}: {put.status_code} {put.text[:300]} {changed}")
        assert not wrong, "\n".join(wrong)
        assert tried >= len(pairs)


@pytest.mark.slow
class TestMe:
    async def test_me_is_the_caller_in_every_path_of_a_person(
        self, document: Json, http: httpx.AsyncClient, headers: dict[str, dict[str, str]]
    ) -> None:
        wrong = []
        people = ("loctician_id", "owner_id", "user_id", "person_id", "customer_id")
        for name, method, path, operation in operations(document):
            named = [place for place in re.findall(r"\{(\w+)\}", path) if place in people]
            if path.startswith("/api/v1/users/{id}"):
                named = ["id"]
            if method != "get" or not named:
                continue
            role = "amina" if "loctician" in (operation["x-roles"] or ["loctician"]) else "admin"
            target = re.sub(r"\{\w+\}", "me", path)
            answer = await http.get(target, headers=headers[role])
            if answer.status_code == 422 or (answer.status_code == 404 and "feed" not in path):
                wrong.append(f"{name} as {role}: {answer.status_code} {answer.text[:200]}")
        assert not wrong, "\n".join(wrong)

    async def test_me_is_the_caller_in_searches_and_bodies(
        self, http: httpx.AsyncClient, headers: dict[str, dict[str, str]], ids: dict[str, str]
    ) -> None:
        own = await http.get("/api/v1/bookings", params={"loctician_id": "me"}, headers=headers["amina"])
        assert {item["loctician_id"] for row in own.json()["items"] for item in row["items"]} == {ids["loctician_id"]}
        slots = {"service_id": ids["service_id"], "loctician_id": "me", "from": examples.FIRST_DAY}
        free = await http.get("/api/v1/slots", params=slots, headers=headers["amina"])
        assert {slot["loctician_id"] for slot in free.json()["items"]} == {ids["loctician_id"]}
        assert (await http.get("/api/v1/slots", params=slots)).status_code == 401
        walk_in = {"service_ids": [ids["service_id"]], "loctician_id": "me", "walk_in": {"name": "Ida"}}
        start = free.json()["items"][-1]["start"]
        booked = await http.post("/api/v1/bookings", json=walk_in | {"start": start}, headers=headers["amina"])
        assert booked.status_code == 201, booked.text
        assert booked.json()["items"][0]["loctician_id"] == ids["loctician_id"]


@pytest.mark.slow
class TestLists:
    async def test_several_statuses_are_any_of_them(
        self, http: httpx.AsyncClient, headers: dict[str, dict[str, str]], ids: dict[str, str]
    ) -> None:
        async def found(*statuses: str) -> set[str]:
            answer = await http.get("/api/v1/bookings", params={"status": statuses}, headers=headers["staff"])
            assert answer.status_code == 200, answer.text
            return {row["status"] for row in answer.json()["items"]}

        assert ids["booking_id"]
        assert await found("confirmed", "completed") == await found("confirmed") | await found("completed")
        assert "confirmed" in await found("cancelled", "confirmed")
        wrong = await http.get("/api/v1/bookings", params={"status": ["gone"]}, headers=headers["staff"])
        assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/query/status/0")
        assert PASSWORD not in wrong.text


@pytest.mark.slow
class TestExamples:
    async def test_every_example_of_a_request_can_be_sent(
        self, document: Json, http: httpx.AsyncClient, headers: dict[str, dict[str, str]], ids: dict[str, str]
    ) -> None:
        wrong = []
        for name, method, path, operation in operations(document):
            example = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
            if example is None or "DELETE" in name:
                continue
            roles = operation["x-roles"] or ["admin"]
            role = "admin" if "admin" in roles else "kunde"
            body = with_live_ids(example, ids)
            if path == "/api/v1/auth/register":
                body["email"] = f"{uuid4().hex}@example.com"
            if role == "admin" and path in ("/api/v1/bookings", "/api/v1/bookings/series", "/api/v1/waitlist"):
                role = "kunde"
            target = re.sub(r"\{(\w+)\}", lambda match: ids.get(match[1], str(uuid4())), path)
            caller = headers[role]
            if path.startswith(("/api/v1/auth/", "/api/v1/users/me")) and operation["x-roles"]:  # may end the session
                role, caller = "a new customer", bearer((await register(http, "vera"))[1])
            if path.endswith("/requests"):  # for those who are not signed in
                role, caller = "nobody", {}
            sent = caller | {"If-Match": "*"}
            answer = await http.request(method, target, json=body, headers=sent)
            problem = answer.json().get("code") if "problem" in answer.headers.get("content-type", "") else None
            if path == "/api/v1/bookings/series":
                ids["series_id"] = answer.json().get("series_id", "")
            if misfits(document, operation, answer) or (problem and problem not in REFUSED.get(name, ())):
                wrong.append(f"{name} as {role}: {answer.status_code} {answer.text[:300]} {body}")
        assert not wrong, "\n".join(wrong)

    async def test_every_example_of_a_query_can_be_sent(
        self, document: Json, http: httpx.AsyncClient, headers: dict[str, dict[str, str]], ids: dict[str, str]
    ) -> None:
        wrong = []
        for name, method, path, operation in operations(document):
            queries = [parameter for parameter in operation["parameters"] if parameter["in"] == "query"]
            if method != "get" or not queries or not path.startswith("/api/"):  # a page needs the token of a mail
                continue
            target = re.sub(r"\{(\w+)\}", lambda match: ids.get(match[1], str(uuid4())), path)
            for parameter in queries:
                needed = {
                    other["name"]: other["example"]
                    for other in queries
                    if other.get("required") or (path.startswith("/api/v1/slots") and other["name"] == "service_id")
                }
                values = needed | {parameter["name"]: parameter["example"]}
                given = {key: with_live_ids(value, ids, key) for key, value in values.items() if value is not None}
                answer = await http.get(target, params=given, headers=headers["admin"])
                if answer.status_code >= 300 or misfits(document, operation, answer):
                    wrong.append(f"{name} {given}: {answer.status_code} {answer.text[:200]}")
        assert not wrong, "\n".join(wrong)
