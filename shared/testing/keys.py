"""A key source with fixed keys, for verifying the tokens that tests issue."""

from collections.abc import Mapping

from shared.identity.tokens import Key


class StaticJwks:
    def __init__(self, keys: Mapping[str, Key]) -> None:
        self._keys = dict(keys)

    async def key(self, kid: str) -> Key | None:
        return self._keys.get(kid)
