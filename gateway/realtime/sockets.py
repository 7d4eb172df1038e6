"""The WebSocket endpoints: /ws for a signed-in person, /ws/loctician/{id} for anyone."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from starlette.types import Receive, Scope, Send

from gateway.errors import Starting
from gateway.identity.authentication import Authentication
from gateway.identity.tickets import Tickets, TicketsAwayError
from gateway.limits.limiter import Limiter
from gateway.metrics import WEBSOCKETS_CLOSED
from gateway.proxy.client_address import client_of
from gateway.proxy.headers import Cors
from gateway.realtime.hub import NO_TOKEN, TOO_MANY, TRY_LATER, Close, FullError, Holder, Hub, Member, Message
from gateway.realtime.resume import Inbox
from gateway.server import cut
from shared.identity.principals import principal_from
from shared.identity.tokens import InvalidToken
from shared.observability.log import logger

LOCTICIAN = re.compile(r"/ws/loctician/([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})")
MAX_MESSAGE_BYTES = 4_096
MESSAGES_PER_MINUTE = 120
CLOSE_SECONDS = 1.0
CUT_SECONDS = 12.0  # uvicorn waits ten for the client's part of the closing
TOO_BIG, POLICY = 1009, 1008

log = logger(__name__)
Missed = Callable[[], Awaitable[list[Message]]]


@dataclass(frozen=True, slots=True)
class Caller:
    holder: Holder
    role: str
    claims: dict[str, Any]
    expires_at: float  # epoch seconds
    token: str | None  # none is at hand when a ticket was given


class Sockets:
    def __init__(
        self, hub: Hub, access: Authentication, tickets: Tickets, inbox: Inbox, cors: Cors, limits: Limiter
    ) -> None:
        self._hub = hub
        self._access = access
        self._tickets = tickets
        self._inbox = inbox
        self._cors = cors
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        loctician = LOCTICIAN.fullmatch(scope["path"])
        if (scope["path"] != "/ws" and not loctician) or not self._origin_allowed(scope):
            WEBSOCKETS_CLOSED.labels("4403").inc()
            await send({"type": "websocket.close", "code": 4403})
            return
        query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        found = await self._let_in(scope, query, UUID(loctician[1]) if loctician else None)
        # Accepted even when about to be closed: a browser shows a page the code of an open socket only. And not before:
        # whoever is told that it is open hears everything from then on.
        if isinstance(found, Close):
            await send({"type": "websocket.accept"})
            await _close(send, found)
            return
        caller, member = found
        missed = self._missed(query, caller, kept=loctician is None)
        expires_at = caller.expires_at if caller else None
        del query, found, caller  # it may stay open for hours
        try:
            await send({"type": "websocket.accept"})
            await self._serve(member, expires_at, missed, receive, send)
        finally:
            self._hub.leave(member)

    async def _let_in(
        self, scope: Scope, query: dict[str, list[str]], loctician: UUID | None
    ) -> Close | tuple[Caller | None, Member]:
        try:
            caller = await self._counted(scope, query)
            return caller, self._join(caller, loctician, client_of(scope))
        except InvalidToken:
            return Close(NO_TOKEN, "no valid access token or ticket")
        except Starting:
            return Close(TRY_LATER, "starting")
        except TicketsAwayError:
            return Close(TRY_LATER, "tickets cannot be checked now")
        except FullError as error:
            return error.close

    def _origin_allowed(self, scope: Scope) -> bool:
        origins = [value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"]
        return not origins or (len(origins) == 1 and self._cors.allows(origins[0]))

    async def _counted(self, scope: Scope, query: dict[str, list[str]]) -> Caller | None:
        """Whoever opens one, also in vain, opens only so many a minute. Raises FullError, and what `_caller` raises."""
        try:
            caller = await self._caller(query)
        except InvalidToken:
            await self._refuse_many(scope, None)
            raise
        await self._refuse_many(scope, caller)
        if caller is not None:
            self._access.refuse_ended(caller.claims)  # it may have ended meanwhile
        return caller

    async def _refuse_many(self, scope: Scope, caller: Caller | None) -> None:
        if not await self._limits.admits(scope, str(caller.holder.user) if caller else None):
            raise FullError(Close(TOO_MANY, "too many at once"))

    async def _caller(self, query: dict[str, list[str]]) -> Caller | None:
        """Raises InvalidToken, Starting, TicketsAwayError."""
        tokens, tickets = query.get("token", []), query.get("ticket", [])
        if len(tokens) + len(tickets) > 1:
            raise InvalidToken("several")
        if tokens:
            claims = await self._access.claims(tokens[0])
            return _caller_of(claims, claims["exp"], tokens[0])
        if tickets:
            claims = await self._tickets.read(tickets[0])
            self._access.refuse_ended(claims)
            await self._tickets.use(claims)
            self._access.refuse_ended(claims)  # it may have ended meanwhile
            return _caller_of(claims, claims["session_exp"], None)
        return None

    def _join(self, caller: Caller | None, loctician: UUID | None, address: str) -> Member:
        """Awaits nothing: between the check of a session and its being in the hub it cannot end unseen."""
        if loctician is not None:
            return self._hub.join([f"loctician:{loctician}"], caller.holder if caller else None, address)
        if caller is None:
            raise InvalidToken("none")
        return self._hub.join([f"user:{caller.holder.user}", f"role:{caller.role}", "all"], caller.holder)

    def _missed(self, query: dict[str, list[str]], caller: Caller | None, *, kept: bool) -> Missed | None:
        asked = query.get("last_event_id")
        if asked is None:
            return None
        token = caller.token if caller else None
        return lambda: self._inbox.missed(token, asked[-1], kept=kept)

    async def _serve(
        self, member: Member, expires_at: float | None, missed: Missed | None, receive: Receive, send: Send
    ) -> None:
        loop = asyncio.get_running_loop()
        expiry = None
        if expires_at is not None:
            expiry = loop.call_later(max(0.0, expires_at - time.time()), member.close, NO_TOKEN, "token expired")
        work = [asyncio.create_task(_listen(receive, member)), asyncio.create_task(_deliver(member, missed, send))]
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


def _caller_of(claims: dict[str, Any], expires_at: float, token: str | None) -> Caller:
    who = principal_from(claims)
    return Caller(Holder(who.id, who.session_id, claims["iat"]), who.role, claims, expires_at, token)


async def _deliver(member: Member, missed: Missed | None, send: Send) -> None:
    """What was missed first; what comes meanwhile waits, and what both tell of is told once."""
    told: set[str] = set()
    if missed is not None:
        messages = await missed()
        missed = None
        told = {message.id for message in messages}
        for message in messages:
            await send({"type": "websocket.send", "text": message.text})
        del messages
    while True:
        message = await member.next()
        if message.id not in told:
            await send({"type": "websocket.send", "text": message.text})


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
    WEBSOCKETS_CLOSED.labels(str(close.code)).inc()
    # A client that reads nothing cannot take the close frame either, nor what was sent before it; nobody waits for it.
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await send({"type": "websocket.close", "code": close.code, "reason": close.reason})
    except TimeoutError:
        cut(send)
    except OSError:
        return
    else:
        asyncio.get_running_loop().call_later(CUT_SECONDS, cut, send)
