"""Attacks with tokens that must end at the gateway."""

import base64
import hashlib
import hmac
import random
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx
import jwt
import orjson
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from websockets.asyncio.client import connect

from gateway.main import Gateway
from gateway.tests.conftest import KID, Upstreams, claims_for, jwk_of, raw, running, serving
from gateway.tests.support import closed_with, ws
from shared.identity.tokens import RemoteJwks
from shared.messaging.events import new_id
from shared.testing.types import TokenFor

Forge = Callable[[rsa.RSAPrivateKey], str]


def encoded(part: Any) -> bytes:
    return base64.urlsafe_b64encode(orjson.dumps(part)).rstrip(b"=")


def unsigned(algorithm: str) -> str:
    return b".".join(
        [encoded({"alg": algorithm, "typ": "at+jwt", "kid": KID}), encoded(claims_for("admin")), b""]
    ).decode()


def hs256_with_public_key(key: rsa.RSAPrivateKey) -> str:
    secret = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    content = encoded({"alg": "HS256", "typ": "at+jwt", "kid": KID}) + b"." + encoded(claims_for("admin"))
    signature = base64.urlsafe_b64encode(hmac.new(secret, content, hashlib.sha256).digest()).rstrip(b"=")
    return (content + b"." + signature).decode()


def signed(key: rsa.RSAPrivateKey, header: dict[str, Any] | None = None, **claims: Any) -> str:
    content = {name: value for name, value in (claims_for("admin") | claims).items() if value is not None}
    return jwt.encode(content, key, "RS256", {"kid": KID, "typ": "at+jwt"} | (header or {}))


def edited_role(key: rsa.RSAPrivateKey) -> str:
    head, _, signature = signed(key).split(".")
    return ".".join([head, encoded(claims_for("admin")).decode(), signature])


def signed_as(key: rsa.RSAPrivateKey, header: Any) -> str:
    """A token with a valid signature and a header that no library writes."""
    content = encoded(header) + b"." + encoded(claims_for("admin"))
    signature = key.sign(content, padding.PKCS1v15(), hashes.SHA256())
    return (content + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def with_time(key: rsa.RSAPrivateKey, name: str, text: str) -> str:
    """A token with any JSON as one of its times; written by hand, since no library does."""
    payload = orjson.dumps({n: v for n, v in claims_for("admin").items() if n != name})
    payload = payload[:-1] + f',"{name}":{text}}}'.encode()
    return jwt.api_jws.encode(payload, key, "RS256", {"kid": KID, "typ": "at+jwt"})


def edited_payload(key: rsa.RSAPrivateKey, **claims: Any) -> str:
    head, payload, signature = signed(key).split(".")
    known = orjson.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return ".".join([head, encoded(known | claims).decode(), signature])


def flipped(token: str) -> str:
    place = token.rindex(".") + 20
    return token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]


