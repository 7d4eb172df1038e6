"""Ports and passwords of a private instance, kept over restarts."""

import json
import secrets
from collections.abc import Callable
from pathlib import Path


class State:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._values: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}

    def secret(self, name: str) -> str:
        return self._keep(f"secret-{name}", self._values.get(f"secret-{name}") or secrets.token_urlsafe(32))

    def port(self, name: str, find: Callable[[int | None], int]) -> int:
        """The port of last time where it is still free."""
        known = self._values.get(f"port-{name}")
        return int(self._keep(f"port-{name}", str(find(int(known) if known else None))))

    def _keep(self, name: str, value: str) -> str:
        if self._values.get(name) != value:
            self._values[name] = value
            self._path.touch(0o600)
            self._path.write_text(json.dumps(self._values, indent=2))
        return value
