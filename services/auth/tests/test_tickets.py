"""Tickets for WebSockets, and tokens used for what they are not."""

from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from services.auth.settings import AuthSettings
from services.auth.tests.conftest import Login, Register, bearer

TICKET = "/api/v1/auth/ws-ticket"
ME = "/api/v1/users/me"


def read(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


@pytest.fixture
async def tokens(register: Register, login: Login) -> dict[str, Any]:
    await register()
    return await login()


class TestTicket:
    async def test_lives_30_s_and_names_session_and_expiry_of_the_access_token(
        self, client: httpx.AsyncClient, tokens: dict[str, Any], settings: AuthSettings
    ) -> None:
        answer = await client.post(TICKET, headers=bearer(tokens))
        assert answer.json()["expires_in"] == 30
        assert answer.headers["cache-control"] == "no-store"
        ticket, access = read(answer.json()["ticket"]), read(tokens["access_token"])
        assert ticket["aud"] == f"{settings.jwt_audience}-ws"
        assert ticket["exp"] - ticket["iat"] == 30
        assert ticket["session_exp"] == access["exp"]
        for name in ("iss", "sub", "sid", "role"):
            assert ticket[name] == access[name]
        assert ticket["jti"] != access["jti"]
        assert jwt.get_unverified_header(answer.json()["ticket"]).keys() == {"alg", "kid", "typ"}

    async def test_is_not_accepted_as_access_token(self, client: httpx.AsyncClient, tokens: dict[str, Any]) -> None:
        ticket = (await client.post(TICKET, headers=bearer(tokens))).json()["ticket"]
        headers = {"Authorization": f"Bearer {ticket}"}
        assert (await client.get(ME, headers=headers)).status_code == 401
        assert (await client.post(TICKET, headers=headers)).status_code == 401

    async def test_ended_session_gets_no_ticket(self, client: httpx.AsyncClient, tokens: dict[str, Any]) -> None:
        await client.post("/api/v1/auth/logout", headers=bearer(tokens))
        assert (await client.post(TICKET, headers=bearer(tokens))).status_code == 401


class TestForgedTokens:
    """Against the keys as auth itself holds them; shared/ has the same against a fetched document."""

    async def test_forged_tokens_are_refused(
        self,
        client: httpx.AsyncClient,
        tokens: dict[str, Any],
        own_key: rsa.RSAPrivateKey,
        signing_key: rsa.RSAPrivateKey,
    ) -> None:
        access = tokens["access_token"]
        header, claims, signature = access.split(".")
        kid = jwt.get_unverified_header(access)["kid"]
        body = read(access)
        spki = serialization.PublicFormat.SubjectPublicKeyInfo
        public = own_key.public_key().public_bytes(serialization.Encoding.PEM, spki)

        def signed(changes: dict[str, Any], headers: dict[str, Any] | None = None, key: Any = own_key) -> str:
            kept = {name: value for name, value in (body | changes).items() if value is not None}
            return jwt.encode(kept, key, "RS256", {"kid": kid, "typ": "at+jwt"} | (headers or {}))

        def hmac_signed() -> str:
            algorithm = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
            start = jwt.utils.base64url_encode(b'{"alg":"HS256","typ":"at+jwt","kid":"%s"}' % kid.encode()).decode()
            content = f"{start}.{claims}".encode()
            return f"{content.decode()}.{jwt.utils.base64url_encode(algorithm.sign(content, public)).decode()}"

        forged: dict[str, str] = {
            "hs256 with the public key": hmac_signed(),
            "another key": signed({}, key=signing_key),
            "expired": signed({"exp": body["iat"] - 3600}),
            "not yet": signed({"nbf": body["iat"] + 3600}),
            "without exp": signed({"exp": None}),
            "issuer": signed({"iss": "https://evil.example"}),
            "audience": signed({"aud": "other"}),
            "kid with sql": signed({}, {"kid": "' OR 1=1 --"}),
            "kid with path": signed({}, {"kid": "../../etc/passwd"}),
            "huge kid": signed({}, {"kid": "k" * 5000}),
            "jku": signed({}, {"jku": "https://evil.example/jwks.json"}),
            "crit": signed({}, {"crit": ["exp"]}),
            "unknown role": signed({"role": "owner"}),
            "role edited": f"{header}.{claims[:-4]}AAAA.{signature}",
            "truncated": access[:-10],
            "without signature": f"{header}.{claims}.",
            "100 KB": access + "A" * 100_000,
        }
        for alg in ("none", "None", "NONE", "nOnE"):
            start = jwt.utils.base64url_encode(b'{"alg":"%s","typ":"at+jwt","kid":"%s"}' % (alg.encode(), kid.encode()))
            forged[f"alg {alg}"] = f"{start.decode()}.{claims}."
        for name, token in forged.items():
            answer = await client.get(ME, headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == 401, name
        assert (await client.get(ME, headers=bearer(tokens))).status_code == 200

    async def test_two_headers_and_query_parameters_are_refused(
        self, client: httpx.AsyncClient, tokens: dict[str, Any]
    ) -> None:
        header = ("Authorization", f"Bearer {tokens['access_token']}")
        assert (await client.get(ME, headers=[header, header])).status_code == 401
        assert (await client.get(f"{ME}?token={tokens['access_token']}")).status_code == 401
        assert (await client.get(f"{ME}?access_token={tokens['access_token']}")).status_code == 401

    async def test_token_of_another_environment_is_refused(
        self, client: httpx.AsyncClient, token_for: Callable[..., str]
    ) -> None:
        headers = {"Authorization": f"Bearer {token_for('admin')}"}
        assert (await client.get("/api/v1/users", headers=headers)).status_code == 401
