"""Other JWT implementations verify an access token with the published keys alone."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from joserfc import jwt as joserfc_jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry

from services.auth.settings import AuthSettings
from services.auth.tests.conftest import Login, Register
from shared.testing.node import run_script


@pytest.fixture
async def issued(client: httpx.AsyncClient, register: Register, login: Login) -> tuple[str, dict[str, Any]]:
    await register()
    return (await login())["access_token"], (await client.get("/.well-known/jwks.json")).json()


async def test_joserfc_verifies_an_access_token(issued: tuple[str, dict[str, Any]], settings: AuthSettings) -> None:
    token, document = issued
    keys = KeySet.import_key_set(document)  # type: ignore[arg-type]
    decoded = joserfc_jwt.decode(token, keys, algorithms=["RS256"])
    expected = {"iss": settings.public_url, "aud": settings.jwt_audience}
    JWTClaimsRegistry(**{name: {"essential": True, "value": value} for name, value in expected.items()}).validate(  # type: ignore[arg-type]
        decoded.claims
    )
    assert decoded.claims["role"] == "customer"
    with pytest.raises(BadSignatureError):
        joserfc_jwt.decode(token[:-6] + "AAAAAA", keys, algorithms=["RS256"])


async def test_jose_verifies_an_access_token(issued: tuple[str, dict[str, Any]], settings: AuthSettings) -> None:
    token, document = issued
    arguments = {"jwks": document, "token": token, "issuer": settings.public_url, "audience": settings.jwt_audience}
    result = json.loads(await asyncio.to_thread(run_script, "verify_token.mjs", json.dumps(arguments)))
    assert result["payload"]["role"] == "customer"
    assert result["protectedHeader"]["kid"] == document["keys"][0]["kid"]
    assert result["forged"] == "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"
