"""The WebSocket endpoints: /ws for a signed-in user, /ws/loctician/{id} for anyone."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from starlette.types import Receive, Scope, Send

from gateway.errors import Starting, TooManyAtOnce
from gateway.identity.authentication import Authentication
from gateway.identity.tickets import Tickets, TicketsAwayError
from gateway.limits.limiter import Limiter
from gateway.metrics import WEBSOCKETS_CLOSED
from gateway.protocols import cut, is_closing
from gateway.proxy import paths
from gateway.proxy.client_address import client_network
from gateway.proxy.concurrency import CallsAtOnce
from gateway.proxy.cors import Cors
from gateway.realtime.hub import NO_TOKEN, TOO_MANY, TRY_LATER, Close, FullError, Holder, Hub, Message, Subscriber
from gateway.realtime.resume import Inbox
from keys.tokens import InvalidToken
from shared.identity.principals import principal_from
from shared.observability.log import logger

LOCTICIAN = re.compile(r"/ws/loctician/([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|me)")
MAX_MESSAGE_BYTES = 4_096
OPEN_SECONDS = 10.0  # from the upgrade until the socket is open or refused
CLOSE_SECONDS = 1.0  # for sending the close frame
CUT_SECONDS = 12.0  # uvicorn waits 10 s for the client's close frame
TOO_BIG = 1009

log = logger(__name__)
Missed = Callable[[], Awaitable[list[Message]]]


@dataclass(frozen=True, slots=True)
class Caller:
    holder: Holder
    role: str
    claims: dict[str, Any]
    expires_at: float  # epoch seconds
    token: str | None  # None if it came with a ticket


class Sockets:
    def __init__(
        self,
        hub: Hub,
        authentication: Authentication,
        tickets: Tickets,
        inbox: Inbox,
        cors: Cors,
        limiter: Limiter,
        calls: CallsAtOnce,
    ) -> None:
        self._hub = hub
        self._authentication = authentication
        self._tickets = tickets
        self._inbox = inbox
        self._cors = cors
        self._limiter = limiter
        self._calls = calls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        paths.to_origin_form(scope)
        if not paths.is_host_valid([value for name, value in scope["headers"] if name == b"host"], "1.1"):
            await _refuse(send, 400)
            return
        loctician = LOCTICIAN.fullmatch(scope["path"])
        if (scope["path"] != "/ws" and not loctician) or not self._origin_allowed(scope):
            WEBSOCKETS_CLOSED.labels("4403").inc()
            await _refuse(send, 403)
            return
        network = client_network(scope)
        try:
            self._calls.enter(network)
        except TooManyAtOnce as error:
            await _refuse(send, error.status_code)
            return
        try:
            opened = await self._open(scope, loctician[1] if loctician else None, receive, send)
        finally:
            self._calls.leave(network)
        if opened is None:
            return
        subscriber, expires_at, missed = opened
        del opened, loctician, network  # free their memory: the socket may stay open for hours
        try:
            await self._serve(subscriber, expires_at, missed, receive, send)
        finally:
            self._hub.leave(subscriber)

    async def _open(
        self, scope: Scope, loctician: str | None, receive: Receive, send: Send
    ) -> tuple[Subscriber, float | None, Missed | None] | None:
        """None if the socket was refused."""
        query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        admission = await self._admit(scope, query, loctician)
        # A refused socket is accepted and then closed: browsers give a page the close code of an open socket only.
        # An admitted one is accepted after it joined the hub: an open socket gets every message from then on.
        if isinstance(admission, Close):
            await send({"type": "websocket.accept"})
            await _close(send, admission)
            await _gone(receive, send)
            return None
        caller, subscriber = admission
        accepted = False
        try:
            await send({"type": "websocket.accept"})
            accepted = True
        finally:
            if not accepted:
                self._hub.leave(subscriber)
        return subscriber, caller.expires_at if caller else None, self._missed(query, caller, kept=loctician is None)

    async def _admit(
        self, scope: Scope, query: dict[str, list[str]], loctician: str | None
    ) -> Close | tuple[Caller | None, Subscriber]:
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                caller = await self._authenticate_and_count(scope, query)
            return caller, self._join(caller, loctician, client_network(scope))
        except TimeoutError:
            return Close(TRY_LATER, "took too long")
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

    async def _authenticate_and_count(self, scope: Scope, query: dict[str, list[str]]) -> Caller | None:
        """Counts every attempt, also those without a valid token. Raises FullError, and what `_caller` raises."""
        try:
            caller = await self._caller(query)
        except InvalidToken:
            await self._count(scope, None)
            raise
        await self._count(scope, caller)
        if caller is not None:
            self._authentication.refuse_ended_session(caller.claims)  # it may have ended in the meantime
        return caller

    async def _count(self, scope: Scope, caller: Caller | None) -> None:
        if not await self._limiter.admit_websocket(scope, str(caller.holder.user) if caller else None):
            raise FullError(Close(TOO_MANY, "too many at once"))

    async def _caller(self, query: dict[str, list[str]]) -> Caller | None:
        """Raises InvalidToken, Starting, TicketsAwayError."""
        tokens, tickets = query.get("token", []), query.get("ticket", [])
        if len(tokens) + len(tickets) > 1:
            raise InvalidToken("several")
        if tokens:
            claims = await self._authentication.claims(tokens[0])
            return _caller_of(claims, claims["exp"], tokens[0])
        if tickets:
            claims = await self._tickets.read(tickets[0])
            self._authentication.refuse_ended_session(claims)
            await self._tickets.use(claims)
            self._authentication.refuse_ended_session(claims)  # it may have ended in the meantime
            return _caller_of(claims, claims["session_exp"], None)
        return None

    def _join(self, caller: Caller | None, loctician: str | None, address: str) -> Subscriber:
        """Not async: the session cannot end unnoticed between its check and its entry in the hub."""
        if loctician == "me" and caller is None:
            raise InvalidToken("none")
        if loctician is not None:
            own = caller.holder.user if caller and loctician == "me" else UUID(loctician)
            return self._hub.join([f"loctician:{own}"], caller.holder if caller else None, address)
        if caller is None:
            raise InvalidToken("none")
        return self._hub.join([f"user:{caller.holder.user}", f"role:{caller.role}", "all"], caller.holder)

    def _missed(self, query: dict[str, list[str]], caller: Caller | None, *, kept: bool) -> Missed | None:
        last_event_ids = query.get("last_event_id")
        if last_event_ids is None:
            return None
        token = caller.token if caller else None
        return lambda: self._inbox.missed(token, last_event_ids[-1], kept=kept)

    async def _serve(
        self, subscriber: Subscriber, expires_at: float | None, missed: Missed | None, receive: Receive, send: Send
    ) -> None:
        loop = asyncio.get_running_loop()
        expiry = None
        if expires_at is not None:
            expiry = loop.call_later(max(0.0, expires_at - time.time()), subscriber.close, NO_TOKEN, "token expired")
        work = [
            asyncio.create_task(_listen(receive, subscriber)),
            asyncio.create_task(_deliver(subscriber, missed, send)),
        ]
        waiting: list[asyncio.Future[Any]] = [subscriber.closing, *work]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._hub.leave(subscriber)
            if expiry is not None:
                expiry.cancel()
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
        if subscriber.closing.done():
            await _close(send, subscriber.closing.result())


def _caller_of(claims: dict[str, Any], expires_at: float, token: str | None) -> Caller:
    principal = principal_from(claims)
    holder = Holder(principal.id, principal.session_id, claims["iat"])
    return Caller(holder, principal.role, claims, expires_at, token)


async def _deliver(subscriber: Subscriber, missed: Missed | None, send: Send) -> None:
    """Sends missed messages first, then those that arrived meanwhile and later ones; none twice."""
    sent: set[str] = set()
    if missed is not None:
        messages = await missed()
        missed = None
        sent = {message.id for message in messages}
        for message in messages:
            await send({"type": "websocket.send", "text": message.text})
        del messages
    while True:
        message = await subscriber.next()
        if message.id not in sent:
            await send({"type": "websocket.send", "text": message.text})


async def _listen(receive: Receive, subscriber: Subscriber) -> None:
    """Ignores what the client sends. Returns when it disconnects, or closes it if a message is too big."""
    while (message := await receive())["type"] != "websocket.disconnect":
        size = len(message.get("text") or "") + len(message.get("bytes") or b"")
        if size > MAX_MESSAGE_BYTES:
            subscriber.close(TOO_BIG, "message too big")
            return


async def _refuse(send: Send, status: int) -> None:
    """Answers the upgrade with an HTTP status; the connection ends."""
    headers = [(b"connection", b"close"), (b"content-length", b"0")]
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": b""})


async def _gone(receive: Receive, send: Send) -> None:
    """Waits until a refused client has left, so that those who stay do not escape the limits of their address."""
    try:
        async with asyncio.timeout(CUT_SECONDS):
            while not is_closing(send):
                await receive()
    except TimeoutError:
        cut(send)


async def _close(send: Send, close: Close) -> None:
    WEBSOCKETS_CLOSED.labels(str(close.code)).inc()
    # A client that reads nothing does not take the close frame either: its connection is cut.
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await send({"type": "websocket.close", "code": close.code, "reason": close.reason})
    except TimeoutError:
        cut(send)
    except OSError:
        return
    else:
        asyncio.get_running_loop().call_later(CUT_SECONDS, cut, send)
