"""The WebSocket endpoints: /ws for a signed-in person, /ws/loctician/{id} for anyone."""

import asyncio
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from starlette.types import Receive, Scope, Send

from gateway.headers import Cors
from gateway.realtime.hub import NO_TOKEN, Close, FullError, Hub, Member
from shared.auth import InvalidToken, Principal, TokenVerifier, principal_from
from shared.log import logger

LOCTICIAN = re.compile(r"/ws/loctician/([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})")
MAX_MESSAGE_BYTES = 4_096
MESSAGES_PER_MINUTE = 120
CLOSE_SECONDS = 1.0
TOO_BIG, POLICY = 1009, 1008

log = logger(__name__)


@dataclass(frozen=True)
class Caller:
    principal: Principal | None
    expires_in: float | None  # seconds


NOBODY = Caller(None, None)


class Sockets:
    def __init__(self, hub: Hub, verifier: TokenVerifier, cors: Cors) -> None:
        self._hub = hub
        self._verifier = verifier
        self._cors = cors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        loctician = LOCTICIAN.fullmatch(scope["path"])
        if (scope["path"] != "/ws" and not loctician) or not self._origin_allowed(scope):
            await send({"type": "websocket.close", "code": 4403})
            return
        # Accepted even when about to be closed: a browser shows a page the code of an open socket only.
        await send({"type": "websocket.accept"})
        try:
            caller = await self._caller(scope)
            member = self._join(caller, UUID(loctician[1]) if loctician else None)
        except InvalidToken:
            await _close(send, Close(NO_TOKEN, "no valid access token"))
        except FullError as error:
            await _close(send, error.close)
        else:
            await self._serve(member, caller, receive, send)

    def _origin_allowed(self, scope: Scope) -> bool:
        origins = [value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"]
        return not origins or (len(origins) == 1 and self._cors.allows(origins[0]))

    async def _caller(self, scope: Scope) -> Caller:
        tokens = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True).get("token", [])
        if not tokens:
            return NOBODY
        if len(tokens) > 1:
            raise InvalidToken("several")
        claims = await self._verifier.verify(tokens[0])
        return Caller(principal_from(claims), float(claims["exp"]) - time.time())

    def _join(self, caller: Caller, loctician: UUID | None) -> Member:
        who = caller.principal
        if loctician is None and who is None:
            raise InvalidToken("none")
        audiences = [f"loctician:{loctician}"] if loctician else []
        if loctician is None and who is not None:
            audiences = [f"user:{who.id}", f"role:{who.role}", "all"]
        return self._hub.join(audiences, who.id if who else None, who.session_id if who else None)

    async def _serve(self, member: Member, caller: Caller, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        expiry = None
        if caller.expires_in is not None:
            expiry = loop.call_later(max(0.0, caller.expires_in), member.close, NO_TOKEN, "token expired")
        work = [asyncio.create_task(_listen(receive, member)), asyncio.create_task(_deliver(member, send))]
        waiting: list[asyncio.Future[Any]] = [member.closing, *work]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._hub.leave(member)
            if expiry is not None:
                expiry.cancel()
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
        if member.closing.done():
            await _close(send, member.closing.result())


async def _deliver(member: Member, send: Send) -> None:
    while True:
        await send({"type": "websocket.send", "text": await member.next()})


async def _listen(receive: Receive, member: Member) -> None:
    """Nothing is expected from clients; returns when one leaves or sends more than a little."""
    minute, count = 0, 0
    while (message := await receive())["type"] != "websocket.disconnect":
        size = len(message.get("text") or "") + len(message.get("bytes") or b"")
        now = int(time.monotonic() // 60)
        minute, count = now, count + 1 if now == minute else 1
        if size > MAX_MESSAGE_BYTES:
            member.close(TOO_BIG, "message too big")
            return
        if count > MESSAGES_PER_MINUTE:
            member.close(POLICY, "too many messages")
            return


async def _close(send: Send, close: Close) -> None:
    # A client that reads nothing cannot take the close frame either; nobody waits for it.
    with suppress(TimeoutError, OSError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await send({"type": "websocket.close", "code": close.code, "reason": close.reason})
