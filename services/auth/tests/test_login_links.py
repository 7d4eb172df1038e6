"""Signing in by a mailed link or its code: once, in the browser that asked, and by nobody else."""

import asyncio
from typing import Any

import httpx
import pyotp
import pytest

from domain.messages import unseal_message
from services.auth.tests.conftest import (
    EMAIL,
    AsOwner,
    Login,
    Mailed,
    OtherClient,
    Register,
    SignUp,
    bearer,
    types,
)
from shared.testing.browsers import be_browser
from shared.testing.keys import keys_for
from shared.testing.types import Outbox

LINK, CODE, COOKIE = "/api/v1/auth/login-link", "/api/v1/auth/login-code", "__Host-loctician-refresh"


class Mail:
    def __init__(self, token: str, code: str, data: dict[str, Any]) -> None:
        self.page, self.code, self.data = f"/sign-in/{token}", code, data


async def mails(outbox: Outbox, email: str = EMAIL) -> list[Mail]:
    """The mails with a link to sign in, as notifications would send them."""
    opened = []
    for data in types(await outbox(), "user.link_requested.v1"):
        if data["email"] == email:
            token, code = (
                unseal_message(keys_for("notifications"), data["user_id"], data[name], "auth")
                for name in ("token", "code")
            )
            opened.append(Mail(token, code, data))
    return opened


async def asked(client: httpx.AsyncClient, outbox: Outbox, email: str = EMAIL) -> Mail:
    assert (await client.post(LINK, json={"email": email})).status_code == 202
    return (await mails(outbox, email))[-1]


@pytest.fixture
async def user(client: httpx.AsyncClient, sign_up: SignUp) -> None:
    await sign_up(EMAIL, "customer")
    be_browser(client)


@pytest.fixture
async def elsewhere(other_client: OtherClient) -> httpx.AsyncClient:
    client = await other_client()
    be_browser(client)
    return client


def signed_in(answer: httpx.Response) -> bool:
    return COOKIE in answer.headers.get("set-cookie", "")


async def sessions(as_owner: AsOwner) -> int:
    ((count,),) = await as_owner("SELECT count(*) FROM auth.sessions")
    return int(count)


