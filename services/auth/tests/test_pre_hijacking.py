"""A stranger registers somebody's address and waits: the owner's first proof removes what the stranger set.

The attacks of Sudhodanan and Paverd, "Pre-hijacked accounts" (USENIX Security 2022).
"""

from typing import Any
from uuid import UUID

import httpx
import pytest

from services.auth.tests.conftest import EMAIL, PASSWORD, AsOwner, Login, Mailed, OtherClient, Register, SignUp, types
from shared.testing.browsers import be_browser
from shared.testing.types import Outbox

LOGIN, VERIFY, RESET = "/api/v1/auth/login", "/api/v1/auth/verify-email", "/api/v1/auth/reset-password"
FORGOT = "/api/v1/auth/forgot-password"
OWNERS = "ejerens eget kodeord"
WHOSE = "(SELECT id FROM auth.users WHERE email = :email)"
# What a stranger could set in versions of auth that let unverified users log in, and could try by other ways.
SET = (
    "INSERT INTO auth.sessions (id, user_id, expires_at)"
    f" VALUES (gen_random_uuid(), {WHOSE}, now() + interval '1 day')",
    "INSERT INTO auth.refresh_tokens (token_hash, session_id, expires_at)"
    " SELECT 'stranger', id, expires_at FROM auth.sessions",
    f"INSERT INTO auth.mfa (user_id, secret, confirmed_at) VALUES ({WHOSE}, 'stranger', now())",
    "INSERT INTO auth.passkeys (id, user_id, credential_id, public_key, sign_count, name, mac)"
    f" VALUES (gen_random_uuid(), {WHOSE}, 'stranger', 'key', 0, 'stranger', 'mac')",
    "INSERT INTO auth.recovery_codes (user_id, code_hash) SELECT user_id, 'stranger' FROM auth.mfa",
    "INSERT INTO auth.email_changes (token_hash, user_id, email, expires_at)"
    f" VALUES ('stranger', {WHOSE}, 'stranger@example.com', now() + interval '1 day')",
    f"INSERT INTO auth.known_addresses (user_id, address, seen_at) VALUES ({WHOSE}, 'stranger', now())",
)
LEFT = {
    "credentials": "SELECT count(*) FROM auth.credentials",
    "sessions": "SELECT count(*) FROM auth.sessions WHERE revoked_at IS NULL",
    "mfa": "SELECT count(*) FROM auth.mfa",
    "passkeys": "SELECT count(*) FROM auth.passkeys",
    "recovery_codes": "SELECT count(*) FROM auth.recovery_codes",
    "email_changes": "SELECT count(*) FROM auth.email_changes",
    "known_addresses": "SELECT count(*) FROM auth.known_addresses",
    "phone": "SELECT count(phone) FROM auth.users",
}


async def left(as_owner: AsOwner) -> dict[str, int]:
    return {name: count for name, statement in LEFT.items() for ((count,),) in [await as_owner(statement)]}


@pytest.fixture
async def hijacked(register: Register, as_owner: AsOwner) -> None:
    """A stranger has registered the address with password and phone, and set all else that there is."""
    await register(verify=False, phone="20 12 34 56")
    for statement in SET:
        await as_owner(statement, **({"email": EMAIL} if ":email" in statement else {}))
    assert set((await left(as_owner)).values()) == {1}


@pytest.fixture
async def owner_browser(other_client: OtherClient) -> httpx.AsyncClient:
    client = await other_client()
    be_browser(client)
    return client


async def verified(outbox: Outbox) -> list[dict[str, Any]]:
    return types(await outbox(), "user.verified.v1")


