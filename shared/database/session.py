"""The database: one transaction per request or message, carrying the caller's verified claims."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Executable, Row, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from keys.services import ServiceKeys
from shared.database.autocommit import AutocommitPool
from shared.database.engine import engine_to
from shared.database.notifier import OutboxNotifier
from shared.identity.derived_keys import keys_from
from shared.identity.principals import Claims
from shared.observability import metrics
from shared.settings import Settings, runtime_url

CONNECT_SECONDS = 5
STATEMENT_SECONDS = 15
LOCK_SECONDS = 10
SET_CLAIMS = text("SELECT set_config('request.jwt.claims', :claims, true)")

BeforeCommit = Callable[[AsyncSession], Awaitable[bool]]
_before_commit: list[BeforeCommit] = []


def before_commit(hook: BeforeCommit) -> None:
    """Calls `hook(session)` at the end of every transaction. It returns whether it wrote to the outbox."""
    _before_commit.append(hook)


class Database:
    """A pool of connections as the service's own role, which owns none of the tables."""

    def __init__(
        self, url: str, schema: str, *, pool_size: int = 10, echo: bool = False, keys: ServiceKeys | None = None
    ) -> None:
        self.url = url
        self.schema = schema
        self.keys = keys
        server_settings = {
            "application_name": f"loctician-{schema}",
            "search_path": f"{schema}, public",
            "statement_timeout": f"{STATEMENT_SECONDS}s",
            "lock_timeout": f"{LOCK_SECONDS}s",
            "idle_in_transaction_session_timeout": "60s",
            "jit": "off",
        }
        options = {
            "timeout": CONNECT_SECONDS,
            "command_timeout": STATEMENT_SECONDS + 5,
            "server_settings": server_settings,
        }
        self.engine: AsyncEngine = engine_to(
            url,
            connect=options,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=CONNECT_SECONDS,
            pool_pre_ping=False,
            echo=echo,
            hide_parameters=True,  # they may be personal data, and errors are logged
        )
        metrics.watch(self.engine.sync_engine, schema)
        self._autocommit = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self.autocommit = AutocommitPool(schema, url, pool_size, CONNECT_SECONDS, **options)
        self.notifier = OutboxNotifier(url, schema)

    @classmethod
    def from_settings(cls, settings: Settings, schema: str) -> "Database":
        url = runtime_url(settings, schema)
        keys = keys_from(settings, schema)
        return cls(url, schema, pool_size=settings.database_pool_size, echo=settings.sql_echo, keys=keys)

    async def close(self) -> None:
        await self.autocommit.close()
        await self.engine.dispose()

    async def call(self, statement: Executable, params: Mapping[str, Any] | None = None) -> Sequence[Row[Any]]:
        """Executes one statement in one round trip, with autocommit. A SQL function that it calls sets the claims."""
        async with self._autocommit.connect() as connection:
            return (await connection.execute(statement, params)).fetchall()


@asynccontextmanager
async def transaction(database: Database, claims: Claims) -> AsyncIterator[AsyncSession]:
    """Begins, sets the claims, runs the block and the hooks, and commits. An exception rolls everything back."""
    async with AsyncSession(database.engine, expire_on_commit=False) as session:
        session.info.update(claims=claims, keys=database.keys)
        async with session.begin():
            await session.execute(SET_CLAIMS, {"claims": claims.as_json()})
            yield session
            await session.flush()
            emitted = [await hook(session) for hook in _before_commit]
    if any(emitted):
        database.notifier.poke()