TIMES = ("exp", "nbf", "iat", "auth_time")
NO_TIMES = {
    "of 400 digits": "9" * 400,
    "of 5,000 digits": "9" * 5_000,
    "as a float": "4102444800.5",
    "as a whole float": "4102444800.0",
    "with an exponent": "4e9",
    "infinite": "1e999",
    "Infinity": "Infinity",
    "negative": "-1",
    "negative, of 400 digits": "-" + "9" * 400,
    "as text": '"4102444800"',
    "NaN": "NaN",
    "true": "true",
    "null": "null",
    "a list": "[4102444800]",
    "an object": "{}",
}
ATTACKS: dict[str, Forge] = {
    "alg none": lambda _: unsigned("none"),
    "alg NoNe": lambda _: unsigned("NoNe"),
    "alg NONE": lambda _: unsigned("NONE"),
    "alg nOnE": lambda _: unsigned("nOnE"),
    "no alg": lambda _: unsigned(""),
    "alg none with a signature": lambda key: unsigned("none") + signed(key).rpartition(".")[2],
    "HS256 with the public key": hs256_with_public_key,
    "another key under our kid": lambda _: signed(rsa.generate_private_key(public_exponent=65537, key_size=2048)),
    "no kid": lambda key: signed_as(key, {"alg": "RS256", "typ": "at+jwt"}),
    "kid that is no text": lambda key: signed_as(key, {"alg": "RS256", "kid": [KID]}),
    "header that is no object": lambda key: signed_as(key, ["RS256"]),
    "kid with SQL": lambda key: signed(key, {"kid": "x' OR '1'='1' --"}),
    "kid with an address": lambda key: signed(key, {"kid": "http://evil.example/jwks.json"}),
    "kid with NUL": lambda key: signed(key, {"kid": KID + "\0"}),
    "unknown kid": lambda key: signed(key, {"kid": "other"}),
    "kid with a path": lambda key: signed(key, {"kid": "../../etc/passwd"}),
    "huge kid": lambda key: signed(key, {"kid": "k" * 3_000}),
    "jku": lambda key: signed(key, {"jku": "http://evil.example/jwks.json"}),
    "jwk": lambda key: signed(key, {"jwk": {"kty": "RSA"}}),
    "x5c": lambda key: signed(key, {"x5c": ["MIIB"]}),
    "zip": lambda key: signed(key, {"zip": "DEF"}),
    "b64": lambda key: signed_as(key, {"alg": "RS256", "kid": KID, "b64": True}),
    "encrypted": lambda _: "a.b.c.d.e",
    "x5u": lambda key: signed(key, {"x5u": "http://evil.example/"}),
    "crit": lambda key: signed(key, {"crit": ["exp"]}),
    "expired": lambda key: signed(key, exp=int(time.time()) - 60),
    "not yet valid": lambda key: signed(key, nbf=int(time.time()) + 600),
    "without exp": lambda key: signed(key, exp=None),
    "exp as text": lambda key: signed(key, exp="tomorrow"),
    **{
        f"{name} {label}": partial(with_time, name=name, text=text)
        for name in TIMES
        for label, text in NO_TIMES.items()
    },
    "typ JWT": lambda key: signed(key, {"typ": "JWT"}),
    "typ of a ticket": lambda key: signed(key, {"typ": "ticket+jwt"}),
    "typ of an ID token": lambda key: signed(key, {"typ": "id+jwt"}),
    "without typ": lambda key: signed_as(key, {"alg": "RS256", "kid": KID}),
    "typ that is no text": lambda key: signed_as(key, {"alg": "RS256", "kid": KID, "typ": ["at+jwt"]}),
    "role that is no text": lambda key: signed(key, role=["admin"]),
    "nested header": lambda _: base64.urlsafe_b64encode(b"[" * 4_500).decode() + ".e30.AAAA",
    "without iat": lambda key: signed(key, iat=None),
    "iat as text": lambda key: signed(key, iat=str(int(time.time()))),
    "without sid": lambda key: signed(key, sid=None),
    "sid in capitals": lambda key: signed(key, sid=str(new_id()).upper()),
    "sid that is no id": lambda key: signed(key, sid="*"),
    "sub that is no id": lambda key: signed(key, sub="admin"),
    "without audience": lambda key: signed(key, aud=None),
    "several audiences": lambda key: signed(key, aud=["loctician", "loctician-ws"]),
    "a WebSocket ticket's audience": lambda key: signed(key, aud="loctician-ws"),
    "of another environment": lambda key: signed(key, iss="https://staging.loctician.example"),
    "wrong issuer": lambda key: signed(key, iss="http://evil.example"),
    "wrong audience": lambda key: signed(key, aud="other"),
    "edited role": edited_role,
    "edited sub": lambda key: edited_payload(key, sub=str(new_id())),
    "edited exp": lambda key: edited_payload(key, exp=int(time.time()) + 10**6),
    "signature of another token": lambda key: signed(key).rpartition(".")[0] + "." + signed(key).rpartition(".")[2],
    "without signature": lambda key: signed(key).rpartition(".")[0] + ".",
    "with something after": lambda key: signed(key) + ".x",
    "truncated": lambda key: signed(key)[:-10],
    "bit flipped": lambda key: flipped(signed(key)),
    "10 KB": lambda key: signed(key, padding="x" * 10_000),
    "empty": lambda _: "",
    "no token at all": lambda _: "a.b.c",
}


def _decoded(token: str) -> list[bytes]:
    return [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split(".")]


