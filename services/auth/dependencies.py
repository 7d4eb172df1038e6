"""FastAPI dependencies of the endpoints: the caller's role, the context and the client."""

from typing import Annotated

from fastapi import Depends, Request

from domain.roles import Role
from services.auth.context import AuthContext
from services.auth.logins.client import MAX_USER_AGENT_LENGTH, Client
from shared.identity.access import ANYONE, SIGNED_IN, allow
from shared.identity.principals import Principal

Anyone = Annotated[Principal | None, ANYONE]
SignedIn = Annotated[Principal, SIGNED_IN]
Staff = Annotated[Principal, allow(Role.STAFF, Role.ADMIN)]
Admin = Annotated[Principal, allow(Role.ADMIN)]


async def _context(request: Request) -> AuthContext:
    context: AuthContext = request.app.state.auth
    return context


async def _client(request: Request) -> Client:
    """The client as the server sees it. Behind the gateway the address comes from X-Forwarded-For."""
    user_agent = request.headers.get("user-agent", "")[:MAX_USER_AGENT_LENGTH].replace("\x00", "")
    return Client(request.client.host if request.client else "unknown", user_agent)


ContextDep = Annotated[AuthContext, Depends(_context)]
ClientDep = Annotated[Client, Depends(_client)]
