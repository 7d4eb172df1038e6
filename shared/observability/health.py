"""Which parts of a process are up, for /health/ready."""

from dataclasses import dataclass, field

from prometheus_client import Gauge

ENVIRONMENT = Gauge("process_environment", "1 for the environment that the process runs in", ["service", "environment"])
PART_UP = Gauge("health_part_up", "1 while a part of the process is up, else 0", ["service", "part"])


@dataclass
class Health:
    """An expected part is down ("starting") until it reports that it is up."""

    service: str = ""  # the label of its metric; empty for none
    environment: str = "development"
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
            ENVIRONMENT.labels(self.service, self.environment).set(1)
            PART_UP.labels(self.service, name).set(reason is None)

    @property
    def ready(self) -> bool:
        return not self.draining and all(reason is None for reason in self.parts.values())

    def report(self) -> dict[str, object]:
        parts = {
            name: {"status": "up"} if reason is None else {"status": "down", "reason": reason}
            for name, reason in sorted(self.parts.items())
        }
        status = "draining" if self.draining else "ready" if self.ready else "waiting"
        return {"status": status, "environment": self.environment, "parts": parts}
