"""Ports, names and passwords of a private instance, kept over restarts."""

import hashlib
import json
import secrets
from collections.abc import Callable
from pathlib import Path


def digest(folder: Path, digits: int = 8) -> str:
    """Hexadecimal digits that tell this folder from others of the machine, for names that all of them share."""
    return hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:digits]


class State:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._values: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}

    def get(self, name: str) -> str | None:
        return self._values.get(name)

    def set(self, name: str, value: str) -> str:
        if self._values.get(name) != value:
            self._values[name] = value
            self._path.touch(0o600)
            self._path.write_text(json.dumps(self._values, indent=2))
        return value

    def secret(self, name: str) -> str:
        return self.set(f"secret-{name}", self._values.get(f"secret-{name}") or secrets.token_urlsafe(32))

    def port(self, name: str, find: Callable[[int | None], int]) -> int:
        """The port of last time where it is still free."""
        known = self._values.get(f"port-{name}")
        return int(self.set(f"port-{name}", str(find(int(known) if known else None))))