class TestAttacks:
    @pytest.mark.parametrize("name", ATTACKS)
    async def test_a_bad_token_is_401_and_reaches_no_service(
        self, url: str, upstreams: Upstreams, signing_key: rsa.RSAPrivateKey, name: str
    ) -> None:
        upstreams.seen.clear()
        token = ATTACKS[name](signing_key)
        head = f"GET /api/v1/bookings HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n"
        answer = await raw(url, head.encode())
        assert answer.status == 401
        assert b'"code":"unauthorized"' in answer.body
        assert b"www-authenticate: Bearer" in answer.head
        assert "/api/v1/bookings" not in upstreams.seen

    async def test_no_flipped_bit_gets_in(self, client: httpx.AsyncClient, token_for: TokenFor) -> None:
        token = token_for()
        for place in random.sample(range(len(token)), 60):
            other = chr(ord(token[place]) ^ 1)
            if not (other.isalnum() or other in "-_."):
                continue
            forged = token[:place] + other + token[place + 1 :]
            # The signature's last character has spare bits; those of the other parts are signed as text.
            same = place > token.rindex(".") and _decoded(forged) == _decoded(token)
            answer = await client.get("/api/v1/bookings", headers={"Authorization": f"Bearer {forged}"})
            assert answer.status_code == (200 if same else 401), place

    async def test_a_truncated_token_is_401(self, client: httpx.AsyncClient, token_for: TokenFor) -> None:
        token = token_for()
        for length in range(1, len(token), 41):
            answer = await client.get("/api/v1/bookings", headers={"Authorization": f"Bearer {token[:length]}"})
            assert answer.status_code == 401

    async def test_a_token_of_100_kb_is_refused(self, client: httpx.AsyncClient) -> None:
        answer = await client.get("/api/v1/bookings", headers={"Authorization": "Bearer " + "x" * 100_000})
        assert answer.status_code in (400, 401, 431)

    async def test_two_authorization_headers_are_400(self, client: httpx.AsyncClient, token_for: TokenFor) -> None:
        value = f"Bearer {token_for()}"
        answer = await client.get("/api/v1/bookings", headers=[("Authorization", value), ("Authorization", value)])
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")

    async def test_another_scheme_is_401(self, client: httpx.AsyncClient) -> None:
        assert (await client.get("/api/v1/bookings", auth=("admin", "admin"))).status_code == 401

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            *(("POST", f"/api/v1/auth/{name}") for name in ("refresh", "logout")),
            *(("GET", path) for path in ("/api/v1/slots", "/api/v1/services/1", "/account/verify-email")),
            ("POST", "/api/v1/bookings/check-availability"),
        ],
    )
    async def test_where_anyone_may_call_a_bad_token_counts_as_none_and_is_not_forwarded(
        self, client: httpx.AsyncClient, token_for: TokenFor, method: str, path: str
    ) -> None:
        expired = f"Bearer {token_for(exp=int(time.time()) - 60)}"
        bad = (expired, "Bearer x", "Bearer", "Basic YWRtaW46YWRtaW4=", "", "garbage")
        for headers in (*([("Authorization", value)] for value in bad), [("Authorization", expired)] * 2):
            answer = await client.request(method, path, headers=headers, json={})
            assert answer.status_code == 200, headers
            assert "authorization" not in dict(answer.json()["headers"])
        valid = {"Authorization": f"Bearer {token_for('staff')}"}
        answer = await client.request(method, path, headers=valid, json={})
        assert dict(answer.json()["headers"])["authorization"] == valid["Authorization"]

    async def test_a_token_in_the_query_counts_for_nothing(
        self, client: httpx.AsyncClient, token_for: TokenFor
    ) -> None:
        answer = await client.get("/api/v1/bookings", params={"token": token_for(), "access_token": token_for()})
        assert "authorization" not in dict(answer.json()["headers"])

    async def test_a_valid_token_is_forwarded(self, client: httpx.AsyncClient, token_for: TokenFor) -> None:
        value = f"Bearer {token_for('staff')}"
        answer = await client.get("/api/v1/bookings", headers={"Authorization": value})
        assert dict(answer.json()["headers"])["authorization"] == value

    async def test_a_verified_token_still_expires(
        self, client: httpx.AsyncClient, gateway: Gateway, token_for: TokenFor
    ) -> None:
        token = token_for(exp=int(time.time()) - 3)  # within the leeway, so verified once
        headers = {"Authorization": f"Bearer {token}"}
        assert (await client.get("/api/v1/bookings", headers=headers)).status_code == 200
        digest = hashlib.sha256(token.encode()).digest()
        assert gateway.verifier._cache[digest][0] < time.time()


