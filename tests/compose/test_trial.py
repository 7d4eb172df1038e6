"""Compose from a fresh clone: everything starts, takes bookings through the edge, and loses none of them to SIGKILL."""

import asyncio
import random

import httpx
import pytest

from shared.testing.waiting import eventually
from tests.chaos.customers import Customers
from tests.compose.project import Project, say
from tests.e2e.salon import bearer, sign_in

pytestmark = [pytest.mark.compose, pytest.mark.slow]
RECOVERY_SECONDS = 180
KILLED = ("auth", "booking", "calendar", "notifications", "gdpr", "gateway", "edge", "rabbitmq", "postgres")


def healthy(trial: Project) -> dict[str, str]:
    """Services that are not healthy."""
    return {name: state for name, state in trial.states().items() if state != "healthy" and name != "migrate"}


async def recovered(trial: Project, what: str) -> None:
    async def unhealthy() -> dict[str, str]:
        await asyncio.sleep(1)
        return await asyncio.to_thread(healthy, trial)

    await eventually(unhealthy, lambda found: not found, what, RECOVERY_SECONDS)


class TestFreshClone:
    def test_every_container_is_healthy(self, trial: Project) -> None:
        states = trial.states()
        assert states.pop("migrate") == "exited"
        assert set(states.values()) == {"healthy"}
        assert set(states) == {*KILLED, "mailpit", "backup"}

    def test_the_operators_command_answers(self, trial: Project) -> None:
        done = trial.run("docker", "compose", "run", "--rm", "cli", "status")
        for service in ("auth", "booking", "calendar", "notifications", "gdpr"):
            assert service in done.stdout


class TestKilled:
    async def test_no_booking_is_lost_while_every_container_is_killed(self, trial: Project) -> None:
        context = trial.trust()
        async with httpx.AsyncClient(base_url=trial.url, timeout=10, verify=context) as http:
            tokens = [await sign_in(http, f"{name}@loctician.example") for name in ("kunde", "kunde2")]
            services = (await http.get("/api/v1/services")).json()["items"]
            customers = Customers(trial.url, [service["id"] for service in services], random.Random(7), verify=context)
            customers.tokens += tokens
            enough = asyncio.Event()
            acting = [asyncio.create_task(customers.act(enough)) for _ in range(3)]
            for service in KILLED:
                before = len(customers.ledger.accepted)
                await asyncio.to_thread(trial.kill, service)
                await recovered(trial, f"{service} running again")

                async def booked(before: int = before) -> int:
                    await asyncio.sleep(0.5)
                    return len(customers.ledger.accepted) - before

                await eventually(booked, bool, f"a booking after {service} was killed", RECOVERY_SECONDS)
            enough.set()
            await asyncio.gather(*acting)
            await customers.close()
            ledger = customers.ledger
            made, cancelled = len(ledger.accepted), len(ledger.cancelled)
            say(f"{made} bookings made, {cancelled} cancelled, answers {dict(ledger.answers)}")
            found = {}
            for id_, token in ledger.accepted.items():
                answer = await http.get(f"/api/v1/bookings/{id_}", headers=bearer(token))
                assert answer.status_code == 200, answer.text
                found[id_] = answer.json()["status"] == "cancelled"
            assert found == {id_: id_ in ledger.cancelled for id_ in ledger.accepted}
        await self._settled(trial)

    async def _settled(self, trial: Project) -> None:
        """Nothing waits, nothing is dead, and every copy agrees with its source."""

        async def status() -> int:
            await asyncio.sleep(1)
            return (await asyncio.to_thread(trial.cli, "status", check=False)).returncode

        await eventually(status, lambda code: code == 0, "nothing that waits", RECOVERY_SECONDS)
        drift = await asyncio.to_thread(trial.cli, "drift", check=False)
        assert drift.returncode == 0, drift.stdout
