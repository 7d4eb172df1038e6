"""Ends auth in production and staging when the database has demo accounts: everybody knows their password."""

import asyncio
import os
import signal
import sys
import threading
import time

from services.auth.demo import USER_IDS
from services.auth.settings import AuthSettings
from services.auth.users import queries
from shared.database.errors import DATABASE_ERRORS
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS

RETRY_SECONDS = 5.0
REFUSAL = "Cannot start: the database has demo accounts, which must be erased or deactivated in {environment}"


def refuse_demo_accounts(settings: AuthSettings) -> None:
    """Exits when there are any. While the database cannot be read, a thread asks again and may end it later."""
    if not settings.like_production:
        return
    answers: list[bool | None] = []
    first = threading.Thread(target=lambda: answers.append(_has_demo_accounts(settings)))  # a loop runs in this thread
    first.start()
    first.join()
    if answers == [True]:
        sys.exit(REFUSAL.format(environment=settings.environment))
    if answers != [False]:
        threading.Thread(target=_watch, args=(settings,), name="demo accounts", daemon=True).start()


def _watch(settings: AuthSettings) -> None:
    while (answer := _has_demo_accounts(settings)) is None:
        time.sleep(RETRY_SECONDS)
    if answer:
        sys.stderr.write(f"{REFUSAL.format(environment=settings.environment)}\n")
        os.kill(os.getpid(), signal.SIGTERM)  # whoever restarts it gets the exit code of the refusal


def _has_demo_accounts(settings: AuthSettings) -> bool | None:
    """None if the database cannot be read."""
    try:
        return asyncio.run(_ask(settings))
    except DATABASE_ERRORS:
        return None


async def _ask(settings: AuthSettings) -> bool:
    database = Database.from_settings(settings, "auth")
    try:
        async with transaction(database, SERVICE_CLAIMS) as session:
            return await queries.has_active_user(session, USER_IDS.values())
    finally:
        await database.close()
