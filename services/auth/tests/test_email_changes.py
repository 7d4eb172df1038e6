"""Changing the own address: confirmed from the new one, told to the old one."""

from typing import Any

import httpx
import pytest

from services.auth.tests.conftest import (
    EMAIL,
    PASSWORD,
    AsOwner,
    Login,
    Mailed,
    OtherClient,
    Register,
    SignUp,
    bearer,
    opened,
    types,
)
from shared.http.browsers import COOKIE
from shared.testing.browsers import be_browser
from shared.testing.types import Outbox

CHANGE, CONFIRM = "/api/v1/users/me/email", "/api/v1/auth/confirm-email"
NEW = "ny@example.com"


@pytest.fixture
async def tokens(register: Register, login: Login) -> dict[str, Any]:
    await register()
    return await login()


async def change(client: httpx.AsyncClient, tokens: dict[str, Any], email: str = NEW, **more: str) -> httpx.Response:
    return await client.post(CHANGE, json={"email": email, **more}, headers=bearer(tokens))


async def token_for(outbox: Outbox, email: str) -> str:
    told = types(await outbox(), "user.email_change_requested.v1")
    return opened(next(event for event in reversed(told) if event["new_email"] == email))


class TestConfirmation:
    async def test_the_address_counts_once_it_is_confirmed_and_the_old_one_is_told_twice(
        self, client: httpx.AsyncClient, tokens: dict[str, Any], login: Login, outbox: Outbox
    ) -> None:
        assert (await change(client, tokens, "Ny@Example.com ")).status_code == 202
        (requested,) = types(await outbox(), "user.email_change_requested.v1")
        assert (requested["email"], requested["new_email"]) == (EMAIL, NEW)
        await login(EMAIL)
        token = await token_for(outbox, NEW)
        assert (await client.post(CONFIRM, json={"token": token})).status_code == 204
        (changed,) = types(await outbox(), "user.email_changed.v1")
        assert (changed["old_email"], changed["email"]) == (EMAIL, NEW)
        state = types(await outbox(), "user.updated.v1")[-1]
        assert (state["email"], state["email_verified"], state["version"]) == (NEW, True, changed["version"])
        me = await client.get("/api/v1/users/me", headers=bearer(tokens))
        assert (me.json()["email"], me.json()["email_verified"]) == (NEW, True)
        await login(NEW)
        old = await client.post("/api/v1/auth/login", json={"email": EMAIL, "password": PASSWORD})
        assert old.status_code == 401

    async def test_a_token_works_once_and_only_the_newest(
        self, client: httpx.AsyncClient, tokens: dict[str, Any], outbox: Outbox
    ) -> None:
        await change(client, tokens, "forkert@example.com")
        mistyped = await token_for(outbox, "forkert@example.com")
        await change(client, tokens)
        token = await token_for(outbox, NEW)
        answers = [await client.post(CONFIRM, json={"token": sent}) for sent in (mistyped, token, token)]
        assert [answer.status_code for answer in answers] == [422, 204, 422]

    async def test_a_token_expires(
        self, client: httpx.AsyncClient, tokens: dict[str, Any], outbox: Outbox, as_owner: AsOwner
    ) -> None:
        await change(client, tokens)
        await as_owner("UPDATE auth.email_changes SET expires_at = now()")
        token = await token_for(outbox, NEW)
        assert (await client.post(CONFIRM, json={"token": token})).status_code == 422

    async def test_links_to_set_a_password_that_the_old_address_got_end(
        self, client: httpx.AsyncClient, tokens: dict[str, Any], mailed: Mailed, outbox: Outbox
    ) -> None:
        await client.post("/api/v1/auth/forgot-password", json={"email": EMAIL})
        reset = {"token": await mailed("password_reset_requested"), "new_password": "et helt nyt kodeord"}
        await change(client, tokens)
        await client.post(CONFIRM, json={"token": await token_for(outbox, NEW)})
        assert (await client.post("/api/v1/auth/reset-password", json=reset)).status_code == 422

    async def test_setting_the_password_ends_a_change_that_somebody_else_may_have_begun(
        self, client: httpx.AsyncClient, tokens: dict[str, Any], mailed: Mailed, outbox: Outbox
    ) -> None:
        await change(client, tokens)
        await client.post("/api/v1/auth/forgot-password", json={"email": EMAIL})
        reset = {"token": await mailed("password_reset_requested"), "new_password": "et helt nyt kodeord"}
        assert (await client.post("/api/v1/auth/reset-password", json=reset)).status_code == 204
        token = await token_for(outbox, NEW)
        assert (await client.post(CONFIRM, json={"token": token})).status_code == 422