class TestKeys:
    async def test_known_keys_stay_in_use_while_auth_is_away(self, upstreams: Upstreams, token_for: TokenFor) -> None:
        async with (
            serving(upstreams.app("auth")) as auth_url,
            running(upstreams, auth_url=auth_url) as (_, url),
            httpx.AsyncClient(base_url=url) as client,
        ):
            first = await client.get("/api/v1/bookings", headers={"Authorization": f"Bearer {token_for()}"})
            assert first.status_code == 200
            upstreams.jwks_status = 503
            try:
                forged = signed(upstreams.signing_key, {"kid": "new"})
                unknown = await client.get("/api/v1/bookings", headers={"Authorization": f"Bearer {forged}"})
                fresh = await client.get("/api/v1/bookings", headers={"Authorization": f"Bearer {token_for()}"})
            finally:
                upstreams.jwks_status = 200
            assert (unknown.status_code, fresh.status_code) == (401, 200)

    async def test_while_auth_was_never_reached_calls_with_a_token_are_503(
        self, upstreams: Upstreams, token_for: TokenFor
    ) -> None:
        auth_url = "http://127.0.0.1:1"
        async with running(upstreams, auth_url=auth_url) as (_, url), httpx.AsyncClient(base_url=url) as client:
            assert await _statuses(client, token_for(), "nonsense", unsigned("none")) == [503, 401, 401]
            for query in (f"token={token_for()}", f"ticket={token_for(aud='loctician-ws')}"):
                async with connect(ws(url, f"/ws?{query}")) as socket:
                    assert await closed_with(socket) == 1013

    async def test_many_unknown_kids_cause_one_fetch(
        self, client: httpx.AsyncClient, upstreams: Upstreams, token_for: TokenFor
    ) -> None:
        await client.get("/api/v1/bookings", headers={"Authorization": f"Bearer {token_for()}"})
        before, started = upstreams.jwks_fetches, time.monotonic()
        token = signed(upstreams.signing_key)
        _, payload, signature = token.split(".")
        for number in range(1_000):
            head = encoded({"alg": "RS256", "typ": "at+jwt", "kid": f"unknown-{number}"}).decode()
            forged = {"Authorization": f"Bearer {head}.{payload}.{signature}"}
            assert (await client.get("/api/v1/bookings", headers=forged)).status_code == 401
        cool_downs = (time.monotonic() - started) // 10
        assert upstreams.jwks_fetches - before <= 1 + cool_downs

    async def test_a_rotated_key_is_valid_while_it_is_published(
        self, upstreams: Upstreams, token_for: TokenFor
    ) -> None:
        new = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        old_token, new_token = token_for(), signed(new, {"kid": "next"})
        async with running(upstreams) as (gateway, url), httpx.AsyncClient(base_url=url) as client:
            assert await _statuses(client, old_token) == [200]
            try:
                upstreams.jwks = [jwk_of(upstreams.signing_key), jwk_of(new, "next")]
                _cooled_down(gateway)
                assert await _statuses(client, new_token, old_token, token_for()) == [200, 200, 200]
                upstreams.jwks = [jwk_of(new, "next")]
                _cooled_down(gateway)
                assert await _statuses(client, signed(new, {"kid": "unheard of"})) == [401]  # has the keys fetched
                # Also the one that was verified before.
                assert await _statuses(client, new_token, old_token, token_for()) == [200, 401, 401]
            finally:
                upstreams.jwks = None

    async def test_a_replaced_key_ends_the_tokens_it_signed(self, upstreams: Upstreams, token_for: TokenFor) -> None:
        async with running(upstreams) as (gateway, url), httpx.AsyncClient(base_url=url) as client:
            token = token_for()
            assert await _statuses(client, token) == [200]
            other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            try:
                upstreams.jwks = [jwk_of(other)]
                _cooled_down(gateway)
                assert await _statuses(client, signed(other, {"kid": "unheard of"}), token) == [401, 401]
                assert await _statuses(client, signed(other)) == [200]
            finally:
                upstreams.jwks = None


def _cooled_down(gateway: Gateway) -> None:
    """Ends the pause between two fetches of keys."""
    assert isinstance(gateway.verifier.keys, RemoteJwks)
    gateway.verifier.keys._tried_at = float("-inf")


async def _statuses(client: httpx.AsyncClient, *tokens: str) -> list[int]:
    answers = []
    for token in tokens:
        answer = await client.get("/api/v1/bookings", headers={"Authorization": f"Bearer {token}"})
        answers.append(answer.status_code)
    return answers
