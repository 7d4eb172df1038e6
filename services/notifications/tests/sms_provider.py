"""A real HTTP server that speaks GatewayAPI's and Twilio's API; it accepts SMS or refuses as it is set to."""

import base64
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

TOKEN = "gatewayapi-token"
ACCOUNT, SECRET = "AC0123456789", "twilio-secret"
BASIC = f"Basic {base64.b64encode(f'{ACCOUNT}:{SECRET}'.encode()).decode()}"
TWILIOS = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
UNKNOWN = "+4590000001"  # to these providers


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class SmsProvider:
    texts: list[dict[str, Any]] = field(default_factory=list)
    refuse_with: int | None = None
    hang: float = 0.0
    garbage: bool = False
    hang_up: bool = False  # after taking a text, instead of answering
    looked_for: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, path: str, headers: Any, body: bytes | None) -> tuple[int, dict[str, Any]]:
        if self.refuse_with is not None:
            return self.refuse_with, {"code": "0x0400", "message": "refused"}
        if body is None:
            return self._twilios_list(headers, urlsplit(path))
        if path == "/mobile/single":
            return self._gatewayapi(headers, body)
        if path == TWILIOS:
            return self._twilio(headers, body)
        return 404, {}

    def _gatewayapi(self, headers: Any, body: bytes) -> tuple[int, dict[str, Any]]:
        if headers["Authorization"] != f"Token {TOKEN}":
            return 401, {"code": "0x0307", "message": "bad token"}
        message = json.loads(body)
        if not isinstance(message["recipient"], int):
            return 422, {"message": "recipient is a number"}
        if f"+{message['recipient']}" == UNKNOWN:
            return 400, {"code": "0x0213", "message": "unknown recipient"}
        self.texts.append(
            {"to": f"+{message['recipient']}", "from": message["sender"], "text": message["message"], **message}
        )
        return 202, {
            "msg_id": f"msg-{len(self.texts)}",
            "recipient": message["recipient"],
            "reference": message["reference"],
        }

    def _twilio(self, headers: Any, body: bytes) -> tuple[int, dict[str, Any]]:
        if headers["Authorization"] != BASIC:
            return 401, {"code": 20003, "message": "Authenticate", "status": 401}
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        if form["To"] == UNKNOWN:
            return 400, {"code": 21211, "message": "Invalid 'To' Phone Number", "status": 400}
        sent = {"to": form["To"], "from": form["From"], "body": form["Body"], "date_created": format_datetime(now())}
        answer = {"sid": f"SM{len(self.texts) + 1}", "status": "queued"}
        self.texts.append({"text": form["Body"], **sent, **answer})
        return 201, sent | answer

    def _twilios_list(self, headers: Any, url: SplitResult) -> tuple[int, dict[str, Any]]:
        """The newest first, of the number asked for."""
        if headers["Authorization"] != BASIC or url.path != TWILIOS:
            return 401, {"code": 20003, "message": "Authenticate", "status": 401}
        query = parse_qs(url.query)
        (number,), (size,) = query["To"], query["PageSize"]
        self.looked_for.append(number)
        newest = [sms for sms in reversed(self.texts) if sms["to"] == number]
        return 200, {"messages": newest[: int(size)], "next_page_uri": None}


def _handler(provider: SmsProvider, stop: threading.Event) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers["Content-Length"])))

        def do_GET(self) -> None:
            self._answer(None)

        def _answer(self, body: bytes | None) -> None:
            stop.wait(provider.hang)
            status, answer = provider.answer(self.path, self.headers, body)
            if provider.hang_up and body is not None:
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            content = b"<html>?" if provider.garbage else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """QuietHours."""

    return Handler


@contextmanager
def running_sms_provider() -> Iterator[SmsProvider]:
    provider, stop = SmsProvider(), threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(provider, stop))
    server.handle_error = lambda *_: None  # type: ignore[method-assign] # clients that leave early are expected
    provider.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield provider
    finally:
        stop.set()
        server.shutdown()
        thread.join()
        server.server_close()
