"""The errors with which SQLAlchemy and the driver report that the database is unreachable or refused a statement."""

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

DATABASE_ERRORS: tuple[type[Exception], ...] = (
    OSError,
    DBAPIError,
    PoolTimeout,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)


def sqlstate(error: BaseException) -> str:
    """The SQLSTATE of an error of SQLAlchemy or of the driver; empty if it has none."""
    return str(getattr(getattr(error, "orig", error), "sqlstate", None) or "")
