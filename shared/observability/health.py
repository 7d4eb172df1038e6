"""Which parts of a process are up, for /health/ready to tell."""

from dataclasses import dataclass, field

from prometheus_client import Gauge

PART_UP = Gauge("health_part_up", "1 while a part of the process works, 0 while not", ["service", "part"])


@dataclass
class Health:
    """A part starts as down ("starting") when it is expected, and says itself when it is up."""

    service: str = ""  # whose metric it keeps
    parts: dict[str, str | None] = field(default_factory=dict)
    draining: bool = False

    def expect(self, name: str) -> None:
        if name not in self.parts:
            self.down(name, "starting")

    def up(self, name: str) -> None:
        self._set(name, None)

    def down(self, name: str, reason: str) -> None:
        self._set(name, reason)

    def _set(self, name: str, reason: str | None) -> None:
        self.parts[name] = reason
        if self.service:
            PART_UP.labels(self.service, name).set(reason is None)

    @property
    def ready(self) -> bool:
        return not self.draining and all(reason is None for reason in self.parts.values())

    def report(self) -> dict[str, object]:
        parts = {
            name: {"status": "up"} if reason is None else {"status": "down", "reason": reason}
            for name, reason in sorted(self.parts.items())
        }
        return {"status": "draining" if self.draining else "ready" if self.ready else "waiting", "parts": parts}
