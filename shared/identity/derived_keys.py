"""The keys that a process derives from SECRET_KEY."""

from sqlalchemy.ext.asyncio import AsyncSession

from keys.derived import Keys
from shared.settings import Settings


def keys_from(settings: Settings) -> Keys:
    previous = settings.secret_key_previous
    return Keys(settings.secret_key.get_secret_value(), previous.get_secret_value() if previous else None)


def keys_of(session: AsyncSession) -> Keys:
    """The keys of the database that the transaction runs on."""
    keys: Keys | None = session.info.get("keys")
    if keys is None:
        raise RuntimeError("this database was opened without SECRET_KEY")
    return keys
