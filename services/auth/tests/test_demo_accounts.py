"""Auth does not start in production with accounts whose password is printed in the documentation."""

import asyncio
import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from provisioning.processes import free_port
from services.auth.demo import load_users
from services.auth.settings import AuthSettings
from services.auth.users.demo_accounts import refuse_demo_accounts
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.settings import runtime_url
from shared.testing.proxy import proxied
from shared.testing.waiting import until

ROOT = Path(__file__).parents[3]
REFUSAL = "Cannot start: the database has demo accounts, which must be erased or deactivated in production"


def command(port: int) -> list[str]:
    return [sys.executable, "-m", "uvicorn", "--factory", "services.auth.main:create", "--port", str(port)]


def environment(production: AuthSettings, own_database_url: str) -> dict[str, str]:
    assert production.jwt_private_key is not None
    return {
        "PATH": os.environ["PATH"],
        "ENVIRONMENT": "production",
        "DATABASE_URL": production.database_url,
        "AUTH_DATABASE_URL": own_database_url,
        "AMQP_URL": production.amqp_url,
        "AUTH_AMQP_URL": production.amqp_url,
        "AUTH_SECRET_KEY": secrets.token_hex(32),
        "PUBLIC_KEYS": "{}",
        "PUBLIC_URL": "https://salon.test",
        "JWT_PRIVATE_KEY": production.jwt_private_key.get_secret_value(),
    }


@pytest.fixture
def production(settings: AuthSettings) -> AuthSettings:
    return settings.model_copy(update={"environment": "production"})


@pytest.fixture
async def demo(database: Database) -> None:
    async with transaction(database, SERVICE_CLAIMS) as session:
        await load_users(session, "$argon2id$unused")


@pytest.mark.usefixtures("demo")
class TestDemoAccounts:
    async def test_end_the_process_with_one_line(self, production: AuthSettings) -> None:
        ended = await asyncio.to_thread(
            subprocess.run,
            command(0),
            cwd=ROOT,
            env=environment(production, runtime_url(production, "auth")),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ended.returncode == 1
        assert ended.stderr.splitlines() == [REFUSAL]

    @pytest.mark.parametrize("role", ["api", "worker"])
    async def test_end_the_process_once_the_database_answers(self, production: AuthSettings, role: str) -> None:
        """It is not ready before, so that no call reaches it."""
        port = free_port(None)
        async with proxied(runtime_url(production, "auth")) as proxy, httpx.AsyncClient() as http:
            await proxy.cut()
            values = environment(production, proxy.url) | {"ROLE": role, "DRAIN_SECONDS": "0"}
            process = await asyncio.create_subprocess_exec(
                *command(port), cwd=ROOT, env=values, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
            )
            try:
                ready = f"http://127.0.0.1:{port}/health/ready"

                async def part() -> Any:
                    try:
                        return (await http.get(ready)).json()["parts"]["demo_accounts"]["status"]
                    except httpx.TransportError:
                        return None

                assert await until(part) == "down"
                await proxy.restore()
                _, errors = await asyncio.wait_for(process.communicate(), 60)
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
            assert REFUSAL in errors.decode().splitlines()

    async def test_are_allowed_in_development(self, settings: AuthSettings) -> None:
        refuse_demo_accounts(settings.model_copy(update={"environment": "development"}))

    async def test_are_no_obstacle_once_they_are_deactivated(
        self, owner: AsyncEngine, production: AuthSettings
    ) -> None:
        with pytest.raises(SystemExit, match=r"^Cannot start: the database has demo accounts"):
            refuse_demo_accounts(production)
        async with owner.begin() as connection:
            await connection.execute(text("UPDATE auth.users SET active = false"))
        refuse_demo_accounts(production)


async def test_nobody_can_stop_auth_by_registering_the_address_of_a_demo_account(
    client: httpx.AsyncClient, production: AuthSettings
) -> None:
    body = {"email": "admin@loctician.example", "password": "et langt kodeord", "full_name": "Mallory"}
    assert (await client.post("/api/v1/auth/register", json=body)).status_code == 202
    refuse_demo_accounts(production)
