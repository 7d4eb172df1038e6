"""What is logged, and what never is."""

import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.observability.context import bind
from shared.observability.health import Health
from shared.observability.log import LOST, Lines, configure, logger
from shared.tests.support import lines_logged

README = Path(__file__).parents[2] / "README.md"
TRACE = "0af7651916cd43dd8448eb211c80319c"
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJlLW9mLWl0"
SECRETS = ("kirsten.åse@salon.example", TOKEN, "s3cret-pass", "AbC123-opaque", "hunter2hunter2")


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    configure("probe", "INFO", "staging")
    with lines_logged() as written:
        yield written


def only(lines: io.StringIO) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(lines.getvalue())
    return found


def fail() -> None:
    try:
        dict[str, str]()[SECRETS[0]]
    except KeyError as error:
        raise ValueError(f"Key (email)=({SECRETS[0]}) and {SECRETS[2]}") from error


class TestLines:
    def test_a_line_is_an_object_with_what_caused_it(self, lines: io.StringIO) -> None:
        with bind(request_id="request-1", traceparent=f"00-{TRACE}-b7ad6b7169203331-01"):
            logger("services.booking").info("request", route="/api/v1/bookings", status=201, ms=12.3)
        said = only(lines)
        assert said.pop("timestamp").endswith("Z")
        assert said == {
            "service": "probe",
            "environment": "staging",
            "level": "info",
            "logger": "services.booking",
            "message": "request",
            "request_id": "request-1",
            "trace_id": TRACE,
            "route": "/api/v1/bookings",
            "status": 201,
            "ms": 12.3,
        }

    def test_the_readme_shows_the_line_of_a_request(self, lines: io.StringIO) -> None:
        shown = json.loads(re.findall(r"^(\{\"service.+?\})$", README.read_text(), re.MULTILINE | re.DOTALL)[0])
        with bind(request_id=shown["request_id"], traceparent=f"00-{shown['trace_id']}-b7ad6b7169203331-01"):
            facts = {name: shown[name] for name in ("method", "route", "status", "ms")}
            logger(shown["logger"]).info(shown["message"], **facts)
        said = only(lines)
        assert said | {name: shown[name] for name in ("service", "environment", "timestamp")} == shown

    def test_an_error_is_its_class_and_its_place(self, lines: io.StringIO) -> None:
        try:
            fail()
        except ValueError as error:
            logger("probe").error("unhandled_error", exc_info=error)
        said = only(lines)
        assert said["error"] == "ValueError <- KeyError"
        assert "in fail" in said["trace"]
        assert not [one for one in SECRETS if one in lines.getvalue()]

    @pytest.mark.parametrize(
        ("message", "values"),
        [
            ("mail to %s", (SECRETS[0],)),
            ("GET /ws?token=%s&x=1", (SECRETS[3],)),
            ("Authorization: Bearer %s", (SECRETS[3],)),
            ("token %s refused", (TOKEN,)),
            ("connecting to amqp://salon:%s@broker/", (SECRETS[4],)),
            ("%s", ({"password": SECRETS[2], "deep": [{"email": SECRETS[0]}]},)),
        ],
    )
    def test_what_looks_like_a_secret_is_struck_out(self, lines: io.StringIO, message: str, values: Any) -> None:
        logging.getLogger("some.library").warning(message, *values)
        assert "***" in only(lines)["message"]
        assert not [one for one in SECRETS if one in lines.getvalue()]

    def test_telling_names_are_hidden_at_any_depth(self, lines: io.StringIO) -> None:
        logger("probe").info("x", token=SECRETS[3], data={"password": SECRETS[2], "list": [{"email": SECRETS[0]}]})
        assert not [one for one in SECRETS if one in lines.getvalue()]
        assert only(lines)["data"] == {"password": "***", "list": [{"email": "***"}]}

    def test_a_lost_tasks_error_is_not_quoted(self, lines: io.StringIO) -> None:
        told = f"Task exception was never retrieved\nfuture: <Task exception=ValueError('{SECRETS[2]}')>"
        logging.getLogger("asyncio").error(told)
        assert only(lines)["message"] == "Task exception was never retrieved"

    @pytest.mark.parametrize("odd", [2**70, "\ud800", object(), {1: 2}, float("nan"), b"\xff"])
    def test_odd_values_lose_no_line(self, lines: io.StringIO, odd: object) -> None:
        logger("probe").info("odd", value=odd)
        assert only(lines)["message"] == "odd"

    def test_a_line_that_cannot_be_written_is_counted(self, lines: io.StringIO) -> None:
        before = LOST._value.get()
        lines.close()
        logger("probe").info("into the void")
        assert LOST._value.get() == before + 1
        assert isinstance(logging.getLogger().handlers[0], Lines)


class TestHealth:
    def test_what_is_expected_is_starting_until_it_says_otherwise(self) -> None:
        health = Health()
        health.expect("database")
        assert health.report() == {
            "status": "waiting",
            "environment": "development",
            "parts": {"database": {"status": "down", "reason": "starting"}},
        }
        health.up("database")
        assert (health.ready, health.report()["status"]) == (True, "ready")

    def test_who_drains_is_not_ready_whatever_its_parts_say(self) -> None:
        health = Health()
        health.up("database")
        health.draining = True
        assert (health.ready, health.report()["status"]) == (False, "draining")