@pytest.mark.usefixtures("hijacked")
class TestAddressOfSomebodyElse:
    async def test_verifying_in_another_browser_removes_what_was_set(
        self, owner_browser: httpx.AsyncClient, client: httpx.AsyncClient, mailed: Mailed, as_owner: AsOwner,
        outbox: Outbox,
    ) -> None:  # fmt: skip
        token = await mailed("verification_requested")
        assert (await owner_browser.post(VERIFY, json={"token": token})).status_code == 204
        assert set((await left(as_owner)).values()) == {0}
        (event,) = await verified(outbox)
        assert (event["reset"], event["email_verified"], event["phone"]) == (True, True, None)
        (ended,) = types(await outbox(), "session.revoked.v1")
        assert ended["reason"] == "address_proven"
        login = await client.post(LOGIN, json={"email": EMAIL, "password": PASSWORD})
        assert login.status_code == 401, "the stranger's password"

    async def test_verifying_without_a_cookie_does_the_same(
        self, other_client: OtherClient, mailed: Mailed, as_owner: AsOwner
    ) -> None:
        answer = await (await other_client()).post(VERIFY, json={"token": await mailed("verification_requested")})
        assert answer.status_code == 204
        assert set((await left(as_owner)).values()) == {0}

    async def test_resetting_the_password_leaves_only_the_new_one(
        self, owner_browser: httpx.AsyncClient, client: httpx.AsyncClient, mailed: Mailed, login: Login,
        as_owner: AsOwner,
    ) -> None:  # fmt: skip
        await owner_browser.post(FORGOT, json={"email": EMAIL})
        body = {"token": await mailed("password_reset_requested"), "new_password": OWNERS}
        assert (await owner_browser.post(RESET, json=body)).status_code == 204
        now = await left(as_owner)
        assert (now.pop("credentials"), now.pop("known_addresses")) == (1, 1), "the owner's"
        assert set(now.values()) == {0}
        await login(password=OWNERS)
        stranger = await client.post(LOGIN, json={"email": EMAIL, "password": PASSWORD})
        assert stranger.status_code == 401

    async def test_the_browser_that_registered_keeps_what_it_set(
        self, client: httpx.AsyncClient, mailed: Mailed, as_owner: AsOwner, outbox: Outbox
    ) -> None:
        assert (await client.post(VERIFY, json={"token": await mailed("verification_requested")})).status_code == 204
        assert set((await left(as_owner)).values()) == {1}
        (event,) = await verified(outbox)
        assert (event["reset"], event["phone"]) == (False, "+4520123456")

    async def test_registering_it_again_does_not_make_the_browser_the_first(
        self, owner_browser: httpx.AsyncClient, client: httpx.AsyncClient, mailed: Mailed, as_owner: AsOwner
    ) -> None:
        """The owner registers too, after the stranger, whose browser asks for the mails once more."""
        body = {"email": EMAIL, "password": OWNERS, "full_name": "Kirsten Ærø"}
        assert (await owner_browser.post("/api/v1/auth/register", json=body)).status_code == 202
        await client.post("/api/v1/auth/resend-verification", json={"email": EMAIL})
        await owner_browser.post(VERIFY, json={"token": await mailed("verification_requested")})
        assert set((await left(as_owner)).values()) == {0}

    async def test_what_is_set_after_the_first_proof_stays(
        self, owner_browser: httpx.AsyncClient, other_client: OtherClient, mailed: Mailed, login: Login
    ) -> None:
        await owner_browser.post(VERIFY, json={"token": await mailed("verification_requested")})
        for password in (OWNERS, f"{OWNERS} igen"):
            third = await other_client("198.51.100.9")
            be_browser(third)
            await third.post(FORGOT, json={"email": EMAIL})
            body = {"token": await mailed("password_reset_requested"), "new_password": password}
            assert (await third.post(RESET, json=body)).status_code == 204
            await login(password=password)


class TestUnverifiedAccount:
    async def test_a_password_alone_signs_nobody_in(self, client: httpx.AsyncClient, register: Register) -> None:
        await register(verify=False)
        login = await client.post(LOGIN, json={"email": EMAIL, "password": PASSWORD})
        assert (login.status_code, login.json()["code"]) == (401, "invalid_credentials")

    async def test_the_answer_does_not_tell_whether_somebody_has_the_address(
        self, client: httpx.AsyncClient, register: Register, sign_up: SignUp
    ) -> None:
        """Whoever registers an address and logs in must not learn whether the registration found an account."""
        await sign_up("known@example.com", "customer")
        answers = []
        for email in ("known@example.com", "unknown@example.com"):
            await register(email, password="den fremmedes kodeord", verify=False)
            answer = await client.post(LOGIN, json={"email": email, "password": "den fremmedes kodeord"})
            answers.append((answer.status_code, {**answer.json(), "request_id": None}))
        assert answers[0] == answers[1]

    async def test_an_account_of_the_salon_keeps_what_the_salon_entered(
        self,
        client: httpx.AsyncClient,
        admin: dict[str, str],
        other_client: OtherClient,
        mailed: Mailed,
        outbox: Outbox,
    ) -> None:
        body = {"email": EMAIL, "full_name": "Kirsten Ærø", "phone": "20 12 34 56"}
        assert (await client.post("/api/v1/users", json=body, headers=admin)).status_code == 201
        reset = {"token": await mailed("invited"), "new_password": OWNERS}
        assert (await (await other_client()).post(RESET, json=reset)).status_code == 204
        event = (await verified(outbox))[-1]
        assert (event["reset"], event["phone"]) == (False, "+4520123456")

    async def test_registering_needs_no_password(
        self, client: httpx.AsyncClient, as_owner: AsOwner, register: Register
    ) -> None:
        body = {"email": EMAIL, "full_name": "Kirsten Ærø"}
        answer = await client.post("/api/v1/auth/register", json=body)
        assert answer.status_code == 202
        assert (await as_owner("SELECT * FROM auth.credentials")) == []
        refused = await client.post(LOGIN, json={"email": EMAIL, "password": PASSWORD})
        assert refused.status_code == 401

    async def test_registering_gives_a_browser_its_cookie(self, client: httpx.AsyncClient) -> None:
        body = {"email": EMAIL, "full_name": "Kirsten Ærø"}
        cookie = (await client.post("/api/v1/auth/register", json=body)).headers["set-cookie"]
        assert cookie.startswith("__Host-loctician-browser=")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=lax"} <= {part.strip() for part in cookie.split(";")}

    async def test_export_leaves_the_digest_out_and_erasure_removes_it(
        self, register: Register, as_owner: AsOwner, deliver: Any, outbox: Outbox
    ) -> None:
        await register(verify=False)
        ((user_id,),) = await as_owner("SELECT id FROM auth.users WHERE registered_by IS NOT NULL")
        request = {"request_id": str(UUID(int=1)), "subject_id": str(user_id), "version": 1, "services": ["auth"]}
        await deliver("gdpr.erasure_requested.v1", request)
        assert (await as_owner("SELECT registered_by FROM auth.users"))[0] == (None,)