@pytest.mark.usefixtures("user")
class TestLink:
    async def test_signs_in_the_browser_that_asked_once(
        self, client: httpx.AsyncClient, outbox: Outbox, as_owner: AsOwner
    ) -> None:
        mail = await asked(client, outbox)
        assert signed_in(await client.post(mail.page))
        again = await client.post(mail.page)
        assert (again.status_code, signed_in(again), await sessions(as_owner)) == (404, False, 1)
        assert types(await outbox(), "session.started.v1")

    async def test_opening_it_has_no_effect(self, client: httpx.AsyncClient, outbox: Outbox, as_owner: AsOwner) -> None:
        """Mail scanners open links, some by HEAD, some with the cookies of nobody."""
        mail = await asked(client, outbox)
        for method in ("GET", "HEAD", "GET"):
            answer = await client.request(method, mail.page)
            assert not signed_in(answer)
        assert await sessions(as_owner) == 0
        assert signed_in(await client.post(mail.page))

    async def test_pressed_twice_at_once_opens_one_session(
        self, client: httpx.AsyncClient, outbox: Outbox, as_owner: AsOwner
    ) -> None:
        mail = await asked(client, outbox)
        answers = await asyncio.gather(*(client.post(mail.page) for _ in range(8)))
        assert sorted(answer.status_code for answer in answers) == [200] + [404] * 7
        assert await sessions(as_owner) == 1

    async def test_another_browser_is_shown_the_code_and_not_signed_in(
        self, client: httpx.AsyncClient, elsewhere: httpx.AsyncClient, outbox: Outbox, as_owner: AsOwner
    ) -> None:
        mail = await asked(client, outbox)
        answer = await elsewhere.post(mail.page)
        assert (signed_in(answer), await sessions(as_owner)) == (False, 0)
        assert f"{mail.code[:3]} {mail.code[3:]}" in answer.text
        assert (await elsewhere.post(CODE, json={"code": mail.code})).status_code == 401, "typed there"
        answer = await client.post(CODE, json={"code": mail.code, "session": "cookie"})
        assert signed_in(answer)
        assert answer.json()["csrf_token"]

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE auth.users SET active = false",
            "UPDATE auth.users SET email = 'other@example.com'",
            "DELETE FROM auth.users",
            "UPDATE auth.one_time_tokens SET browser = NULL",
            "UPDATE auth.one_time_tokens SET email = 'other@example.com'",
            "UPDATE auth.one_time_tokens SET purpose = 'request'",
        ],
    )
    async def test_of_an_account_or_a_row_that_has_changed_works_nowhere(
        self, client: httpx.AsyncClient, outbox: Outbox, as_owner: AsOwner, statement: str
    ) -> None:
        mail = await asked(client, outbox)
        await as_owner(statement)
        assert (await client.get(mail.page)).status_code == 404
        assert not signed_in(await client.post(mail.page))
        assert (await client.post(CODE, json={"code": mail.code})).status_code == 401

    async def test_expires_after_a_quarter_of_an_hour(
        self, client: httpx.AsyncClient, outbox: Outbox, as_owner: AsOwner
    ) -> None:
        mail = await asked(client, outbox)
        ((seconds,),) = await as_owner("SELECT extract(epoch FROM expires_at - created_at) FROM auth.one_time_tokens")
        assert 890 < seconds <= 900
        await as_owner("UPDATE auth.one_time_tokens SET expires_at = now() - interval '1 second'")
        assert not signed_in(await client.post(mail.page))

    async def test_a_form_of_another_site_has_no_effect(
        self, client: httpx.AsyncClient, other_client: OtherClient, outbox: Outbox, as_owner: AsOwner
    ) -> None:
        """Login CSRF: a stranger's link would sign the victim's browser in as the stranger."""
        mail = await asked(client, outbox)
        for site in ("cross-site", "same-site"):
            assert not signed_in(await client.post(mail.page, headers={"Sec-Fetch-Site": site}))
        without_cookie = await other_client()  # browsers send no SameSite=Lax cookie with a form of another site
        assert not signed_in(await without_cookie.post(mail.page))
        assert await sessions(as_owner) == 0
        assert signed_in(await client.post(mail.page, headers={"Sec-Fetch-Site": "same-origin"}))

    async def test_the_second_factor_is_asked_for_on_the_page(
        self, client: httpx.AsyncClient, login: Login, outbox: Outbox, as_owner: AsOwner
    ) -> None:
        headers = bearer(await login())
        secret = (await client.post("/api/v1/auth/mfa/enroll", headers=headers)).json()["secret"]
        app, body = pyotp.TOTP(secret), {"code": pyotp.TOTP(secret).now()}
        assert (await client.post("/api/v1/auth/mfa/confirm", json=body, headers=headers)).status_code == 200
        await as_owner("UPDATE auth.mfa SET last_step = 0")
        mail = await asked(client, outbox)
        for given in ({}, {"second_factor": ""}, {"second_factor": "000000"}):
            answer = await client.post(mail.page, data=given)
            assert 'name="second_factor"' in answer.text
            assert not signed_in(answer)
        mailed = {"code": mail.code}
        assert (await client.post(CODE, json=mailed)).json()["code"] == "mfa_required"
        assert (await client.post(CODE, json=mailed | {"second_factor": "000000"})).json()["code"] == "invalid_code"
        assert signed_in(await client.post(mail.page, data={"second_factor": app.now()}))

    async def test_guessing_the_second_factor_locks(
        self, client: httpx.AsyncClient, login: Login, outbox: Outbox, as_owner: AsOwner
    ) -> None:
        headers = bearer(await login())
        secret = (await client.post("/api/v1/auth/mfa/enroll", headers=headers)).json()["secret"]
        body = {"code": pyotp.TOTP(secret).now()}
        assert (await client.post("/api/v1/auth/mfa/confirm", json=body, headers=headers)).status_code == 200
        await as_owner("UPDATE auth.mfa SET last_step = 0")
        mail = await asked(client, outbox)
        for _ in range(6):
            await client.post(mail.page, data={"second_factor": "000000"})
        answer = await client.post(mail.page, data={"second_factor": pyotp.TOTP(secret).now()})
        assert not signed_in(answer)

    async def test_works_for_a_locked_account(
        self, client: httpx.AsyncClient, elsewhere: httpx.AsyncClient, outbox: Outbox, as_owner: AsOwner
    ) -> None:
        """Strangers who guess at passwords shut nobody out."""
        for number in range(25):
            await elsewhere.post("/api/v1/auth/login", json={"email": EMAIL, "password": f"forkert {number}"})
        await as_owner("UPDATE auth.login_attempts SET locked_until = now() + interval '1 hour'")
        assert signed_in(await client.post((await asked(client, outbox)).page))

    async def test_the_first_proof_of_a_strangers_registration_removes_what_was_set(
        self, client: httpx.AsyncClient, elsewhere: httpx.AsyncClient, register: Register, outbox: Outbox,
        as_owner: AsOwner,
    ) -> None:  # fmt: skip
        await register("victim@example.com", verify=False, phone="20 12 34 56")
        mail = await asked(elsewhere, outbox, "victim@example.com")
        assert signed_in(await elsewhere.post(mail.page))
        (event,) = types(await outbox(), "user.verified.v1")
        assert (event["reset"], event["phone"], event["request_id"]) == (True, None, None)
        password = (
            "SELECT c.* FROM auth.credentials c JOIN auth.users u ON u.id = c.user_id WHERE u.email LIKE 'victim%'"
        )
        assert await as_owner(password) == []


