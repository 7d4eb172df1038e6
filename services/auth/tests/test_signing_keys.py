"""Signing keys: their rotation, replicas that share them, and that private halves stay secret."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi import FastAPI
from typer.testing import CliRunner

from cli.main import app as command
from services.auth.encryption import Encryption
from services.auth.settings import AuthSettings
from services.auth.signing_keys import key_ring, rotation
from services.auth.signing_keys.key_ring import KeyRing
from services.auth.signing_keys.keys import thumbprint
from services.auth.signing_keys.published import MAC, mac_content
from services.auth.tests.conftest import AsOwner, Login, Register, bearer, pem, types
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.servers import Servers
from shared.testing.types import Outbox

SHIFT = "UPDATE auth.signing_keys SET signs_from = :at, mac = :mac WHERE kid = :kid"
Shift = Callable[[timedelta], Awaitable[None]]


@pytest.fixture
def shift(settings: AuthSettings, as_owner: AsOwner) -> Shift:
    """Lets all keys sign earlier, with a MAC as if auth had made them then."""

    async def back(by: timedelta) -> None:
        for row in await as_owner("SELECT * FROM auth.signing_keys"):
            at = row.signs_from - by
            content = mac_content(row.kid, row.public_jwk, row.private_key or b"", at)
            await as_owner(SHIFT, at=at, mac=Encryption(settings).mac(MAC, content), kid=row.kid)

    return back


async def rotate(database: Database, settings: AuthSettings, **how: bool) -> str:
    async with transaction(database, SERVICE_CLAIMS) as session:
        return await rotation.rotate(session, settings, **how)


async def rotate_if_due(database: Database, settings: AuthSettings) -> str | None:
    async with transaction(database, SERVICE_CLAIMS) as session:
        return await rotation.rotate_if_due(session, settings, datetime.now(UTC))


def replica(settings: AuthSettings, database: Database) -> KeyRing:
    """As another process would begin, with nothing cached."""
    return KeyRing(settings, database)


async def published(settings: AuthSettings, database: Database) -> list[str]:
    return [jwk["kid"] for jwk in (await replica(settings, database).jwks())["keys"]]


async def signing(settings: AuthSettings, database: Database) -> str:
    return (await replica(settings, database).signing_key()).kid


class TestRotation:
    async def test_new_key_is_published_before_it_signs_and_the_old_one_until_its_tokens_expired(
        self, settings: AuthSettings, database: Database, shift: Shift, outbox: Outbox
    ) -> None:
        old = await signing(settings, database)
        new = await rotate(database, settings)
        assert await published(settings, database) == [new, old]
        assert await signing(settings, database) == old
        await shift(timedelta(seconds=settings.key_publish_ahead_seconds - 5))
        assert await signing(settings, database) == old
        await shift(timedelta(seconds=6))
        assert await signing(settings, database) == new
        await shift(timedelta(minutes=settings.access_token_expire_minutes))
        assert await published(settings, database) == [new, old]
        await shift(rotation.MARGIN)
        assert await published(settings, database) == [new]
        assert [event["kid"] for event in types(await outbox(), "keys.rotated.v1")] == [old, new]

    async def test_token_of_a_rotated_key_is_valid_until_it_expires(
        self,
        client: httpx.AsyncClient,
        app: FastAPI,
        register: Register,
        login: Login,
        settings: AuthSettings,
        database: Database,
        shift: Shift,
    ) -> None:
        await register()
        old = await login()
        new = await rotate(database, settings)
        await shift(timedelta(seconds=settings.key_publish_ahead_seconds + 1))
        app.state.auth.signing_keys._read_at = float("-inf")
        fresh = await login()
        assert jwt.get_unverified_header(fresh["access_token"])["kid"] == new
        for tokens in (old, fresh):
            assert (await client.get("/api/v1/users/me", headers=bearer(tokens))).status_code == 200
        await shift(rotation.published_after_use(settings))
        app.state.auth.signing_keys._read_at = float("-inf")
        app.state.verifier._cache.clear()
        assert (await client.get("/api/v1/users/me", headers=bearer(old))).status_code == 401
        assert (await client.get("/api/v1/users/me", headers=bearer(fresh))).status_code == 200

    async def test_job_rotates_an_old_key_once_and_deletes_private_keys_that_ended(
        self, settings: AuthSettings, database: Database, as_owner: AsOwner, shift: Shift
    ) -> None:
        old = await signing(settings, database)
        assert await rotate_if_due(database, settings) is None
        await shift(timedelta(days=settings.key_rotation_days))
        new = await rotate_if_due(database, settings)
        assert new is not None
        assert await rotate_if_due(database, settings) is None
        await shift(timedelta(days=1))
        assert await rotate_if_due(database, settings) is None
        rows = await as_owner("SELECT kid, private_key IS NULL AS forgotten FROM auth.signing_keys")
        assert {row.kid: row.forgotten for row in rows} == {old: True, new: False}

    async def test_rotation_by_the_job_can_be_switched_off(
        self, settings: AuthSettings, database: Database, shift: Shift
    ) -> None:
        await signing(settings, database)
        await shift(timedelta(days=4000))
        assert await rotate_if_due(database, settings.model_copy(update={"key_rotation_days": 0})) is None

    async def test_rotation_at_once_withdraws_the_other_keys(self, settings: AuthSettings, database: Database) -> None:
        old = await signing(settings, database)
        new = await rotate(database, settings, at_once=True)
        assert await published(settings, database) == [new]
        assert await signing(settings, database) == new
        assert await replica(settings, database).key(old) is None

    async def test_command_rotates(
        self,
        settings: AuthSettings,
        database: Database,
        servers: Servers,
        owner_url: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        old = await signing(settings, database)
        for name, value in {
            "ENVIRONMENT": "test",
            "DATABASE_URL": owner_url,
            "AMQP_URL": servers.amqp_url,
            "SECRET_KEY": settings.root_key,
        }.items():
            monkeypatch.setenv(name, value)
        result = await asyncio.to_thread(CliRunner().invoke, command, ["keys", "rotate"])
        assert result.exit_code == 0, result.output
        assert "signs in 600 s" in result.output
        assert "PRIVATE" not in result.output
        new, kept = await published(settings, database)
        assert (new in result.output, kept) == (True, old)


class TestReplicas:
    async def test_replicas_that_start_together_agree_on_one_key(
        self, settings: AuthSettings, database: Database
    ) -> None:
        bare = settings.model_copy(update={"jwt_private_key": None})
        replicas = [replica(bare, database) for _ in range(5)]
        kids = {key.kid for key in await asyncio.gather(*(event.signing_key() for event in replicas))}
        assert len(kids) == 1
        assert await published(bare, database) == list(kids)

    async def test_key_of_the_settings_signs_from_the_first_start(
        self, settings: AuthSettings, database: Database, own_key: rsa.RSAPrivateKey
    ) -> None:
        assert await published(settings, database) == [thumbprint(own_key.public_key())]

    async def test_new_key_in_the_settings_signs_later_on_all_replicas(
        self, settings: AuthSettings, database: Database, shift: Shift
    ) -> None:
        old = await signing(settings, database)
        other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        changed = AuthSettings.model_validate(
            settings.model_dump() | {"jwt_private_key": pem(other), "jwt_key_id": "second"}
        )
        assert await signing(changed, database) == old
        assert await published(settings, database) == ["second", old]
        await shift(timedelta(seconds=settings.key_publish_ahead_seconds))
        assert await signing(settings, database) == "second"
        assert await signing(changed, database) == "second"

    async def test_withdrawn_key_of_the_settings_does_not_come_back(
        self, settings: AuthSettings, database: Database
    ) -> None:
        old = await signing(settings, database)
        new = await rotate(database, settings, at_once=True)
        assert await published(settings, database) == [new]
        assert old != new
        assert await signing(settings, database) == new

    async def test_thousand_unknown_key_ids_cause_one_query(
        self, settings: AuthSettings, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ring = replica(settings, database)
        await ring.signing_key()
        reads = 0
        original = ring._read

        async def counting() -> Any:
            nonlocal reads
            reads += 1
            return await original()

        monkeypatch.setattr(ring, "_read", counting)
        monkeypatch.setattr(key_ring, "COOL_DOWN_SECONDS", 60.0)
        ring._read_at -= 61
        for number in range(1000):
            assert await ring.key(f"kid-{number}") is None
        assert reads == 1

    async def test_key_made_with_another_secret_does_not_sign_and_is_not_published(
        self, settings: AuthSettings, database: Database
    ) -> None:
        bare = settings.model_copy(update={"jwt_private_key": None})
        old = await signing(bare, database)
        other = AuthSettings.model_validate(
            bare.model_dump() | {"secret_key": "another-secret-of-32-characters-and-more"}
        )
        new = await signing(other, database)
        assert new != old
        assert await published(other, database) == [new]
        assert await published(bare, database) == [old]
        assert await rotate_if_due(database, other) is None
        assert await published(bare, database) == [old], "nothing was withdrawn that others made"


class TestSecrecy:
    async def test_private_keys_are_in_no_log_answer_event_or_column(
        self,
        client: httpx.AsyncClient,
        app: FastAPI,
        settings: AuthSettings,
        database: Database,
        outbox: Outbox,
        as_owner: AsOwner,
        own_key: rsa.RSAPrivateKey,
        caplog: pytest.LogCaptureFixture,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        with caplog.at_level(logging.DEBUG):
            document = (await client.get("/.well-known/jwks.json")).json()
            await rotate(database, settings)
            key = await app.state.auth.signing_keys.signing_key()
            shown = f"{key!r} {key} {app.state.auth.signing_keys!r} {settings!r}"
        assert all(set(jwk) == {"kty", "n", "e", "use", "alg", "kid"} for jwk in document["keys"])
        secret = str(own_key.private_numbers().d)
        kept = str([bytes(row.private_key) for row in await as_owner("SELECT private_key FROM auth.signing_keys")])
        for text in (shown, caplog.text, *capfd.readouterr(), str(await outbox()), kept):
            assert "PRIVATE KEY" not in text
            assert secret not in text
            assert pem(own_key).splitlines()[1] not in text
