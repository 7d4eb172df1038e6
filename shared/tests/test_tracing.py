"""Traces cost nothing while nobody asks for them, and what is measured of statements and the pool is true."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared.database.session import Database
from shared.observability import tracing
from shared.observability.context import bind, current
from shared.settings import Settings
from shared.testing.servers import Servers, base_settings
from shared.tests.support import own_schema

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
RECORDED, UNRECORDED = f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-00"
NOBODY = "http://127.0.0.1:1"  # refuses every connection
LOADED = "import services.booking.main as m, sys; m.create(); print(sorted(k for k in sys.modules if '{}' in k))"


@pytest.fixture(scope="module")
async def database(servers: Servers) -> AsyncIterator[Database]:
    async with own_schema(servers) as made:
        yield made


@pytest.fixture
async def on(servers: Servers) -> AsyncIterator[Settings]:
    settings = Settings.model_validate(base_settings(servers, "") | {"otel_exporter_otlp_endpoint": NOBODY})
    tracing.configure("probe", settings)
    yield settings
    await tracing.close()


def measured(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


class TestTraceparent:
    @pytest.mark.parametrize("given", [RECORDED, UNRECORDED])
    def test_a_valid_one_is_taken(self, given: str) -> None:
        assert tracing.valid_traceparent(given) == given

    @pytest.mark.parametrize(
        "given",
        [
            "",
            RECORDED.upper(),
            f"{RECORDED}-more",
            f"{RECORDED}\n",
            f"ff-{TRACE}-{SPAN}-01",
            f"00-{'0' * 32}-{SPAN}-01",
            f"00-{TRACE}-{'0' * 16}-01",
        ],
    )
    def test_anything_else_is_none(self, given: str) -> None:
        assert tracing.valid_traceparent(given) is None


class TestOff:
    def test_nothing_of_the_sdk_is_loaded(self) -> None:
        environment = {
            "PATH": os.environ["PATH"],
            "SECRET_KEY": "a-secret-key-of-at-least-32-characters",
            "DATABASE_URL": "postgresql://nobody:none@127.0.0.1:1/none",
            "AMQP_URL": "amqp://127.0.0.1:1/",
        }
        for word in ("opentelemetry.sdk", "opentelemetry.exporter"):
            command = [sys.executable, "-c", LOADED.format(word)]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=True)
            assert done.stdout.strip() == "[]"

    def test_a_traceparent_goes_on_as_it_came(self) -> None:
        assert not tracing.active()
        with tracing.span("process", "consumer", RECORDED):
            assert current().traceparent == RECORDED
        with tracing.span("process", "consumer", "no traceparent"):
            assert current().traceparent is None


class TestOn:
    async def test_a_span_goes_on_with_the_trace(self, on: Settings) -> None:
        span = tracing.begin("HTTP", "server", RECORDED)
        assert span is not None
        span.end_call("GET", "/api/v1/slots", 200)
        assert span.traceparent[3:35] == TRACE
        assert span.traceparent[36:52] != SPAN

    async def test_a_trace_that_is_not_recorded_costs_no_span(self, on: Settings) -> None:
        assert tracing.begin("HTTP", "server", UNRECORDED) is None

    async def test_a_collector_that_is_away_holds_nobody_up_at_the_end(self, on: Settings) -> None:
        for _ in range(600):
            span = tracing.begin("HTTP", "server", None)
            assert span is not None
            span.end()
        async with asyncio.timeout(tracing.CLOSE_SECONDS + 2):
            await tracing.close()
        assert not tracing.active()


class TestStatements:
    async def test_each_is_measured_by_its_kind(self, database: Database) -> None:
        name, labels = "database_query_duration_seconds_count", {"service": database.schema, "statement": "select"}
        before = measured(name, **labels)
        await database.call(text("\n  SELECT 1"))
        assert measured(name, **labels) == before + 1

    async def test_a_failure_is_counted_by_its_sqlstate(self, database: Database) -> None:
        with pytest.raises(DBAPIError):
            await database.call(text("SELECT 1 / 0"))
        assert measured("database_errors_total", service=database.schema, sqlstate="22012") == 1

    async def test_the_pool_tells_what_is_in_use(self, database: Database) -> None:
        def used() -> float:
            return measured("database_pool_connections", service=database.schema, state="used")

        assert measured("database_pool_size", service=database.schema) == 10
        async with database.engine.connect(), database.engine.connect():
            assert used() == 2
        assert used() == 0

    async def test_a_statement_within_a_trace_has_a_span_that_ends(self, on: Settings, database: Database) -> None:
        begun: list[Any] = []
        begin = tracing.begin

        def kept(*given: Any, **more: Any) -> Any:
            begun.append(begin(*given, **more))
            return begun[-1]

        with pytest.MonkeyPatch.context() as patch, bind(traceparent=RECORDED):
            patch.setattr(tracing, "begin", kept)
            await database.call(text("SELECT 1"))
            with pytest.raises(DBAPIError):
                await database.call(text("SELECT 1 / 0"))
        assert [one._span.is_recording() for one in begun] == [False, False]
        assert {one.traceparent[3:35] for one in begun} == {TRACE}
