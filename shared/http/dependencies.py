"""Dependencies of endpoints: the database, a transaction with the caller's claims, the response's language."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from shared.database.session import Database, transaction
from shared.errors import negotiate
from shared.http.middleware import LANGUAGE
from shared.identity.access import Identified
from shared.identity.principals import claims_of


async def request_language(request: Request) -> str:
    language = request.scope[LANGUAGE] = negotiate(request.headers.get("accept-language"))
    return language


request_language.__negotiates__ = True  # type: ignore[attr-defined]  # for the OpenAPI document


async def _database(request: Request) -> Database:
    database: Database = request.app.state.runtime.database
    return database


LanguageDep = Annotated[str, Depends(request_language)]
DatabaseDep = Annotated[Database, Depends(_database)]


async def begin_session(database: DatabaseDep, principal: Identified) -> AsyncIterator[AsyncSession]:
    async with transaction(database, claims_of(principal)) as session:
        yield session


# With the default scope the commit comes after the response: a failing commit would still answer 200.
SessionDep = Annotated[AsyncSession, Depends(begin_session, scope="function")]
