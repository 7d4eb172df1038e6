"""A folder with a channel.py is all that a new channel needs."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import services.notifications as package
from domain.roles import Role
from services.notifications.deliveries.sender import Sender
from services.notifications.dispatch.channels import channels
from services.notifications.tests.conftest import KIRSTEN, Rows, booking
from shared.database.session import Database
from shared.testing.types import Deliver

ROOT = Path(__file__).parents[3]
PIGEON = """
from contextlib import asynccontextmanager

from services.notifications.dispatch.channels import Channel
from services.notifications.deliveries.queue import enqueue_for

FLOWN = []


class Loft:
    async def send(self, delivery, names):
        FLOWN.append(delivery["full_name"])
        return "ring-1"

    @asynccontextmanager
    async def connect(self):
        yield self


CHANNEL = Channel("pigeon", enqueue_for("pigeon"), external=True, transport=lambda settings: Loft())
"""


@pytest.fixture
def pigeon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    folder = tmp_path / "pigeon"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "channel.py").write_text(PIGEON)
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    channels.cache_clear()
    yield
    channels.cache_clear()
    for name in ("pigeon.channel", "pigeon"):
        sys.modules.pop(f"services.notifications.{name}", None)


@pytest.mark.parametrize("first", ["main", "settings", "cli", "sms.channel", "models"])
def test_every_module_can_be_imported_first(first: str) -> None:
    command = [sys.executable, "-c", f"import services.notifications.{first}"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr


def test_channels_in_the_app_come_first() -> None:
    assert list(channels()) == ["inapp", "websocket", "mail", "sms"]


@pytest.mark.usefixtures("salon", "pigeon")
async def test_a_new_folder_is_used_offered_and_sent_through(
    deliver: Deliver, database: Database, rows: Rows, client: httpx.AsyncClient, auth_headers: object
) -> None:
    assert callable(auth_headers)
    await deliver("booking.created.v1", booking(), version=1)
    assert {row["channel"] for row in await rows("deliveries")} == {"mail", "pigeon"}
    channel = channels()["pigeon"]
    assert await Sender(database, channel, channel.transport(None)).send_due() == 2  # type: ignore[arg-type]
    sent = [row for row in await rows("deliveries") if row["channel"] == "pigeon"]
    assert {(row["status"], row["message_id"]) for row in sent} == {("sent", "ring-1")}
    headers = auth_headers(Role.CUSTOMER, KIRSTEN)
    answer = await client.get("/api/v1/notifications/preferences", headers=headers)
    assert "pigeon" in answer.json()["kinds"][1]["channels"]
