"""Logins, refreshes and verified tokens, against the bare algorithms: Argon2id and RS256."""

import asyncio
import itertools
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import argon2
import httpx
import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from jwt.utils import base64url_decode

from domain.roles import Role
from keys.tokens import TokenVerifier
from shared.testing.keys import StaticJwks
from shared.testing.servers import as_owner
from tests.bench.figures import Figure, at_least, by_turns, compared
from tests.bench.identity import KID, Signer
from tests.bench.load import Next, drive, request
from tests.bench.stand import Bench, Platform

CLIENTS = 8
PASSWORD = "Frisk-vask-og-olie-2026"
THREADS = os.cpu_count() or 2
MEMORY_KIB, TIME_COST, PARALLELISM = 19_456, 2, 1  # the service's defaults


async def measure(bench: Bench) -> list[Figure]:
    async with bench.platform("auth", ROLE="api") as platform:
        people = [await _registered(platform, number) for number in range(CLIENTS)]
        claims = """SELECT set_config('request.jwt.claims', '{"role": "service"}', false)"""
        await as_owner(platform.database_url, claims, "UPDATE auth.users SET email_verified = true")
        logins = [_login(email) for email in people]
        seconds = bench.options.seconds

        async def login() -> float:
            return (await drive(platform.port("auth"), logins, seconds)).rate

        async def refresh() -> float:
            clients = [_refreshing(await _signed_in(platform, email)) for email in people]
            return (await drive(platform.port("auth"), clients, seconds)).rate

        bare = _Bare(platform.signer, seconds)
        arms = {"argon2": bare.argon2, "login": login, "sign": bare.sign, "refresh": refresh}
        arms |= {"verify": bare.verify, "cold": bare.cold, "warm": bare.warm}
        took = await by_turns(bench.options.runs, arms)
    limit = f"bare Argon2id, {THREADS} threads"
    return [
        compared("login", "1/s", took["login"], limit, took["argon2"], at_least(0.85)),
        compared("refresh", "1/s", took["refresh"], "bare RS256 signatures", took["sign"]),
        compared("verification, cold cache", "1/s", took["cold"], "bare RS256 verification", took["verify"]),
        compared("verification, warm cache", "1/s", took["warm"], "bare RS256 verification", took["verify"]),
    ]


async def _registered(platform: Platform, number: int) -> str:
    email = f"bench-{number}@example.com"
    body = {"email": email, "password": PASSWORD, "full_name": f"Bench {number}", "language": "da"}
    async with httpx.AsyncClient(base_url=platform.url("auth"), timeout=30) as http:
        answer = await http.post("/api/v1/auth/register", json=body)
    if answer.status_code != 202:
        raise RuntimeError(f"register: {answer.text}")
    return email


def _login(email: str) -> Next:
    content = request("POST", "/api/v1/auth/login", body={"email": email, "password": PASSWORD})
    return lambda _: content


async def _signed_in(platform: Platform, email: str) -> str:
    async with httpx.AsyncClient(base_url=platform.url("auth"), timeout=30) as http:
        answer = await http.post("/api/v1/auth/login", json={"email": email, "password": PASSWORD})
    return str(answer.raise_for_status().json()["refresh_token"])


def _refreshing(first: str) -> Next:
    """Each answer's token is the next request's."""

    def following(answer: bytes) -> bytes:
        token = orjson.loads(answer)["refresh_token"] if answer else first
        return request("POST", "/api/v1/auth/refresh", body={"refresh_token": token})

    return following


class _Bare:
    """The algorithms without a service. Those that keep one core busy are measured on one core."""

    def __init__(self, signer: Signer, seconds: int) -> None:
        self._signer, self._seconds = signer, seconds
        self._hasher = argon2.PasswordHasher(time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=PARALLELISM)
        self._hash = self._hasher.hash(PASSWORD)
        self._token = signer.token(uuid4())

    async def argon2(self) -> float:
        with ThreadPoolExecutor(THREADS) as threads:
            work = [asyncio.get_running_loop().run_in_executor(threads, self._hashing) for _ in range(THREADS)]
            return sum(await asyncio.gather(*work))

    def _hashing(self) -> float:
        return _rate(lambda: self._hasher.verify(self._hash, PASSWORD), self._seconds)

    async def sign(self) -> float:
        claims = jwt.decode(self._token, options={"verify_signature": False})
        headers = {"kid": KID, "typ": "at+jwt"}
        return _rate(lambda: jwt.encode(claims, self._signer.private, "RS256", headers), self._seconds)

    async def verify(self) -> float:
        public = self._signer.private.public_key()
        signed, _, signature = self._token.rpartition(".")
        raw_signature, content, padding, hashed = base64url_decode(signature), signed.encode(), PKCS1v15(), SHA256()
        return _rate(lambda: public.verify(raw_signature, content, padding, hashed), self._seconds)

    async def cold(self) -> float:
        """Each token as if seen for the first time: by a verifier made anew for each pass over them."""
        tokens = [self._signer.token(uuid4()) for _ in range(500)]
        passes, began = 0, time.perf_counter()
        while time.perf_counter() - began < self._seconds:
            verifier = self._verifier()
            for token in tokens:
                await verifier.verify(token)
            passes += 1
        return passes * len(tokens) / (time.perf_counter() - began)

    async def warm(self) -> float:
        verifier, tokens = self._verifier(), [self._signer.token(uuid4()) for _ in range(500)]
        for token in tokens:
            await verifier.verify(token)
        count, began = 0, time.perf_counter()
        turns: Iterator[str] = itertools.cycle(tokens)
        while time.perf_counter() - began < self._seconds:
            for token in itertools.islice(turns, 500):
                await verifier.verify(token)
            count += 500
        return count / (time.perf_counter() - began)

    def _verifier(self) -> TokenVerifier:
        keys = StaticJwks({KID: self._signer.private.public_key()})
        return TokenVerifier(keys, self._signer.issuer, self._signer.audience, tuple(Role))


def _rate(work: Callable[[], object], seconds: int) -> float:
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        work()
        count += 1
    return count / (time.perf_counter() - began)
