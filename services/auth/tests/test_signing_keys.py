"""Signing keys: published before they sign and until their tokens are dead, the same on every replica, never shown."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi import FastAPI
from typer.testing import CliRunner

from cli.main import app as command
from services.auth.settings import AuthSettings
from services.auth.signing_keys import key_ring, rotation
from services.auth.signing_keys.key_ring import KeyRing
from services.auth.signing_keys.keys import thumbprint
from services.auth.tests.conftest import Behind, Login, Outbox, Register, bearer, pem, types
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.servers import Servers

TIME_PASSES = "UPDATE auth.signing_keys SET signs_from = signs_from - CAST(:by AS interval)"


async def rotated(database: Database, settings: AuthSettings, **how: bool) -> str:
    async with transaction(database, SERVICE_CLAIMS) as session:
        return await rotation.rotate(session, settings, **how)


async def due(database: Database, settings: AuthSettings) -> str | None:
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
    async def test_new_key_is_published_before_it_signs_and_the_old_one_until_its_tokens_are_dead(
        self, settings: AuthSettings, database: Database, behind: Behind, outbox: Outbox
    ) -> None:
        old = await signing(settings, database)
        new = await rotated(database, settings)
        assert await published(settings, database) == [new, old]
        assert await signing(settings, database) == old
        await behind(TIME_PASSES, by=timedelta(seconds=settings.key_publish_ahead_seconds - 5))
        assert await signing(settings, database) == old
        await behind(TIME_PASSES, by=timedelta(seconds=6))
        assert await signing(settings, database) == new
        await behind(TIME_PASSES, by=timedelta(minutes=settings.access_token_expire_minutes))
        assert await published(settings, database) == [new, old]
        await behind(TIME_PASSES, by=rotation.MARGIN)
        assert await published(settings, database) == [new]
        assert [one["kid"] for one in types(await outbox(), "keys.rotated.v1")] == [old, new]

    async def test_token_of_a_rotated_key_is_good_within_its_time_and_not_after(
        self,
        client: httpx.AsyncClient,
        app: FastAPI,
        register: Register,
        login: Login,
        settings: AuthSettings,
        database: Database,
        behind: Behind,
    ) -> None:
        await register()
        old = await login()
        new = await rotated(database, settings)
        await behind(TIME_PASSES, by=timedelta(seconds=settings.key_publish_ahead_seconds + 1))
        app.state.auth.signing_keys._read_at = float("-inf")
        fresh = await login()
        assert jwt.get_unverified_header(fresh["access_token"])["kid"] == new
        for tokens in (old, fresh):
            assert (await client.get("/api/v1/users/me", headers=bearer(tokens))).status_code == 200
        await behind(TIME_PASSES, by=rotation.published_after_use(settings))
        app.state.auth.signing_keys._read_at = float("-inf")
        app.state.verifier._cache.clear()
        assert (await client.get("/api/v1/users/me", headers=bearer(old))).status_code == 401
        assert (await client.get("/api/v1/users/me", headers=bearer(fresh))).status_code == 200

    async def test_schedule_rotates_a_key_of_age_once_and_forgets_what_is_over(
        self, settings: AuthSettings, database: Database, behind: Behind
    ) -> None:
        old = await signing(settings, database)
        assert await due(database, settings) is None
        await behind(TIME_PASSES, by=timedelta(days=settings.key_rotation_days))
        new = await due(database, settings)
        assert new is not None
        assert await due(database, settings) is None
        await behind(TIME_PASSES, by=timedelta(days=1))
        assert await due(database, settings) is None
        rows = await behind("SELECT kid, private_key IS NULL AS forgotten FROM auth.signing_keys")
        assert {row.kid: row.forgotten for row in rows} == {old: True, new: False}

    async def test_schedule_can_be_off(self, settings: AuthSettings, database: Database, behind: Behind) -> None:
        await signing(settings, database)
        await behind(TIME_PASSES, by=timedelta(days=4000))
        assert await due(database, settings.model_copy(update={"key_rotation_days": 0})) is None

    async def test_leaked_key_goes_at_once(self, settings: AuthSettings, database: Database) -> None:
        old = await signing(settings, database)
        new = await rotated(database, settings, at_once=True)
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
            "SECRET_KEY": settings.secret_key.get_secret_value(),
        }.items():
            monkeypatch.setenv(name, value)
        result = await asyncio.to_thread(CliRunner().invoke, command, ["keys", "rotate"])
        assert result.exit_code == 0, result.output
        assert "signs in 600 s" in result.output
        assert "PRIVATE" not in result.output
        new, kept = await published(settings, database)
        assert (new in result.output, kept) == (True, old)


class TestReplicas:
    async def test_that_start_at_once_agree_on_one_key(self, settings: AuthSettings, database: Database) -> None:
        bare = settings.model_copy(update={"jwt_private_key": None})
        replicas = [replica(bare, database) for _ in range(5)]
        kids = {key.kid for key in await asyncio.gather(*(one.signing_key() for one in replicas))}
        assert len(kids) == 1
        assert await published(bare, database) == list(kids)

    async def test_key_of_the_settings_signs_alone_from_the_first_start(
        self, settings: AuthSettings, database: Database, own_key: rsa.RSAPrivateKey
    ) -> None:
        assert await published(settings, database) == [thumbprint(own_key.public_key())]

    async def test_another_key_in_the_settings_takes_over_later_and_on_all_replicas(
        self, settings: AuthSettings, database: Database, behind: Behind
    ) -> None:
        old = await signing(settings, database)
        other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        changed = AuthSettings.model_validate(
            settings.model_dump() | {"jwt_private_key": pem(other), "jwt_key_id": "second"}
        )
        assert await signing(changed, database) == old
        assert await published(settings, database) == ["second", old]
        await behind(TIME_PASSES, by=timedelta(seconds=settings.key_publish_ahead_seconds))
        assert await signing(settings, database) == "second"
        assert await signing(changed, database) == "second"

    async def test_withdrawn_key_of_the_settings_does_not_come_back(
        self, settings: AuthSettings, database: Database
    ) -> None:
        old = await signing(settings, database)
        new = await rotated(database, settings, at_once=True)
        assert await published(settings, database) == [new]
        assert old != new
        assert await signing(settings, database) == new

    async def test_thousand_unknown_kids_are_one_question_to_the_database(
        self, settings: AuthSettings, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ring = replica(settings, database)
        await ring.signing_key()
        asked = 0
        really = ring._read

        async def counting() -> Any:
            nonlocal asked
            asked += 1
            return await really()

        monkeypatch.setattr(ring, "_read", counting)
        monkeypatch.setattr(key_ring, "COOL_DOWN_SECONDS", 60.0)
        ring._read_at -= 61
        for number in range(1000):
            assert await ring.key(f"kid-{number}") is None
        assert asked == 1

    async def test_key_sealed_under_another_secret_signs_nothing_and_stays_published(
        self, settings: AuthSettings, database: Database
    ) -> None:
        bare = settings.model_copy(update={"jwt_private_key": None})
        old = await signing(bare, database)
        other = AuthSettings.model_validate(
            bare.model_dump() | {"secret_key": "another-secret-of-32-characters-and-more"}
        )
        new = await signing(other, database)
        assert new != old
        assert await published(bare, database) == [new, old]


class TestSecrecy:
    async def test_private_keys_are_in_no_log_answer_event_or_column(
        self,
        client: httpx.AsyncClient,
        app: FastAPI,
        settings: AuthSettings,
        database: Database,
        outbox: Outbox,
        behind: Behind,
        own_key: rsa.RSAPrivateKey,
        caplog: pytest.LogCaptureFixture,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        with caplog.at_level(logging.DEBUG):
            document = (await client.get("/.well-known/jwks.json")).json()
            await rotated(database, settings)
            key = await app.state.auth.signing_keys.signing_key()
            shown = f"{key!r} {key} {app.state.auth.signing_keys!r} {settings!r}"
        assert all(set(jwk) == {"kty", "n", "e", "use", "alg", "kid"} for jwk in document["keys"])
        secret = str(own_key.private_numbers().d)
        kept = str([bytes(row.private_key) for row in await behind("SELECT private_key FROM auth.signing_keys")])
        for text in (shown, caplog.text, *capfd.readouterr(), str(await outbox()), kept):
            assert "PRIVATE KEY" not in text
            assert secret not in text
            assert pem(own_key).splitlines()[1] not in text
