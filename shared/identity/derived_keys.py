"""The keys that a process has: of one service."""

from sqlalchemy.ext.asyncio import AsyncSession

from keys.services import ServiceKeys, service_secret
from shared.settings import Settings


def keys_from(settings: Settings, service: str) -> ServiceKeys:
    return ServiceKeys.from_root(service, *_roots(settings))


def own_secrets(settings: Settings, service: str) -> list[str]:
    """The service's secret, then the one before it."""
    return [service_secret(root, service) for root in _roots(settings)]


def _roots(settings: Settings) -> list[str]:
    return [root.get_secret_value() for root in (settings.secret_key, settings.secret_key_previous) if root]


def keys_of(session: AsyncSession) -> ServiceKeys:
    """The keys of the service whose database the transaction runs on."""
    keys: ServiceKeys | None = session.info.get("keys")
    if keys is None:
        raise RuntimeError("this database was opened without the service's secret")
    return keys
