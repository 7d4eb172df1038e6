"""The keys of tests: those of services, and a fixed key source that verifies the tokens that tests issue."""

from collections.abc import Mapping

from keys.services import ServiceKeys
from keys.tokens import Key
from shared.testing.servers import secret_key


def keys_for(service: str) -> ServiceKeys:
    """As the service has them in tests."""
    return ServiceKeys.from_root(service, secret_key())


class StaticJwks:
    def __init__(self, keys: Mapping[str, Key]) -> None:
        self._keys = dict(keys)

    async def key(self, kid: str) -> Key | None:
        return self._keys.get(kid)
