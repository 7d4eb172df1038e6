"""The keys that a process has: of one service, from its own secret, or all of it from SECRET_KEY."""

from sqlalchemy.ext.asyncio import AsyncSession

from keys.services import ServiceKeys, read_directory, service_secret
from shared.settings import Settings, own_setting


def keys_from(settings: Settings, service: str) -> ServiceKeys:
    if settings.secret_key is not None:
        previous = settings.secret_key_previous
        return ServiceKeys.from_root(service, settings.root_key, previous.get_secret_value() if previous else None)
    return ServiceKeys(service, own_secrets(settings, service), read_directory(settings.public_keys or ""))


def own_secrets(settings: Settings, service: str) -> list[str]:
    """The service's secret, then the one before it."""
    if settings.secret_key is not None:
        roots = (settings.secret_key, settings.secret_key_previous)
        return [service_secret(root.get_secret_value(), service) for root in roots if root]
    return [own for name in ("secret_key", "secret_key_previous") if (own := own_setting(f"{service}_{name}"))]


def keys_of(session: AsyncSession) -> ServiceKeys:
    """The keys of the service whose database the transaction runs on."""
    keys: ServiceKeys | None = session.info.get("keys")
    if keys is None:
        raise RuntimeError("this database was opened without the service's secret")
    return keys