class TestOtherBrowser:
    async def test_the_owner_of_an_address_cannot_be_brought_to_give_it_to_a_strangers_account(
        self, client: httpx.AsyncClient, other_client: OtherClient, tokens: dict[str, Any], outbox: Outbox, login: Login
    ) -> None:
        await change(client, tokens)
        sent = {"token": await token_for(outbox, NEW)}
        owner = await other_client("203.0.113.77")
        for _ in range(2):
            refused = await owner.post(CONFIRM, json=sent)
            assert (refused.status_code, refused.json()["code"]) == (422, "other_browser")
            be_browser(owner)
        await login(EMAIL)
        assert (await client.post(CONFIRM, json=sent)).status_code == 204

    async def test_the_browser_that_asks_gets_a_cookie(self, client: httpx.AsyncClient, tokens: dict[str, Any]) -> None:
        client.cookies.clear()
        assert COOKIE in (await change(client, tokens)).headers["set-cookie"]


class TestRequest:
    async def test_another_users_address_gets_the_same_answer_and_no_mail(
        self, client: httpx.AsyncClient, tokens: dict[str, Any], sign_up: SignUp, outbox: Outbox
    ) -> None:
        await sign_up(NEW, "customer")
        taken, free = await change(client, tokens), await change(client, tokens, "fri@example.com")
        assert (taken.status_code, taken.json()) == (free.status_code, free.json()) == (202, {"status": "requested"})
        told = types(await outbox(), "user.email_change_requested.v1")
        assert [(event["new_email"], event["token"] is None) for event in told] == [
            (NEW, True),
            ("fri@example.com", False),
        ]

    async def test_an_address_that_is_taken_meanwhile_is_not_confirmed(
        self, client: httpx.AsyncClient, tokens: dict[str, Any], sign_up: SignUp, outbox: Outbox
    ) -> None:
        await change(client, tokens)
        await sign_up(NEW, "customer")
        token = await token_for(outbox, NEW)
        assert (await client.post(CONFIRM, json={"token": token})).status_code == 422

    async def test_needs_the_password_later_than_ten_minutes_after_the_login(
        self, client: httpx.AsyncClient, tokens: dict[str, Any], as_owner: AsOwner
    ) -> None:
        await as_owner("UPDATE auth.sessions SET created_at = created_at - interval '11 minutes'")
        refused = await change(client, tokens)
        assert (refused.status_code, refused.json()["code"]) == (403, "reauthentication_required")
        wrong = await change(client, tokens, password="forkert kodeord")
        assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/body/password")
        assert (await change(client, tokens, password=PASSWORD)).status_code == 202
        assert (await client.post(CHANGE, json={"email": NEW})).status_code == 401

    @pytest.mark.parametrize(
        ("email", "code"),
        [(f" {EMAIL.upper()}", "address_unchanged"), ("søren@example.com", "unmailable_address"), ("x", "email")],
    )
    async def test_own_unmailable_and_invalid_addresses_are_refused(
        self, client: httpx.AsyncClient, tokens: dict[str, Any], email: str, code: str
    ) -> None:
        refused = await change(client, tokens, email)
        assert refused.status_code == 422
        assert (refused.json()["errors"][0]["pointer"], refused.json()["errors"][0]["code"]) == ("/body/email", code)

    async def test_at_most_five_within_an_hour_are_mailed(
        self, client: httpx.AsyncClient, tokens: dict[str, Any], outbox: Outbox
    ) -> None:
        answers = [await change(client, tokens, f"n{number}@example.com") for number in range(7)]
        assert {answer.status_code for answer in answers} == {202}
        assert len(types(await outbox(), "user.email_change_requested.v1")) == 5


class TestPage:
    @pytest.mark.parametrize(("language", "button"), [("da", "Skift e-mail"), ("en", "Change the e-mail")])
    async def test_has_one_button_whose_post_alone_has_an_effect(
        self, client: httpx.AsyncClient, language: str, button: str
    ) -> None:
        page = await client.get("/account/confirm-email", params={"lang": language})
        assert page.status_code == 200
        assert f'data-action="{CONFIRM}"' in page.text
        assert page.text.count("<button") == 1
        assert button in page.text
