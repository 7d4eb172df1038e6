"""Keys from a server that is away, slow, wrong or hostile."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from keys.tokens import NoKeysError, public_keys
from shared.identity.tokens import MAX_JWKS_BYTES, RemoteJwks

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SMALL = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - to be refused


def jwk(kid: str = "one", **more: Any) -> dict[str, Any]:
    return {**RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True), "kid": kid, "use": "sig", "alg": "RS256"} | more


def document(*keys: Any) -> bytes:
    return orjson.dumps({"keys": list(keys)})


@dataclass
class Publisher:
    """What auth would publish, and how often it was asked."""

    body: bytes = field(default_factory=lambda: document(jwk()))
    status: bytes = b"200 OK"
    headers: bytes = b""
    asked: int = 0
    url: str = ""
    answering: asyncio.Event = field(default_factory=asyncio.Event)

    talks: set[asyncio.Task[None]] = field(default_factory=set)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._answer(reader, writer))
        self.talks.add(task)
        task.add_done_callback(self.talks.discard)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        await self.answering.wait()
        length = b"Content-Length: %d\r\nConnection: close\r\n" % len(self.body)
        writer.write(b"HTTP/1.1 " + self.status + b"\r\n" + self.headers + length + b"\r\n" + self.body)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


@asynccontextmanager
async def publishing() -> AsyncIterator[Publisher]:
    publisher = Publisher()
    publisher.answering.set()
    async with await asyncio.start_server(publisher.talk, "127.0.0.1", 0) as server:
        publisher.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/.well-known/jwks.json"
        yield publisher
        publisher.answering.set()
        await asyncio.gather(*publisher.talks)


class TestDocuments:
    @pytest.mark.parametrize(
        "other",
        [
            {**RSAAlgorithm.to_jwk(KEY, as_dict=True), "kid": "private"},
            {"kty": "oct", "k": "c2VjcmV0", "kid": "oct"},
            {"kty": "oct", "k": "c2VjcmV0", "kid": "oct", "alg": "RS256"},
            {**ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()).public_key(), as_dict=True), "kid": "ec"},
            {**RSAAlgorithm.to_jwk(SMALL.public_key(), as_dict=True), "kid": "small"},
            jwk("for encryption", use="enc"),
            jwk("another algorithm", alg="HS256"),
            jwk("no numbers", n="", e=""),
            jwk("a list for a number", n=[1]),
            {"kty": "RSA", "kid": "nothing else"},
            jwk(""),
            None,
            "text",
            [],
            7,
        ],
        ids=lambda value: value.get("kid", "") if isinstance(value, dict) else repr(value),
    )
    def test_a_key_of_no_use_is_left_out_and_the_others_serve(self, other: Any) -> None:
        assert public_keys({"keys": [other, jwk()]}).keys() == {"one"}

    @pytest.mark.parametrize("whole", [None, [], "x", 7, {}, {"keys": None}, {"keys": "x"}, {"keys": 7}, {"keys": {}}])
    def test_what_is_no_key_set_has_no_keys(self, whole: Any) -> None:
        assert public_keys(whole) == {}


class TestFetching:
    @pytest.mark.parametrize(
        ("status", "body", "headers"),
        [
            (b"503 Service Unavailable", b"{}", b""),
            (b"200 OK", b"<html>", b""),
            (b"200 OK", b"{" * 1_000, b""),
            (b"200 OK", document(), b""),
            (b"200 OK", document({"kty": "oct", "k": "c2VjcmV0", "kid": "one"}), b""),
            (b"200 OK", document(jwk("two")) + b" " * MAX_JWKS_BYTES, b""),
            (b"302 Found", b"", b"Location: http://127.0.0.1:1/evil\r\n"),
        ],
        ids=["away", "no JSON", "half JSON", "empty", "symmetric", "too large", "redirect"],
    )
    async def test_what_is_wrong_later_leaves_the_known_keys_serving(
        self, status: bytes, body: bytes, headers: bytes
    ) -> None:
        async with publishing() as publisher:
            keys = RemoteJwks(publisher.url, cool_down=0)
            assert await keys.key("one") is not None
            publisher.status, publisher.body, publisher.headers = status, body, headers
            assert await keys.key("two") is None
            assert publisher.asked == 2
            assert await keys.key("one") is not None

    async def test_as_long_as_nobody_was_there_no_token_can_be_judged(self) -> None:
        with pytest.raises(NoKeysError):
            await RemoteJwks("http://127.0.0.1:1/jwks.json").key("one")

    async def test_a_server_that_does_not_answer_is_given_up(self) -> None:
        async with publishing() as publisher:
            publisher.answering.clear()
            async with asyncio.timeout(5):
                with pytest.raises(NoKeysError):
                    await RemoteJwks(publisher.url, timeout=1.0).key("one")
            assert publisher.asked == 1

    async def test_a_known_key_waits_for_no_slow_server(self) -> None:
        async with publishing() as publisher:
            keys = RemoteJwks(publisher.url, cool_down=0, max_age=0, timeout=60)
            assert await keys.key("one") is not None
            publisher.answering.clear()
            async with asyncio.timeout(5):
                assert await keys.key("one") is not None
                while publisher.asked < 2:  # it is asked meanwhile
                    await asyncio.sleep(0.005)
                assert await keys.key("one") is not None
            publisher.answering.set()
            assert keys._background is not None
            await keys._background

    async def test_a_thousand_unknown_kids_at_once_cause_one_fetch(self) -> None:
        async with publishing() as publisher:
            keys = RemoteJwks(publisher.url)
            assert await keys.key("one") is not None
            keys._tried_at = float("-inf")
            found = await asyncio.gather(*(keys.key(f"unknown {number}") for number in range(1_000)))
            assert found == [None] * 1_000
            assert publisher.asked == 2

    async def test_a_new_key_is_found_at_its_first_token(self) -> None:
        async with publishing() as publisher:
            keys = RemoteJwks(publisher.url, cool_down=0)
            assert await keys.key("one") is not None
            publisher.body = document(jwk(), jwk("two"))
            assert await keys.key("two") is not None

    async def test_who_remembers_hears_of_a_withdrawal_and_of_nothing_else(self) -> None:
        heard: list[str] = []
        async with publishing() as publisher:
            keys = RemoteJwks(publisher.url, cool_down=0)
            keys.on_withdrawal.append(lambda: heard.append("gone"))
            await keys.key("one")
            publisher.body = document(jwk(), jwk("two"))
            await keys.key("two")
            assert heard == []
            publisher.body = document(jwk("two"))
            assert await keys.key("three") is None
            assert heard == ["gone"]
            assert await keys.key("one") is None
