"""Access tokens: what they claim and which keys verify them."""

from collections.abc import Callable

import httpx
import jwt
from jwt import PyJWK

from domain.roles import Role
from services.auth.tests.conftest import (
    AsOwner,
    Login,
    Register,
)
from shared.settings import Settings


class TestTokens:
    async def test_token_is_verified_with_the_published_keys_alone(
        self, client: httpx.AsyncClient, register: Register, login: Login, settings: Settings
    ) -> None:
        await register()
        token = (await login())["access_token"]
        document = (await client.get("/.well-known/jwks.json")).json()
        assert document == (await client.get("/api/v1/auth/jwks")).json()
        (jwk,) = document["keys"]
        assert set(jwk) == {"kty", "n", "e", "use", "alg", "kid"}
        claims = jwt.decode(
            token, PyJWK(jwk).key, ["RS256"], audience=settings.jwt_audience, issuer=settings.public_url
        )
        assert set(claims) == {"iss", "aud", "sub", "sid", "role", "auth_time", "iat", "nbf", "exp", "jti"}
        assert jwt.get_unverified_header(token)["kid"] == jwk["kid"]

    async def test_private_key_is_stored_encrypted(self, client: httpx.AsyncClient, as_owner: AsOwner) -> None:
        await client.get("/.well-known/jwks.json")
        ((kept,),) = await as_owner("SELECT private_key FROM auth.signing_keys")
        assert b"PRIVATE KEY" not in kept

    async def test_token_of_another_key_is_refused(
        self, client: httpx.AsyncClient, token_for: Callable[..., str]
    ) -> None:
        headers = {"Authorization": f"Bearer {token_for(Role.ADMIN)}"}
        assert (await client.get("/api/v1/users", headers=headers)).status_code == 401
