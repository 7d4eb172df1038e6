"""Which traces the gateway records does not depend on the caller's sampling flag."""

import pytest

from gateway.main import ignore_callers_sampling
from shared.observability import tracing
from shared.settings import Settings

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"
RECORDED, UNRECORDED = f"{TRACE}-01", f"{TRACE}-00"
SETTINGS = Settings.model_validate(
    {
        "database_url": "postgresql://nobody:none@127.0.0.1:1/none",
        "amqp_url": "amqp://127.0.0.1:1/",
        "secret_key": "a-secret-key-of-at-least-32-characters",
        "otel_exporter_otlp_endpoint": "http://127.0.0.1:1",  # refuses every connection
    }
)


class TestSampling:
    async def test_strangers_do_not_decide_what_is_recorded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for ratio, flags in (("1.0", "01"), ("0.0", "00")):
            monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
            monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", ratio)
            await tracing.close()
            tracing.configure("gateway", SETTINGS, ignore_callers_sampling)
            for parent in (RECORDED, UNRECORDED, None):
                span = tracing.begin("HTTP", "server", parent)
                assert span is not None
                assert int(span.traceparent[-2:], 16) & 1 == int(flags)
                span.end()
        await tracing.close()
