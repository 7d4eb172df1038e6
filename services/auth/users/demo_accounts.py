"""Ends auth in production and staging when the database has demo accounts: everybody knows their password.

The database is asked before the start. Where it does not answer then, the process is not ready until it has answered.
"""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI

from services.auth.demo import USER_IDS
from services.auth.settings import AuthSettings
from services.auth.users import queries
from shared.database.errors import DATABASE_ERRORS
from shared.database.session import Database, transaction
from shared.http.app import Runtime
from shared.identity.principals import SERVICE_CLAIMS
from shared.messaging.broker import supervise
from shared.settings import Settings

PART = "demo_accounts"  # of the process's health
CHECK_SECONDS = 10.0
REFUSAL = "Cannot start: the database has demo accounts, which must be erased or deactivated in {environment}"


def refuse_demo_accounts(settings: AuthSettings) -> None:
    """Exits with one line when there are any. Returns while the database cannot be read."""
    if not settings.like_production:
        return
    answers: list[bool | None] = []
    asking = threading.Thread(target=lambda: answers.append(_first_answer(settings)))  # a loop runs in this thread
    asking.start()
    asking.join()
    if answers == [True]:
        sys.exit(REFUSAL.format(environment=settings.environment))


def watch_demo_accounts(app: FastAPI) -> None:
    """In production and staging: makes the process ready once the database was read, or ends it, in every role."""
    runtime: Runtime = app.state.runtime
    if not runtime.settings.like_production:
        return
    runtime.health.expect(PART)
    lifespan = app.router.lifespan_context

    @asynccontextmanager
    async def watched(app: FastAPI) -> AsyncIterator[None]:
        check = partial(_end_or_wait, runtime)
        task = asyncio.create_task(supervise(PART, check, runtime.health), name=PART)  # asks again with backoff
        try:
            async with lifespan(app):
                yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    app.router.lifespan_context = watched


async def _end_or_wait(runtime: Runtime) -> None:
    async with asyncio.timeout(CHECK_SECONDS):
        refused = await _has_demo_accounts(runtime.database)
    if refused:
        _end(runtime.settings)
    else:
        runtime.health.up(PART)
    await asyncio.Event().wait()


def _end(settings: Settings) -> None:
    """Writes the refusal and stops the process as its supervisor would."""
    sys.stderr.write(f"{REFUSAL.format(environment=settings.environment)}\n")
    sys.stderr.flush()
    os.kill(os.getpid(), signal.SIGTERM)


def _first_answer(settings: AuthSettings) -> bool | None:
    """None if the database cannot be read."""

    async def ask() -> bool:
        database = Database.from_settings(settings, "auth")
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                return await _has_demo_accounts(database)
        finally:
            await database.close()

    try:
        return asyncio.run(ask())
    except DATABASE_ERRORS:
        return None


async def _has_demo_accounts(database: Database) -> bool:
    async with transaction(database, SERVICE_CLAIMS) as session:
        return await queries.has_active_user(session, USER_IDS.values())
