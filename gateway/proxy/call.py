"""One HTTP call at the gateway: what came, what every answer to it carries, and the ways to answer."""

import uuid_utils
from starlette.types import Receive, Scope, Send

from gateway.proxy import compression, headers
from gateway.proxy.compression import Compressor
from gateway.proxy.headers import CONTENT_POLICY, Headers, Incoming
from shared.errors import MEDIA_TYPE, ProblemError, body_of, negotiate
from shared.http.middleware import REQUEST_ID


class Call:
    __slots__ = (
        *(
            "common",
            "incoming",
            "method",
            "path",
            "receive",
            "remembered",
            "request_id",
            "route",
            "scope",
            "send",
            "status",
        ),
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope, self.receive, self.send = scope, receive, send
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.incoming: Incoming = headers.read(scope["headers"])
        given = self.incoming.one(b"x-request-id")
        self.request_id = given if given and REQUEST_ID.fullmatch(given) else str(uuid_utils.uuid7())
        self.common: Headers = []
        self.route = "unmatched"  # for metrics: only ever one of a fixed set
        self.status = 0  # 0 until an answer has begun
        self.remembered: bytes | None = None  # when it succeeds

    async def start(self, status: int, answer_headers: Headers) -> None:
        self.status = status
        own = [*answer_headers, *self.common, (b"x-request-id", self.request_id.encode())]
        if CONTENT_POLICY[0] not in [name for name, _ in answer_headers]:
            own.append(CONTENT_POLICY)  # pages say for themselves what they need
        await self.send({"type": "http.response.start", "status": status, "headers": own})

    async def body(self, data: bytes, *, more: bool = False) -> None:
        await self.send({"type": "http.response.body", "body": data, "more_body": more})

    async def answer(self, status: int, body: bytes, media_type: str, extra: Headers | None = None) -> None:
        own = [(b"content-type", media_type.encode()), (b"cache-control", b"no-store"), *(extra or [])]
        if compression.fits(status, own, len(body)) and self.method != "HEAD":
            own = compression.varied(own)
            if compression.accepts(self.incoming):
                own, body = compression.encoded(own), await Compressor().whole(body)
        if status != 204:
            own.append((b"content-length", str(len(body)).encode()))
        await self.start(status, own)
        await self.body(body)

    async def problem(self, error: ProblemError) -> None:
        accepted = self.incoming.one(b"accept-language")
        extra = [(name.lower().encode(), value.encode()) for name, value in error.headers.items()]
        extra.append((b"content-language", negotiate(accepted).encode()))
        instance = self.path.encode("utf-8", "replace").decode()
        await self.answer(error.status_code, body_of(error, accepted, instance), MEDIA_TYPE, extra)
