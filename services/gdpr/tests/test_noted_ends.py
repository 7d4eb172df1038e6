"""The end of the audit log, noted outside the database, against a person who removes rows at the end."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import httpx
import orjson
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from services.gdpr.audit import noted_ends
from services.gdpr.tests.test_cli import Shell
from services.gdpr.tests.test_hash_chain import recorded, tamper, two_months, verified
from shared.backoff import Backoff
from shared.database.session import Database
from shared.http.app import Runtime
from shared.settings import Settings
from shared.testing.services import Deliver
from shared.testing.types import Headers

__all__ = ["recorded"]
CUT = (
    "DELETE FROM gdpr.audit_log WHERE id > 6",
    "DELETE FROM gdpr.audit_checkpoints WHERE first_id > 6",
)


class Receiver(http.server.BaseHTTPRequestHandler):
    """Keeps what is posted, and shows it. Fails as often as it is told."""

    lines: ClassVar[list[bytes]] = []
    tokens: ClassVar[list[str | None]] = []
    failures: ClassVar[int] = 0

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.tokens.append(self.headers["Authorization"])
        failed = Receiver.failures > 0
        Receiver.failures -= failed
        if not failed:
            self.lines.append(body)
        self.send_response(503 if failed else 204)
        self.end_headers()

    def do_GET(self) -> None:
        self.send_response(503 if Receiver.failures else 200)
        self.end_headers()
        self.wfile.write(b"".join(self.lines))

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def receiver() -> Iterator[str]:
    Receiver.lines.clear()
    Receiver.tokens.clear()
    Receiver.failures = 0
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/ends"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ends.jsonl"


@pytest.fixture
def runtime(app: FastAPI, file: Path, monkeypatch: pytest.MonkeyPatch) -> Runtime:
    """Notes to the file."""
    runtime: Runtime = app.state.runtime
    monkeypatch.setattr(runtime, "settings", runtime.settings.model_copy(update={"audit_anchor_file": file}))
    return runtime


@pytest.fixture
async def noter(runtime: Runtime, recorded: Database, owner: AsyncEngine, deliver: Deliver) -> noted_ends.Noter:
    """Six rows of last month and two of this one are noted."""
    await two_months(owner, recorded, deliver)
    noter = noted_ends.Noter(runtime)
    await noter.note()
    return noter


def kept(file: Path) -> list[bytes]:
    return file.read_bytes().splitlines()


def replace(file: Path, *lines: bytes) -> None:
    file.write_bytes(b"\n".join(lines))


async def answer(client: httpx.AsyncClient, auth_headers: Headers) -> dict[str, Any]:
    body: dict[str, Any] = (await client.get("/api/v1/audit/verify", headers=auth_headers("admin"))).json()
    return body


class TestCutTail:
    async def test_the_last_rows_removed_with_their_checkpoint_are_found_and_named(
        self,
        noter: noted_ends.Noter,
        recorded: Database,
        owner: AsyncEngine,
        client: httpx.AsyncClient,
        auth_headers: Headers,
        settings: Settings,
        file: Path,
    ) -> None:
        assert (await answer(client, auth_headers))["noted"] == "compared"
        await tamper(owner, *CUT)
        assert (await verified(recorded)).broken is None, "the chain alone does not show it"
        body = await answer(client, auth_headers)
        assert (body["intact"], body["broken"]) == (False, {"month": None, "id": 7, "reason": "cut"})
        assert (body["noted"], body["noted_last_id"]) == ("compared", 8)
        loctician = Shell(settings)
        assert (await loctician("audit", "verify"))[0] == 0, "nothing to compare with"
        loctician.environment["AUDIT_ANCHOR_FILE"] = str(file)
        code, output = await loctician("audit", "verify")
        assert (code, "BROKEN at row 7" in output, "cut" in output) == (1, True, True)

    async def test_rows_recorded_since_do_not_hide_it(
        self, noter: noted_ends.Noter, owner: AsyncEngine, deliver: Deliver, file: Path, client: httpx.AsyncClient,
        auth_headers: Headers,
    ) -> None:  # fmt: skip
        await tamper(owner, *CUT)
        noted = kept(file)
        for _ in range(3):
            await deliver("booking.conflicted.v1", {"booking_id": str(uuid4())})
        with capture_logs() as logs:
            await noter.note()
        assert [(line["event"], line["row"]) for line in logs] == [("audit_end_lost", 8)]
        assert kept(file) == noted, "the new end is not noted in place of the lost one"
        assert (await answer(client, auth_headers))["broken"] == {"month": None, "id": 8, "reason": "changed"}


class TestNoting:
    async def test_a_line_is_logged_and_kept_once_for_each_change(
        self, noter: noted_ends.Noter, deliver: Deliver, file: Path
    ) -> None:
        with capture_logs() as logs:
            await noter.note()
            await deliver("booking.conflicted.v1", {"booking_id": str(uuid4())})
            await noter.note()
            await noter.note()
        lines = [orjson.loads(line) for line in kept(file)]
        assert [line["last_id"] for line in lines] == [8, 9]
        (logged,) = [line for line in logs if line["event"] == "audit_end"]
        assert {name: logged[name] for name in lines[-1]} == lines[-1]

    async def test_a_line_that_gdpr_has_not_signed_counts_for_nothing(
        self, noter: noted_ends.Noter, file: Path, client: httpx.AsyncClient, auth_headers: Headers
    ) -> None:
        line = orjson.loads(kept(file)[0])
        forged = [line | {"last_id": 99}, line | {"head": "00"}, line | {"signature": "00" * 64}, {}, 1]
        replace(file, *(orjson.dumps(value) for value in forged), b"no json")
        body = await answer(client, auth_headers)
        assert (body["intact"], body["noted"]) == (True, "none")

    async def test_a_url_is_tried_again_and_compared_with(
        self,
        runtime: Runtime,
        recorded: Database,
        receiver: str,
        monkeypatch: pytest.MonkeyPatch,
        client: httpx.AsyncClient,
        auth_headers: Headers,
    ) -> None:
        at_url = {"audit_anchor_file": None, "audit_anchor_url": receiver, "audit_anchor_token": SecretStr("token")}
        monkeypatch.setattr(runtime, "settings", runtime.settings.model_copy(update=at_url))
        noter = noted_ends.Noter(runtime)
        monkeypatch.setattr(noted_ends, "RETRYING", Backoff(first=0.01, longest=0.01))
        Receiver.failures = 4  # one more than it is asked: once to read, three times to send
        with capture_logs() as logs:
            await noter.note()
        assert [line["event"] for line in logs if line["log_level"] in {"error", "warning"}] == [
            "audit_end_unreadable",
            "audit_end_not_kept",
        ]
        assert (await answer(client, auth_headers))["noted"] == "unreadable"
        Receiver.failures = 0
        await noter.note()
        assert [orjson.loads(line)["last_id"] for line in Receiver.lines] == [6]
        assert set(Receiver.tokens) == {"Bearer token"}
        body = await answer(client, auth_headers)
        assert (body["intact"], body["noted"], body["noted_last_id"]) == (True, "compared", 6)

    async def test_verify_fails_where_the_noted_ends_cannot_be_read(
        self, recorded: Database, settings: Settings, tmp_path: Path
    ) -> None:
        loctician = Shell(settings)
        loctician.environment["AUDIT_ANCHOR_FILE"] = str(tmp_path)
        code, output = await loctician("audit", "verify")
        assert (code, "NOT COMPARED" in output) == (2, True)
