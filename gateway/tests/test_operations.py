"""The gateway's own answers: CORS, health, metrics and the description of the API."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from gateway.__main__ import OPTIONS
from gateway.main import Gateway
from gateway.tests.conftest import Upstreams, raw, serving, settings_for


class TestCors:
    async def test_a_listed_origin_may_call_with_credentials(self, client: httpx.AsyncClient) -> None:
        answer = await client.get("/api/v1/slots", headers={"Origin": "https://salon.example"})
        assert answer.headers["access-control-allow-origin"] == "https://salon.example"
        assert answer.headers["access-control-allow-credentials"] == "true"
        assert "Origin" in answer.headers["vary"]

    @pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://salon.example.evil.example"])
    async def test_another_origin_is_refused(self, client: httpx.AsyncClient, origin: str) -> None:
        answer = await client.get("/api/v1/slots", headers={"Origin": origin})
        assert "access-control-allow-origin" not in answer.headers
        headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        preflight = await client.options("/api/v1/bookings", headers=headers)
        assert (preflight.status_code, preflight.json()["code"]) == (403, "origin_not_allowed")

    async def test_a_preflight_is_answered_here(self, client: httpx.AsyncClient, upstreams: Upstreams) -> None:
        upstreams.seen.clear()
        headers = {"Origin": "https://salon.example", "Access-Control-Request-Method": "PUT"}
        preflight = await client.options("/api/v1/bookings/1", headers=headers)
        assert preflight.status_code == 204
        assert "Idempotency-Key" in preflight.headers["access-control-allow-headers"]
        assert upstreams.seen == []


PRODUCTION = {"environment": "production", "public_url": "https://salon.test"}


@pytest.fixture(scope="module")
async def production(upstreams: Upstreams) -> AsyncIterator[str]:
    async with serving(Gateway(settings_for(upstreams).model_copy(update=PRODUCTION)), **OPTIONS) as url:
        yield url


class TestManners:
    @pytest.mark.parametrize("path", ["/health", "/health/live", "/openapi.json", "/metrics"])
    async def test_own_paths_have_three_methods(self, client: httpx.AsyncClient, path: str) -> None:
        refused, options = await client.post(path), await client.options(path)
        assert (refused.status_code, options.status_code) == (405, 204)
        assert refused.headers["allow"] == options.headers["allow"] == "GET, HEAD, OPTIONS"

    @pytest.mark.parametrize("path", ["/health/live", "/openapi.json"])
    async def test_head_has_the_headers_of_get(self, client: httpx.AsyncClient, path: str) -> None:
        get, head = [{**(await client.request(method, path)).headers} for method in ("GET", "HEAD")]
        assert get.keys() == head.keys()
        assert get["content-length"] == head["content-length"]

    @pytest.mark.parametrize("path", ["/health", "/health/live", "/openapi.json", "/metrics"])
    async def test_an_unknown_parameter_is_refused_by_name(self, client: httpx.AsyncClient, path: str) -> None:
        answer = await client.get(f"{path}?utm_source=mail&x=", headers={"Accept-Language": "en"})
        assert answer.status_code == 422
        errors = answer.json()["errors"]
        assert [error["pointer"] for error in errors] == ["/query/utm_source", "/query/x"]
        assert errors[0]["detail"] == "This field is not known here."


class TestOperations:
    async def test_health_reports_each_service(self, client: httpx.AsyncClient) -> None:
        answer = await client.get("/health")
        report = answer.json()
        assert answer.status_code == 503
        assert (report["parts"]["feed"]["status"], report["parts"]["database"]["status"]) == ("up", "down")
        assert report["services"]["booking"]["status"] == "ready"

    async def test_ready_stays_while_the_database_is_away(self, client: httpx.AsyncClient) -> None:
        answer = await client.get("/health/ready")
        assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
        assert (await client.get("/health/live")).json() == {"status": "alive"}

    async def test_the_databases_are_asked_through_the_services(self, client: httpx.AsyncClient) -> None:
        services = (await client.get("/health/db")).json()["services"]
        assert services.keys() == {"auth", "booking", "calendar", "notifications", "gdpr", "gateway"}
        assert services["gateway"]["status"] == "down"

    async def test_metrics_name_routes_and_not_paths(self, client: httpx.AsyncClient) -> None:
        await client.get("/api/v1/bookings/secret-id")
        text = (await client.get("/metrics")).text
        assert 'route="/api/v1/bookings"' in text
        assert "secret-id" not in text

    @pytest.mark.parametrize("environment", ["staging", "production"])
    async def test_metrics_are_hidden_from_outside_in_production_and_staging(
        self, upstreams: Upstreams, environment: str
    ) -> None:
        gateway = Gateway(settings_for(upstreams).model_copy(update=PRODUCTION | {"environment": environment}))
        async with serving(gateway) as url, httpx.AsyncClient(base_url=url) as client:
            assert (await client.get("/health")).json()["environment"] == environment
            assert f'environment="{environment}"' in (await client.get("/metrics")).text
            assert (await client.get("/metrics")).status_code == 200
            for path in ("/metrics", "/health/db"):
                outside = await client.get(path, headers={"X-Forwarded-For": "6.6.6.6"})
                assert outside.status_code == 404

    @pytest.mark.parametrize(
        "path",
        [
            *(
                "/metrics",
                "/metrics?x=1",
                "/%6detrics",
                "/m%65trics",
                "/metrics/",
                "//metrics",
                "/./metrics",
                "/METRICS",
            ),
            *(
                "/health/db",
                "/health/%64b",
                "/health//db",
                "/api/v1/../../metrics",
                "/api/v1/slots/%2e%2e/%2e%2e/metrics",
            ),
            *("/api/v1/slots/..%2fmetrics", "/metrics;x=1", "http://127.0.0.1/metrics", "/metrics%00", "/metrics#"),
        ],
    )
    @pytest.mark.parametrize(
        "claim", ["X-Forwarded-For: 6.6.6.6", "Forwarded: for=127.0.0.1", "X-Forwarded-For: 127.0.0.1"]
    )
    async def test_no_spelling_of_them_gets_in_from_outside(self, production: str, path: str, claim: str) -> None:
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{claim}\r\n\r\n"
        answer = await raw(production, request.encode())
        assert answer.status in (400, 404)
        assert b"gateway_" not in answer.body
        assert b"database" not in answer.body

    async def test_an_address_that_is_not_private_is_outside(self, upstreams: Upstreams) -> None:
        gateway = Gateway(settings_for(upstreams).model_copy(update=PRODUCTION))
        trusting = {"proxy_headers": True, "forwarded_allow_ips": "127.0.0.1"}
        async with serving(gateway, **(OPTIONS | trusting)) as url:
            for claim in ("X-Forwarded-For: 6.6.6.6", "X-Forwarded-For: 10.0.0.1, 6.6.6.6"):
                request = f"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{claim}\r\n\r\n"
                assert (await raw(url, request.encode())).status == 404

    async def test_the_openapi_document_is_merged(self, client: httpx.AsyncClient) -> None:
        document: dict[str, Any] = (await client.get("/openapi.json")).json()
        assert document["paths"].keys() == {"/api/v1/users/me", "/api/v1/slots"}
        reference = document["paths"]["/api/v1/slots"]["get"]["x-schema"]["$ref"]
        assert reference == "#/components/schemas/BookingThing"
        assert document["components"]["schemas"].keys() >= {"AuthThing", "BookingThing", "Same"}
