"""Under load: two gateways, an upgrade with a long migration, and the restore of a backup."""

import asyncio
import json
import random
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from uuid import uuid4

import httpx
import pytest
from websockets.asyncio.client import connect

from shared.testing.waiting import eventually
from tests.chaos.customers import Customers
from tests.compose.project import Project, project, say
from tests.e2e.salon import bearer, sign_in

pytestmark = [pytest.mark.compose, pytest.mark.slow]
FILES = ("docker-compose.yml", "deploy/compose/local.yml", "tests/compose/replicas.yml")
SERVICES = ("auth", "booking", "calendar", "notifications", "gdpr", "gateway")
UPGRADE_SECONDS = 1200
MIGRATION_SECONDS = 25
LOGINS_A_MINUTE = 10
WEBSOCKETS = 24
REVISION = '''"""Takes long, then changes the largest table. Revision ID: 9999_slow"""

from alembic import op

revision = "9999_slow"
down_revision = "{head}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SELECT pg_sleep({seconds})")
    op.execute("ALTER TABLE booking.bookings ADD COLUMN upgrade_test integer")


def downgrade() -> None:
    op.execute("ALTER TABLE booking.bookings DROP COLUMN upgrade_test")
'''
LOGINS = """
import collections, json, ssl, sys, urllib.error, urllib.request
context = ssl._create_unverified_context()
answers = collections.Counter()
for number in range(int(sys.argv[1])):
    body = json.dumps({"email": f"nobody{number}@example.dk", "password": "wrong-horse-battery-9"}).encode()
    call = urllib.request.Request("https://localhost/api/v1/auth/login", body, {"Content-Type": "application/json"})
    try:
        urllib.request.urlopen(call, timeout=20, context=context)
    except urllib.error.HTTPError as error:
        answers[error.code] += 1
print(json.dumps(answers))
"""
COUNTED = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8000/metrics', timeout=5).read().decode())"