@pytest.mark.usefixtures("user")
class TestCode:
    async def test_is_typed_with_or_without_spaces(self, client: httpx.AsyncClient, outbox: Outbox) -> None:
        mail = await asked(client, outbox)
        typed = f" {mail.code[:3]} {mail.code[3:]} "
        tokens = await client.post(CODE, json={"code": typed})
        assert tokens.status_code == 200
        assert (await client.get("/api/v1/users/me", headers=bearer(tokens.json()))).json()["email"] == EMAIL
        assert (await client.post(CODE, json={"code": typed})).json()["code"] == "invalid_login_code"

    async def test_takes_five_tries_and_the_link_lives(
        self, client: httpx.AsyncClient, elsewhere: httpx.AsyncClient, outbox: Outbox
    ) -> None:
        mail = await asked(client, outbox)
        wrong = f"{(int(mail.code) + 1) % 10**6:06}"
        tries = [(await client.post(CODE, json={"code": wrong})).status_code for _ in range(5)]
        assert tries == [401] * 5
        assert (await client.post(CODE, json={"code": mail.code})).status_code == 401
        assert mail.code[:3] not in (await elsewhere.post(mail.page)).text, "a dead code is not shown"
        assert signed_in(await client.post(mail.page))

    async def test_simultaneous_tries_are_five_too(
        self, client: httpx.AsyncClient, outbox: Outbox, as_owner: AsOwner
    ) -> None:
        mail = await asked(client, outbox)
        codes = [f"{(int(mail.code) + number) % 10**6:06}" for number in range(1, 30)]
        await asyncio.gather(*(client.post(CODE, json={"code": code}) for code in codes))
        ((tries,),) = await as_owner("SELECT tries FROM auth.one_time_tokens")
        assert tries == 5
        assert (await client.post(CODE, json={"code": mail.code})).status_code == 401

    async def test_of_another_browser_is_refused_alike(
        self, client: httpx.AsyncClient, elsewhere: httpx.AsyncClient, other_client: OtherClient, outbox: Outbox
    ) -> None:
        mail = await asked(client, outbox)
        await asked(elsewhere, outbox)
        answers = [
            await browser.post(CODE, json={"code": code})
            for browser, code in ((elsewhere, mail.code), (await other_client(), mail.code))
        ]
        bodies = [(answer.status_code, {**answer.json(), "request_id": None}) for answer in answers]
        assert bodies[0] == bodies[1]
        assert bodies[0][0] == 401
        assert (await client.post(CODE, json={"code": mail.code})).status_code == 200, "those were no tries at it"

    async def test_of_an_earlier_mail_works_until_three_are_newer(
        self, client: httpx.AsyncClient, outbox: Outbox
    ) -> None:
        first = await asked(client, outbox)
        for _ in range(2):
            await asked(client, outbox)
        assert (await client.post(CODE, json={"code": first.code})).status_code == 200

    @pytest.mark.parametrize("code", ["12345", "1234567", "12345a", "", "１２３４５６", 123456])
    async def test_bad_input_is_422(self, client: httpx.AsyncClient, code: Any) -> None:
        assert (await client.post(CODE, json={"code": code})).status_code == 422


