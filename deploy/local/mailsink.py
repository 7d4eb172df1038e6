"""A mail server for development: accepts every mail and keeps it as a file."""

import argparse
import asyncio
import re
import signal
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

MAX_MAIL_BYTES = 5_000_000


class Keep:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        content = envelope.original_content or b""
        for recipient in envelope.rcpt_tos:
            time = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
            name = re.sub(r"[^A-Za-z0-9@._-]", "_", recipient)[:80]
            partial = self._folder / f".{uuid4().hex}"
            partial.write_bytes(content)
            partial.rename(self._folder / f"{time}-{name}.eml")
        return "250 Kept"


async def serve(folder: Path, port: int) -> None:
    controller = Controller(Keep(folder), hostname="127.0.0.1", port=port, data_size_limit=MAX_MAIL_BYTES)
    controller.start()
    stopped = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    await stopped.wait()
    controller.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--dir", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.dir.mkdir(parents=True, exist_ok=True)
    asyncio.run(serve(arguments.dir, arguments.port))


if __name__ == "__main__":
    main()
