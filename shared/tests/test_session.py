"""A request is one transaction: committed before the answer leaves, with claims that end with it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated
from uuid import uuid4

import httpx
import pytest
from fastapi import APIRouter
from sqlalchemy import text

from keys.logins import role_password
from shared.database.session import Database, transaction
from shared.http.app import Service, create_app
from shared.http.dependencies import SessionDep
from shared.identity.access import ANYONE
from shared.identity.principals import ANONYMOUS_CLAIMS, SERVICE_CLAIMS, Claims, Principal
from shared.settings import Settings, runtime_role
from shared.testing.servers import Servers, as_owner, base_settings, with_database
from shared.tests.support import lines_logged

router = APIRouter()


@router.post("/notes/{text_}")
async def add_note(text_: str, session: SessionDep, _: Annotated[Principal | None, ANYONE]) -> dict[str, str]:
    await session.execute(text("INSERT INTO probe.notes VALUES (:text)"), {"text": text_})
    return {"status": "written"}


@pytest.fixture(scope="session")
async def probe_url(servers: Servers) -> AsyncIterator[str]:
    """A database with a deferred constraint, which fails only when the transaction commits."""
    name, role = f"test_probe_{uuid4().hex[:8]}", runtime_role("probe")
    password = role_password(base_settings(servers, "")["secret_key"], role)  # type: ignore[arg-type]
    await as_owner(servers.database_url, f"CREATE DATABASE {name}")
    url = with_database(servers.database_url, name)
    await as_owner(
        url,
        f"DO $$ BEGIN CREATE ROLE {role} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
        f"ALTER ROLE {role} PASSWORD '{password}'",
        "CREATE SCHEMA probe",
        "CREATE TABLE probe.allowed (text text PRIMARY KEY)",
        "INSERT INTO probe.allowed VALUES ('good')",
        "CREATE TABLE probe.notes (text text REFERENCES probe.allowed DEFERRABLE INITIALLY DEFERRED)",
        f"GRANT USAGE ON SCHEMA probe TO {role}",
        f"GRANT SELECT, INSERT ON probe.notes TO {role}",
    )
    yield url
    await as_owner(servers.database_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def probe(servers: Servers, probe_url: str) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings.model_validate(base_settings(servers, probe_url) | {"role": "api"})
    app = create_app(Service(name="probe", settings=Settings, roles=(), routers=[router]), settings)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            yield client


@pytest.fixture
async def probe_database(servers: Servers, probe_url: str) -> AsyncIterator[Database]:
    settings = Settings.model_validate(base_settings(servers, probe_url))
    database = Database.from_settings(settings, "probe")
    yield database
    await database.close()


class TestCommitBeforeAnswer:
    async def test_commit_that_succeeds_answers_200(self, probe: httpx.AsyncClient) -> None:
        assert (await probe.post("/notes/good")).status_code == 200

    async def test_commit_that_fails_never_answers_200(self, probe: httpx.AsyncClient) -> None:
        answer = await probe.post("/notes/refused")
        assert answer.status_code == 500
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "internal_error"


class TestClaims:
    async def test_what_the_database_quotes_of_a_call_stays_out_of_the_log(self, probe: httpx.AsyncClient) -> None:
        with lines_logged() as lines:
            assert (await probe.post("/notes/kirsten-privat")).status_code == 500
        assert '"error":"IntegrityError' in lines.getvalue()
        assert "kirsten" not in lines.getvalue()

    async def test_claim_ends_with_its_transaction(self, probe_database: Database) -> None:
        user = Claims(role="customer", sub=uuid4())
        read = text("SELECT current_setting('request.jwt.claims', true)")
        async with transaction(probe_database, user) as session:
            assert str(user.sub) in str((await session.execute(read)).scalar())
        for _ in range(20):
            assert not (await probe_database.call(read))[0][0]

    async def test_claims_are_those_of_this_transaction(self, probe_database: Database) -> None:
        read = text("SELECT current_setting('request.jwt.claims', true)::jsonb ->> 'role'")
        for claims in (SERVICE_CLAIMS, ANONYMOUS_CLAIMS, Claims(role="staff", sub=uuid4())):
            async with transaction(probe_database, claims) as session:
                assert (await session.execute(read)).scalar() == claims.role


class TestAnswers:
    async def test_unknown_path_is_a_problem(self, probe: httpx.AsyncClient) -> None:
        answer = await probe.get("/nowhere", headers={"Accept-Language": "en", "X-Request-ID": "request-1"})
        assert answer.status_code == 404
        assert answer.headers["x-request-id"] == "request-1"
        assert answer.json() == {
            "type": "urn:loctician:problem:not_found",
            "title": "Not found",
            "status": 404,
            "code": "not_found",
            "detail": "There is nothing at this address.",
            "instance": "/nowhere",
            "request_id": "request-1",
        }

    async def test_ten_megabytes_are_413(self, probe: httpx.AsyncClient) -> None:
        assert (await probe.post("/notes/good", content=b"x" * 10_000_000)).status_code == 413

    async def test_nul_in_a_path_is_422(self, probe: httpx.AsyncClient) -> None:
        assert (await probe.post("/notes/a%00b")).status_code == 422

    async def test_ready_tells_what_is_up(self, probe: httpx.AsyncClient) -> None:
        answer = await probe.get("/health/ready")
        assert set(answer.json()["parts"]) <= {"database"}
        assert (await probe.get("/health/db")).json() == {"status": "up"}

    async def test_bad_token_counts_as_none_where_anyone_may_come(self, probe: httpx.AsyncClient) -> None:
        without = await probe.post("/notes/good")
        answer = await probe.post("/notes/good", headers={"Authorization": "Bearer nonsense"})
        assert answer.status_code == without.status_code < 400


class TestAddress:
    """What DATABASE_URL asks of a connection, as hosts of databases write it."""

    @pytest.mark.parametrize("asked", ["sslmode=prefer", "sslmode=disable&channel_binding=require"])
    async def test_is_read_by_the_driver(self, servers: Servers, probe_url: str, asked: str) -> None:
        async with reached(servers, f"{probe_url}?{asked}") as database:
            ((user,),) = await database.call(text("SELECT current_user"))
            assert user == runtime_role("probe")

    async def test_encryption_that_is_asked_for_is_not_done_without(self, servers: Servers, probe_url: str) -> None:
        async with reached(servers, f"{probe_url}?sslmode=require") as database:
            with pytest.raises(ConnectionError, match="SSL"):
                await database.call(text("SELECT 1"))


@asynccontextmanager
async def reached(servers: Servers, url: str) -> AsyncIterator[Database]:
    database = Database.from_settings(Settings.model_validate(base_settings(servers, url)), "probe")
    try:
        yield database
    finally:
        await database.close()
