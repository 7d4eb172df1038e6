"""Cookie sessions of browsers: no script reads the refresh token, and no other site uses it."""

from http.cookies import SimpleCookie
from typing import Any

import httpx

from services.auth.tests.conftest import EMAIL, PASSWORD, Login, Register, bearer

NAME, CSRF = "__Host-loctician-refresh", "__Host-loctician-csrf"
REFRESH, LOGOUT = "/api/v1/auth/refresh", "/api/v1/auth/logout"


def cookie_of(answer: httpx.Response, name: str = NAME) -> Any:
    cookies: SimpleCookie = SimpleCookie()
    for header in answer.headers.get_list("set-cookie"):
        cookies.load(header)
    return cookies[name]


async def log_in(client: httpx.AsyncClient) -> tuple[dict[str, Any], str]:
    body = {"email": EMAIL, "password": PASSWORD, "session": "cookie"}
    answer = await client.post("/api/v1/auth/login", json=body)
    assert answer.status_code == 200
    client.cookies.clear()
    return answer.json(), cookie_of(answer).value


def sent(cookie: str, csrf: str | None = None) -> dict[str, str]:
    return {"Cookie": f"{NAME}={cookie}"} | ({"X-CSRF-Token": csrf} if csrf is not None else {})


class TestCookie:
    async def test_cannot_be_read_by_scripts_other_sites_other_hosts_or_over_http(
        self, client: httpx.AsyncClient, register: Register
    ) -> None:
        await register()
        body = {"email": EMAIL, "password": PASSWORD, "session": "cookie"}
        answer = await client.post("/api/v1/auth/login", json=body)
        cookie = cookie_of(answer)
        assert cookie["httponly"]
        assert cookie["secure"]
        assert (cookie["samesite"].lower(), cookie["path"], cookie["domain"]) == ("strict", "/", "")
        assert cookie["max-age"] == str(30 * 86_400)
        assert set(answer.json()) == {"access_token", "csrf_token", "token_type", "expires_in"}
        assert cookie.value not in answer.text
        assert answer.headers["cache-control"] == "no-store"

    async def test_refresh_with_its_csrf_token_sets_a_new_cookie(
        self, client: httpx.AsyncClient, register: Register
    ) -> None:
        await register()
        tokens, cookie = await log_in(client)
        answer = await client.post(REFRESH, headers=sent(cookie, tokens["csrf_token"]))
        assert answer.status_code == 200
        assert "refresh_token" not in answer.json()
        assert answer.json()["csrf_token"] == tokens["csrf_token"]
        client.cookies.clear()
        again = await client.post(REFRESH, headers=sent(cookie_of(answer).value, tokens["csrf_token"]))
        assert again.status_code == 200

    async def test_logout_with_its_csrf_token_deletes_it(self, client: httpx.AsyncClient, register: Register) -> None:
        await register()
        tokens, cookie = await log_in(client)
        answer = await client.post(LOGOUT, headers=sent(cookie, tokens["csrf_token"]))
        assert answer.status_code == 204
        for name in (NAME, CSRF):
            assert (cookie_of(answer, name).value, cookie_of(answer, name)["max-age"]) == ("", "0")
        client.cookies.clear()
        assert (await client.post(REFRESH, headers=sent(cookie, tokens["csrf_token"]))).status_code == 401
        assert (await client.post(LOGOUT, headers=sent(cookie, tokens["csrf_token"]))).status_code == 401

    async def test_token_session_gets_no_cookie(self, client: httpx.AsyncClient, register: Register) -> None:
        await register()
        answer = await client.post("/api/v1/auth/login", json={"email": EMAIL, "password": PASSWORD})
        assert "set-cookie" not in answer.headers
        assert "csrf_token" not in answer.json()


class TestForgery:
    async def test_calls_without_the_csrf_token_of_the_session_do_nothing(
        self, client: httpx.AsyncClient, register: Register
    ) -> None:
        await register()
        tokens, cookie = await log_in(client)
        other, _ = await log_in(client)
        right = tokens["csrf_token"]
        for path in (REFRESH, LOGOUT):
            for csrf in (None, "", "x", other["csrf_token"], right[:-1], right + "A", cookie, "æ".encode().hex()):
                answer = await client.post(path, headers=sent(cookie, csrf))
                assert (answer.status_code, answer.json()["code"]) == (403, "invalid_csrf_token"), csrf
        # The token in the cookie was not used up.
        assert (await client.post(REFRESH, headers=sent(cookie, right))).status_code == 200

    async def test_get_and_forms_do_nothing(self, client: httpx.AsyncClient, register: Register) -> None:
        await register()
        tokens, cookie = await log_in(client)
        headers = sent(cookie, tokens["csrf_token"])
        for path in (REFRESH, LOGOUT):
            assert (await client.get(path, headers=headers)).status_code == 405
        form = {"csrf_token": tokens["csrf_token"], "X-CSRF-Token": tokens["csrf_token"]}
        assert (await client.post(REFRESH, data=form, headers=sent(cookie))).status_code in {403, 415, 422}
        query = await client.post(f"{REFRESH}?csrf_token={tokens['csrf_token']}", headers=sent(cookie))
        # A query parameter that is not documented is named and refused.
        assert query.status_code == 422

    async def test_cookie_authorizes_no_other_calls(self, client: httpx.AsyncClient, register: Register) -> None:
        await register()
        tokens, cookie = await log_in(client)
        headers = sent(cookie, tokens["csrf_token"])
        assert (await client.get("/api/v1/users/me", headers=headers)).status_code == 401
        assert (await client.get("/api/v1/auth/sessions", headers=headers)).status_code == 401
        assert (await client.post("/api/v1/auth/ws-ticket", headers=headers)).status_code == 401
        assert (await client.post("/api/v1/auth/mfa/enroll", headers=headers)).status_code == 401
        change = {"old_password": PASSWORD, "new_password": "et helt nyt kodeord"}
        assert (await client.post("/api/v1/auth/change-password", json=change, headers=headers)).status_code == 401

    async def test_forged_cookie_is_refused_even_with_a_valid_csrf_token(
        self, client: httpx.AsyncClient, register: Register, login: Login
    ) -> None:
        await register()
        tokens, cookie = await log_in(client)
        forged = cookie[:-3] + ("A" if cookie[-3] != "A" else "B") + cookie[-2:]
        assert (await client.post(REFRESH, headers=sent(forged, tokens["csrf_token"]))).status_code == 401
        assert (await client.post(LOGOUT, headers=sent(forged, tokens["csrf_token"]))).status_code == 401
        assert (await client.post(LOGOUT, headers=bearer(await login()))).status_code == 204
