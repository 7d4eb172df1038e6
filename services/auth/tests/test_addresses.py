"""The text that somebody registered with logs them in, however it is typed."""

import unicodedata

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from domain.email_addresses import ascii_domain, canonical, normalize_email
from services.auth.tests.conftest import PASSWORD, AsOwner, Login, Register, types
from shared.testing.types import Outbox

ADDRESSES = st.text(max_size=60) | st.from_regex(
    r"\A[a-zæøåÆK.]{1,5}[@＠][a-zA-ZæøåÆØÅßéıİſ。．ｘ.-]{1,12}\.(dk|COM|ｄｅ)\.?\Z"
)
SPELLINGS = (
    "kirsten@blåbær.dk",
    "KIRSTEN@BLÅBÆR.DK",
    "  kirsten@blåbær.dk\u200b ",
    "kirsten@blåbær.dk.",
    "kirsten@xn--blbr-roah.dk",
    "Kirsten@XN--BLBR-ROAH.DK",
    unicodedata.normalize("NFD", "kirsten@blåbær.dk"),
    "ｋｉｒｓｔｅｎ＠ｂｌåｂæｒ．ｄｋ",
    "kirsten@blåbær。dk",
)


class TestCanonicalForm:
    @given(ADDRESSES)
    def test_is_the_same_for_every_unicode_form_and_stays(self, typed: str) -> None:
        form = canonical(typed)
        assert canonical(form) == form
        for name in ("NFC", "NFD", "NFKC", "NFKD"):
            assert canonical(unicodedata.normalize(name, typed)) == form
        assert canonical(f" {typed}\n") == form

    @given(ADDRESSES)
    def test_of_a_valid_address_is_valid_and_has_a_domain_for_mail_servers(self, typed: str) -> None:
        try:
            form = normalize_email(typed)
        except ValueError:
            return
        assert normalize_email(form) == canonical(typed) == form
        assert ascii_domain(form.rpartition("@")[2])

    def test_look_alikes_and_other_mailboxes_stay_apart(self) -> None:
        others = ("kirsten@example.com", "kirsten@еxample.com", "kir.sten@example.com", "kirsten+1@example.com")
        more = ("kirsten@strasse.de", "kirsten@straße.de", "kirsten@ex-ample.com")
        assert len({canonical(address) for address in (*others, *more)}) == 7


class TestLogin:
    @pytest.mark.parametrize("registered", SPELLINGS)
    async def test_every_spelling_logs_in(
        self, registered: str, register: Register, login: Login, outbox: Outbox, client: httpx.AsyncClient
    ) -> None:
        assert (await register(registered)).status_code == 202
        for spelling in SPELLINGS:
            await login(spelling)
            await client.post("/api/v1/auth/forgot-password", json={"email": spelling})
            assert (await register(spelling)).status_code == 202
        assert len(types(await outbox(), "user.registered.v1")) == 1
        mailed = types(await outbox(), "user.password_reset_requested.v1")
        assert {event["email"] for event in mailed} == {"kirsten@blåbær.dk"}

    async def test_failures_are_counted_for_all_spellings_together(
        self, register: Register, client: httpx.AsyncClient, as_owner: AsOwner
    ) -> None:
        await register(SPELLINGS[0])
        for spelling in SPELLINGS[:5]:
            body = {"email": spelling, "password": "forkert kodeord"}
            assert (await client.post("/api/v1/auth/login", json=body)).status_code == 401
        (row,) = await as_owner("SELECT failures FROM auth.login_attempts WHERE scope = 'account'")
        assert row.failures == 5


class TestUnmailable:
    async def test_is_refused_with_a_clear_text(
        self, register: Register, client: httpx.AsyncClient, admin: dict[str, str], outbox: Outbox
    ) -> None:
        invited = {"email": "søren@example.com", "full_name": "Søren"}
        for refused in (
            await register("søren@example.com"),
            await register(unicodedata.normalize("NFD", "SØREN@example.com")),
            await client.post("/api/v1/users", json=invited, headers=admin),
        ):
            assert (refused.status_code, refused.json()["code"]) == (422, "unmailable_address")
            assert refused.json()["errors"][0]["pointer"] == "/body/email"
            assert "æ, ø, å" in refused.json()["detail"]
        assert len(types(await outbox(), "user.registered.v1")) == 1

    async def test_is_taken_where_the_mail_server_can(self, app: FastAPI, register: Register, login: Login) -> None:
        app.state.auth.settings.mail_utf8 = True
        assert (await register("Søren@example.com", password=PASSWORD)).status_code == 202
        await login(unicodedata.normalize("NFD", "søren@example.com"))