@pytest.fixture(scope="module")
def scaled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Two gateways, one of each service, and the demo salon."""
    settings = {"RATE_LIMIT_PER_MINUTE": "100000", "CALLS_PER_ADDRESS": "1000", "DRAIN_SECONDS": "5"}
    with project(tmp_path_factory.mktemp("scaled"), FILES, **settings) as started:
        say(f"two gateways: every container healthy after {started.up('--build', '--scale', 'gateway=2'):.0f} s")
        started.cli("demo")
        yield started


def replicas(scaled: Project, service: str) -> list[str]:
    return scaled.compose("ps", "--quiet", "--status", "running", service).split()


@asynccontextmanager
async def customers_of(scaled: Project) -> AsyncIterator[Customers]:
    """Three who book and cancel all the time."""
    context = scaled.trust()
    async with httpx.AsyncClient(base_url=scaled.url, timeout=20, verify=context) as http:
        services = (await http.get("/api/v1/services")).json()["items"]
        tokens = [await sign_in(http, f"{name}@loctician.example") for name in ("kunde", "kunde2")]
    customers = Customers(scaled.url, [service["id"] for service in services], random.Random(7), verify=context)
    customers.tokens += tokens
    enough = asyncio.Event()
    acting = [asyncio.create_task(customers.act(enough)) for _ in range(3)]
    yield customers
    enough.set()
    await asyncio.gather(*acting)
    await customers.close()


class TestTwoGateways:
    async def test_websockets_are_spread_over_both(self, scaled: Project) -> None:
        url = scaled.url.replace("https", "wss")
        context = scaled.trust()
        sockets = [await connect(f"{url}/ws/loctician/{uuid4()}", ssl=context) for _ in range(WEBSOCKETS)]
        counts = []
        for id_ in replicas(scaled, "gateway"):
            metrics = scaled.run("docker", "exec", id_, "python", "-c", COUNTED).stdout
            found = re.search(r"^gateway_websockets (\S+)", metrics, re.MULTILINE)
            assert found
            counts.append(float(found[1]))
        for socket in sockets:
            await socket.close()
        assert len(counts) == 2
        assert sum(counts) == WEBSOCKETS
        assert min(counts) > 0

    def test_limits_are_those_of_one(self, scaled: Project) -> None:
        """Logins from one address: as many as one gateway allows, and what became free while they were made."""
        edge = scaled.container("edge")
        started = time.monotonic()
        command = ["docker", "run", "--rm", "--network", f"container:{edge}", "--entrypoint", "python"]
        done = scaled.run(*command, f"{scaled.name}/cli:latest", "-c", LOGINS, "40")
        answers = json.loads(done.stdout)
        free = (time.monotonic() - started) * LOGINS_A_MINUTE / 60 + 1
        say(f"40 wrong logins over two gateways: {answers}")
        assert sum(answers.values()) == answers["401"] + answers["429"] == 40
        assert LOGINS_A_MINUTE <= answers["401"] <= LOGINS_A_MINUTE + free


class TestUpgrade:
    async def test_no_call_fails_while_everything_is_replaced(self, scaled: Project) -> None:
        """Also while a migration takes long. Each replica runs the new image afterwards."""
        old = {service: set(replicas(scaled, service)) for service in SERVICES}
        versions = scaled.folder / "services" / "booking" / "migrations" / "versions"
        head = max(path.stem for path in versions.glob("[0-9]*.py"))
        (versions / "9999_slow.py").write_text(REVISION.format(head=head, seconds=MIGRATION_SECONDS))
        async with customers_of(scaled) as customers:
            started = time.monotonic()
            done = await asyncio.to_thread(
                scaled.run, "deploy/compose/upgrade.sh", check=False, seconds=UPGRADE_SECONDS
            )
            seconds = time.monotonic() - started
        answers = customers.ledger.answers
        say(f"upgrade in {seconds:.0f} s, {sum(answers.values())} calls, answers {dict(answers)}")
        assert done.returncode == 0, done.stdout + done.stderr
        assert customers.ledger.refusals == [], done.stdout
        assert len(customers.ledger.accepted) > 10
        for service in SERVICES:
            new = replicas(scaled, service)
            assert len(new) == len(old[service])
            assert not old[service] & set(new), service
        assert "9999_slow" in scaled.compose("exec", "-T", "booking", "ls", "services/booking/migrations/versions")

    async def test_what_is_up_to_date_is_left_alone(self, scaled: Project) -> None:
        before = {service: replicas(scaled, service) for service in SERVICES}
        done = await asyncio.to_thread(scaled.run, "deploy/compose/upgrade.sh", "--no-build")
        assert "has replaced" not in done.stdout
        assert {service: replicas(scaled, service) for service in SERVICES} == before

    async def test_a_version_that_does_not_become_healthy_replaces_nothing(self, scaled: Project) -> None:
        before = replicas(scaled, "booking")
        settings = scaled.folder / ".env"
        with settings.open("a") as file:
            file.write("DATABASE_POOL_SIZE=-1\n")
        try:
            done = await asyncio.to_thread(
                scaled.run, "deploy/compose/upgrade.sh", "--no-build", check=False, seconds=UPGRADE_SECONDS
            )
        finally:
            settings.write_text(settings.read_text().replace("DATABASE_POOL_SIZE=-1\n", ""))
        assert done.returncode == 1
        assert replicas(scaled, "booking") == before
        async with httpx.AsyncClient(base_url=scaled.url, timeout=20, verify=scaled.trust()) as http:
            assert (await http.get("/api/v1/services")).status_code == 200


class TestBackup:
    async def test_a_dump_is_restored_as_the_documentation_says(self, scaled: Project) -> None:
        context = scaled.trust()
        async with httpx.AsyncClient(base_url=scaled.url, timeout=20, verify=context) as http:
            token = await sign_in(http, "kunde@loctician.example")
            mine = "/api/v1/bookings?limit=100"
            before = (await http.get(mine, headers=bearer(token))).json()["items"]
            assert before
            scaled.compose("exec", "-T", "backup", "backup.sh", "now")
            me = (await http.get("/api/v1/users/me", headers=bearer(token))).json()
            scaled.compose("exec", "-T", "postgres", "psql", "-U", "postgres", "-d", "loctician", "-c",
                           "DELETE FROM booking.occupancy; DROP TABLE auth.sessions CASCADE")  # fmt: skip
        scaled.compose("stop", "edge", "gateway", "auth", "booking", "calendar", "notifications", "gdpr")
        started = time.monotonic()
        said = scaled.compose("exec", "-T", "backup", "backup.sh", "restore", "newest")
        say(f"{said.strip().splitlines()[-1]}; the command took {time.monotonic() - started:.0f} s")
        scaled.compose("run", "--rm", "-T", "migrate")
        scaled.cli("restore", "drop-queued", "--yes", check=False)
        scaled.compose("up", "--detach", "--wait", "--no-build", "--scale", "gateway=2", seconds=600)

        async def answers() -> bool:
            async with httpx.AsyncClient(base_url=scaled.url, timeout=20, verify=context) as http:
                return (await http.get("/health/ready")).status_code == 200

        await eventually(answers, bool, "the platform to be ready", 60)
        async with httpx.AsyncClient(base_url=scaled.url, timeout=20, verify=context) as http:
            token = await sign_in(http, "kunde@loctician.example")
            assert (await http.get("/api/v1/users/me", headers=bearer(token))).json()["id"] == me["id"]
            assert (await http.get(mine, headers=bearer(token))).json()["items"] == before

    def test_the_broker_and_the_database_have_what_the_dump_needs(self, scaled: Project) -> None:
        name = scaled.compose("exec", "-T", "backup", "backup.sh", "list").split()[-1]
        broker = json.loads(scaled.compose("exec", "-T", "backup", "cat", f"/backups/{name}/broker.json"))
        assert {queue["name"] for queue in broker["queues"]} >= {"booking.events"}
        statements = scaled.compose(
            "exec", "-T", "postgres", "psql", "-U", "postgres", "-Atc", "SELECT count(*) FROM pg_stat_statements"
        )
        assert int(statements) > 0