class TestAsking:
    async def test_answers_alike_for_known_and_unknown_addresses(
        self, client: httpx.AsyncClient, sign_up: SignUp, as_owner: AsOwner
    ) -> None:
        await sign_up(EMAIL, "customer")
        await sign_up("gone@example.com", "customer")
        await as_owner("UPDATE auth.users SET active = false WHERE email = 'gone@example.com'")
        be_browser(client)
        answers = [
            await client.post(LINK, json={"email": email})
            for email in (EMAIL, "unknown@example.com", "gone@example.com", "nonsense")
        ]
        assert {(answer.status_code, answer.text) for answer in answers} == {(202, '{"status":"requested"}')}
        ((rows,),) = await as_owner("SELECT count(*) FROM auth.one_time_tokens")
        assert rows == 4, "the same statements, so that the time does not tell either"

    async def test_sets_the_cookie_of_a_new_browser_only(self, client: httpx.AsyncClient) -> None:
        first = await client.post(LINK, json={"email": EMAIL})
        assert first.headers["set-cookie"].startswith("__Host-loctician-browser=")
        be_browser(client)
        assert "set-cookie" not in (await client.post(LINK, json={"email": EMAIL})).headers

    async def test_at_most_five_mails_an_hour_and_fifteen_a_day(
        self, client: httpx.AsyncClient, sign_up: SignUp, outbox: Outbox, as_owner: AsOwner, mailed: Mailed
    ) -> None:
        await sign_up(EMAIL, "customer")
        for hour in range(5):
            for _ in range(7):
                be_browser(client)
                await client.post(LINK, json={"email": EMAIL})
            assert len(await mails(outbox)) == min(5 * (hour + 1), 15)
            await as_owner("UPDATE auth.one_time_tokens SET created_at = created_at - interval '1 hour'")

    async def test_many_requests_at_once_send_five_mails_too(
        self, client: httpx.AsyncClient, sign_up: SignUp, outbox: Outbox
    ) -> None:
        await sign_up(EMAIL, "customer")
        await asyncio.gather(*(client.post(LINK, json={"email": EMAIL}) for _ in range(20)))
        assert len(await mails(outbox)) == 5

    async def test_tokens_and_codes_are_sealed_for_notifications_alone(
        self, client: httpx.AsyncClient, sign_up: SignUp, outbox: Outbox, as_owner: AsOwner
    ) -> None:
        await sign_up(EMAIL, "customer")
        mail = await asked(client, outbox)
        token = mail.page.rpartition("/")[2]
        everything = f"{await outbox()} {await as_owner('SELECT * FROM auth.one_time_tokens')}"
        assert token not in everything
        assert mail.code not in mail.data.values()
        assert unseal_message(keys_for("booking"), mail.data["user_id"], mail.data["code"], "auth") == ""
