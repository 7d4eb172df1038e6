"""The operator's commands, as they are run."""

import asyncio

import httpx
import pytest
from typer.testing import CliRunner

from cli.main import app as command
from services.auth.settings import AuthSettings
from services.auth.tests.conftest import Login, bearer
from shared.testing.servers import Servers


@pytest.fixture
def environment(settings: AuthSettings, servers: Servers, owner_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        "ENVIRONMENT": "test",
        "DATABASE_URL": owner_url,
        "AMQP_URL": servers.amqp_url,
        "SECRET_KEY": settings.root_key,
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)


async def create_admin(password: str) -> tuple[int, str]:
    arguments = ["create-admin", "--email", "Ida@example.com", "--full-name", "Ida Lindholm", "--password", password]
    result = await asyncio.to_thread(CliRunner().invoke, command, arguments)
    return result.exit_code, result.output


@pytest.mark.usefixtures("environment")
class TestCreateAdmin:
    async def test_creates_an_admin_once(self, client: httpx.AsyncClient, login: Login) -> None:
        code, output = await create_admin("et langt kodeord")
        assert (code, "ida@example.com is an admin" in output) == (0, True)
        me = await client.get("/api/v1/users/me", headers=bearer(await login("ida@example.com")))
        assert (me.json()["role"], me.json()["email_verified"]) == ("admin", True)
        assert (await create_admin("et langt kodeord"))[0] == 2

    @pytest.mark.parametrize("password", ["kort", "password123"])
    async def test_refuses_a_password_that_breaks_the_rules(self, client: httpx.AsyncClient, password: str) -> None:
        code, output = await create_admin(password)
        assert code == 2
        assert password not in output
