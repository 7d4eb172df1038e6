"""Which parts of a process are up, for /health/ready to tell."""

from dataclasses import dataclass, field


@dataclass
class Health:
    """A part starts as down ("starting") when it is expected, and says itself when it is up."""

    parts: dict[str, str | None] = field(default_factory=dict)
    draining: bool = False

    def expect(self, name: str) -> None:
        self.parts.setdefault(name, "starting")

    def up(self, name: str) -> None:
        self.parts[name] = None

    def down(self, name: str, reason: str) -> None:
        self.parts[name] = reason

    @property
    def ready(self) -> bool:
        return not self.draining and all(reason is None for reason in self.parts.values())

    def report(self) -> dict[str, object]:
        parts = {
            name: {"status": "up"} if reason is None else {"status": "down", "reason": reason}
            for name, reason in sorted(self.parts.items())
        }
        return {"status": "draining" if self.draining else "ready" if self.ready else "waiting", "parts": parts}
