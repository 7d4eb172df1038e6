"""Sessions of browsers over reloads and tabs: the CSRF token is never lost, and refreshing at once ends nothing."""

import asyncio

import httpx
import pytest

from services.auth.tests.conftest import EMAIL, AsOwner, Login, Register, bearer
from services.auth.tests.test_cookies import CSRF, LOGOUT, NAME, REFRESH, cookie_of, log_in, sent

SESSION = "/api/v1/auth/session"
NOBODY = {"user": None, "csrf_token": None}


class TestCsrfCookie:
    async def test_pages_of_the_own_site_read_it_and_nobody_else(
        self, client: httpx.AsyncClient, register: Register
    ) -> None:
        await register()
        tokens, cookie = await log_in(client)
        answer = await client.post(REFRESH, headers=sent(cookie, tokens["csrf_token"]))
        readable = cookie_of(answer, CSRF)
        assert readable.value == tokens["csrf_token"]
        assert not readable["httponly"]
        assert readable["secure"]
        assert (readable["samesite"].lower(), readable["path"], readable["domain"]) == ("strict", "/", "")
        assert readable["max-age"] == cookie_of(answer)["max-age"]

    async def test_sent_as_a_cookie_alone_it_has_no_effect(self, client: httpx.AsyncClient, register: Register) -> None:
        """A browser sends cookies by itself; only a page of the own site puts one into a header."""
        await register()
        tokens, cookie = await log_in(client)
        for path in (REFRESH, LOGOUT):
            headers = {"Cookie": f"{NAME}={cookie}; {CSRF}={tokens['csrf_token']}"}
            assert (await client.post(path, headers=headers)).json()["code"] == "invalid_csrf_token"

    async def test_a_planted_one_opens_no_other_session(self, client: httpx.AsyncClient, register: Register) -> None:
        """Who can set a cookie for the site, and knows an own token, still has not the token of this session."""
        await register()
        _, cookie = await log_in(client)
        own, _ = await log_in(client)
        headers = {"Cookie": f"{NAME}={cookie}; {CSRF}={own['csrf_token']}", "X-CSRF-Token": own["csrf_token"]}
        assert (await client.post(REFRESH, headers=headers)).json()["code"] == "invalid_csrf_token"


class TestWhoIsSignedIn:
    async def test_the_cookie_alone_tells_user_and_csrf_token(
        self, client: httpx.AsyncClient, register: Register
    ) -> None:
        await register()
        tokens, cookie = await log_in(client)
        answer = await client.get(SESSION, headers=sent(cookie))
        assert answer.headers["cache-control"] == "no-store"
        assert answer.json()["csrf_token"] == tokens["csrf_token"]
        assert (answer.json()["user"]["email"], answer.json()["user"]["role"]) == (EMAIL, "customer")
        refreshed = await client.post(REFRESH, headers=sent(cookie, answer.json()["csrf_token"]))
        assert refreshed.status_code == 200

    async def test_an_access_token_tells_the_user(
        self, client: httpx.AsyncClient, register: Register, login: Login
    ) -> None:
        await register()
        answer = await client.get(SESSION, headers=bearer(await login()))
        assert (answer.json()["user"]["email"], answer.json()["csrf_token"]) == (EMAIL, None)

    @pytest.mark.parametrize("cookie", ["", "x", "A" * 64])
    async def test_nobody_is_no_error(self, client: httpx.AsyncClient, cookie: str) -> None:
        assert (await client.get(SESSION)).json() == NOBODY
        assert (await client.get(SESSION, headers=sent(cookie))).json() == NOBODY

    async def test_an_ended_session_is_nobody(
        self, client: httpx.AsyncClient, register: Register, login: Login
    ) -> None:
        await register()
        tokens, cookie = await log_in(client)
        other = bearer(await login())
        assert (await client.post(LOGOUT, headers=sent(cookie, tokens["csrf_token"]))).status_code == 204
        assert (await client.post(LOGOUT, headers=other)).status_code == 204
        client.cookies.clear()
        assert (await client.get(SESSION, headers=sent(cookie))).json() == NOBODY
        assert (await client.get(SESSION, headers=other)).json() == NOBODY

    async def test_the_token_of_another_session_is_not_told(
        self, client: httpx.AsyncClient, register: Register, login: Login
    ) -> None:
        await register()
        _, cookie = await log_in(client)
        answer = await client.get(SESSION, headers=sent(cookie) | bearer(await login()))
        assert answer.json()["csrf_token"] is None


class TestTabs:
    async def test_many_at_once_end_no_session(self, client: httpx.AsyncClient, register: Register) -> None:
        await register()
        tokens, cookie = await log_in(client)
        headers = sent(cookie, tokens["csrf_token"])
        answers = await asyncio.gather(*(client.post(REFRESH, headers=headers) for _ in range(6)))
        assert {answer.status_code for answer in answers} == {200}
        (following,) = {cookie_of(answer).value for answer in answers}
        client.cookies.clear()
        assert (await client.post(REFRESH, headers=sent(following, tokens["csrf_token"]))).status_code == 200

    async def test_a_tab_whose_call_comes_late_gets_the_newest_token(
        self, client: httpx.AsyncClient, register: Register
    ) -> None:
        """The other tab has refreshed twice before the call arrives, which was sent with the first cookie."""
        await register()
        tokens, first = await log_in(client)

        async def refresh(cookie: str) -> httpx.Response:
            client.cookies.clear()
            return await client.post(REFRESH, headers=sent(cookie, tokens["csrf_token"]))

        second = cookie_of(await refresh(first)).value
        third = cookie_of(await refresh(second)).value
        late = await refresh(first)
        assert late.status_code == 200
        assert cookie_of(late).value == third
        assert (await refresh(third)).status_code == 200

    async def test_later_than_ten_seconds_it_is_a_stolen_token(
        self, client: httpx.AsyncClient, register: Register, as_owner: AsOwner
    ) -> None:
        await register()
        tokens, first = await log_in(client)
        second = cookie_of(await client.post(REFRESH, headers=sent(first, tokens["csrf_token"]))).value
        client.cookies.clear()
        third = cookie_of(await client.post(REFRESH, headers=sent(second, tokens["csrf_token"]))).value
        client.cookies.clear()
        await as_owner("UPDATE auth.refresh_tokens SET used_at = used_at - interval '11 seconds'")
        assert (await client.post(REFRESH, headers=sent(first, tokens["csrf_token"]))).status_code == 401
        assert (await client.post(REFRESH, headers=sent(third, tokens["csrf_token"]))).status_code == 401
