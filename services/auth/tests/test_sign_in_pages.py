"""The page of a link that signs in: its texts and its headers."""

import httpx
import pytest

from services.auth.sign_in_pages.texts import WORDS
from services.auth.tests.conftest import EMAIL, SignUp
from services.auth.tests.test_login_links import asked
from shared.testing.browsers import be_browser
from shared.testing.types import Outbox


def shape(words: object) -> object:
    return {name: shape(value) for name, value in words.items()} if isinstance(words, dict) else type(words)


def test_both_languages_have_the_same_texts() -> None:
    assert shape(WORDS["da"]) == shape(WORDS["en"])


class TestPage:
    @pytest.fixture
    async def path(self, client: httpx.AsyncClient, sign_up: SignUp, outbox: Outbox) -> str:
        await sign_up(EMAIL, "customer")
        be_browser(client)
        return (await asked(client, outbox)).page

    async def test_has_one_button_and_says_whom_it_signs_in(self, client: httpx.AsyncClient, path: str) -> None:
        answer = await client.get(path)
        assert answer.text.count("<button") == 1
        assert EMAIL in answer.text
        assert "<script" not in answer.text

    async def test_is_neither_stored_nor_framed_and_sends_no_referrer(
        self, client: httpx.AsyncClient, path: str
    ) -> None:
        for answer in (await client.get(path), await client.post(path), await client.get("/sign-in/unknown")):
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
            assert "default-src 'none'" in answer.headers["content-security-policy"]

    async def test_is_in_danish_and_english(self, client: httpx.AsyncClient, path: str) -> None:
        danish, english = (await client.get(path)).text, (await client.get(f"{path}?lang=en")).text
        assert '<html lang="da">' in danish
        assert '<html lang="en">' in english
        assert (await client.get(path, headers={"Accept-Language": "en-GB"})).text.count('<html lang="en">') == 1

    async def test_of_a_link_that_does_not_work_says_so(self, client: httpx.AsyncClient) -> None:
        for token in ("unknown", "x" * 200, "%22%3E%3Cscript%3E"):
            answer = await client.get(f"/sign-in/{token}")
            assert answer.status_code == 404
            assert WORDS["da"]["invalid"]["text"] in answer.text
            assert "<script" not in answer.text

    async def test_gives_a_new_browser_its_cookie(self, client: httpx.AsyncClient, path: str) -> None:
        client.cookies.clear()
        assert (await client.get(path)).headers["set-cookie"].startswith("__Host-loctician-browser=")
