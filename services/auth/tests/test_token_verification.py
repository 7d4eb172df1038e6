"""Other JWT implementations verify an access token with the published keys alone."""

import asyncio
import json
import shutil
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jwt as joserfc_jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry

from services.auth.settings import AuthSettings
from services.auth.tests.conftest import Login, Register

SCRIPT = """
import { createLocalJWKSet, jwtVerify } from "jose";
const { jwks, token, issuer, audience } = JSON.parse(process.argv[2]);
const keys = createLocalJWKSet(jwks);
const { payload, protectedHeader } = await jwtVerify(token, keys, { issuer, audience, algorithms: ["RS256"] });
const altered = jwtVerify(token.slice(0, -6) + "AAAAAA", keys, { issuer, audience });
const forged = await altered.then(() => "accepted", (error) => error.code);
console.log(JSON.stringify({ payload, protectedHeader, forged }));
"""


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


@pytest.fixture(scope="session")
def jose(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with npm's jose in it."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are needed to verify a token with jose")
    folder = tmp_path_factory.mktemp("jose")
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    install = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", "jose"]
    subprocess.run(install, cwd=folder, check=True, timeout=120, capture_output=True)
    (folder / "verify.js").write_text(SCRIPT)
    return folder


async def test_jose_verifies_an_access_token(
    issued: tuple[str, dict[str, Any]], settings: AuthSettings, jose: Path
) -> None:
    token, document = issued
    arguments = {"jwks": document, "token": token, "issuer": settings.public_url, "audience": settings.jwt_audience}
    command = ["node", "verify.js", json.dumps(arguments)]
    run = partial(subprocess.run, cwd=jose, check=False, timeout=60, capture_output=True, text=True)
    done = await asyncio.to_thread(run, command)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["payload"]["role"] == "customer"
    assert result["protectedHeader"]["kid"] == document["keys"][0]["kid"]
    assert result["forged"] == "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"
