"""Users: their own account, what staff and admins do, export and erasure."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI

from services.auth import privacy
from services.auth.tests.conftest import (
    EMAIL,
    PASSWORD,
    AsOwner,
    Login,
    Mailed,
    Register,
    SignUp,
    bearer,
    id_of,
    types,
)
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.types import Outbox


class TestOwnAccount:
    async def test_changes_only_the_fields_in_the_body(
        self, client: httpx.AsyncClient, register: Register, login: Login
    ) -> None:
        await register(phone="20123456")
        headers = bearer(await login())
        answer = await client.patch("/api/v1/users/me", json={"language": "en"}, headers=headers)
        assert (answer.json()["language"], answer.json()["phone"]) == ("en", "+4520123456")
        assert answer.headers["etag"] == '"3"'

    async def test_old_version_is_412(self, client: httpx.AsyncClient, register: Register, login: Login) -> None:
        await register()
        headers = bearer(await login())
        assert (await client.patch("/api/v1/users/me", json={"language": "en"}, headers=headers)).status_code == 200
        stale = await client.patch("/api/v1/users/me", json={"language": "da"}, headers=headers | {"If-Match": '"1"'})
        assert stale.status_code == 412

    @pytest.mark.parametrize("field", ["role", "id", "email", "version", "email_verified", "active"])
    async def test_other_fields_cannot_be_changed(
        self, client: httpx.AsyncClient, register: Register, login: Login, field: str
    ) -> None:
        await register()
        answer = await client.patch("/api/v1/users/me", json={field: "admin"}, headers=bearer(await login()))
        assert answer.status_code == 422


class TestUsers:
    async def test_customers_can_neither_list_nor_read_others(
        self, client: httpx.AsyncClient, register: Register, login: Login, admin: dict[str, str]
    ) -> None:
        await register()
        headers = bearer(await login())
        assert (await client.get("/api/v1/users")).status_code == 401
        assert (await client.get("/api/v1/users", headers=headers)).status_code == 403
        other = await id_of(client, admin)
        assert (await client.get(f"/api/v1/users/{other}", headers=headers)).status_code == 403
        raised = await client.put(f"/api/v1/users/{other}/role", json={"role": "admin"}, headers=headers)
        assert raised.status_code == 403

    async def test_pages_hold_every_user_once(
        self, client: httpx.AsyncClient, register: Register, admin: dict[str, str]
    ) -> None:
        for number in range(4):
            await register(f"k{number}@example.com")
        seen, cursor = [], None
        while True:
            query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
            page = (await client.get("/api/v1/users", params=query, headers=admin)).json()
            seen += [item["email"] for item in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert seen == ["admin@example.com", *(f"k{number}@example.com" for number in range(4))]

    async def test_bad_queries_are_422(self, client: httpx.AsyncClient, admin: dict[str, str]) -> None:
        for query in ({"limit": 10**9}, {"limit": 0}, {"cursor": "nonsens"}, {"cursor": "WyJhIl0"}, {"q": "x" * 101}):
            assert (await client.get("/api/v1/users", params=query, headers=admin)).status_code == 422
        assert (await client.get(f"/api/v1/users/{uuid4()}", headers=admin)).status_code == 404
        assert (await client.get("/api/v1/users/nonsens", headers=admin)).status_code == 422

    async def test_role_change_ends_the_sessions_that_carry_the_old_role(
        self, client: httpx.AsyncClient, register: Register, login: Login, admin: dict[str, str]
    ) -> None:
        await register()
        tokens = await login()
        user_id = await id_of(client, bearer(tokens))
        changed = await client.put(f"/api/v1/users/{user_id}/role", json={"role": "staff"}, headers=admin)
        assert changed.json()["role"] == "staff"
        ended = await client.post("/api/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
        assert ended.status_code == 401

    async def test_last_admin_cannot_be_demoted_or_deactivated(
        self, client: httpx.AsyncClient, admin: dict[str, str]
    ) -> None:
        own = await id_of(client, admin)
        demoted = await client.put(f"/api/v1/users/{own}/role", json={"role": "staff"}, headers=admin)
        assert (demoted.status_code, demoted.json()["code"]) == (409, "last_admin")
        assert (await client.delete(f"/api/v1/users/{own}", headers=admin)).status_code == 409

    async def test_deactivated_user_cannot_log_in(
        self, client: httpx.AsyncClient, register: Register, login: Login, admin: dict[str, str]
    ) -> None:
        await register()
        user_id = await id_of(client, bearer(await login()))
        assert (await client.delete(f"/api/v1/users/{user_id}", headers=admin)).status_code == 204
        again = await client.post("/api/v1/auth/login", json={"email": EMAIL, "password": PASSWORD})
        assert (again.status_code, again.json()["code"]) == (401, "invalid_credentials")


class TestChangingUsers:
    async def test_admin_invites_a_user_who_sets_the_password_by_mail(
        self, client: httpx.AsyncClient, admin: dict[str, str], mailed: Mailed, login: Login, outbox: Outbox
    ) -> None:
        body = {"email": "Amina@Example.com", "full_name": "Amina Hassan", "role": "loctician", "phone": "20123456"}
        answer = await client.post("/api/v1/users", json=body, headers=admin)
        assert (answer.status_code, answer.headers["etag"]) == (201, '"1"')
        assert answer.headers["location"] == f"/api/v1/users/{answer.json()['id']}"
        assert answer.json().items() >= {"role": "loctician", "email": "amina@example.com", "active": True}.items()
        reset = {"token": await mailed("invited", "amina@example.com"), "new_password": PASSWORD}
        assert (await client.post("/api/v1/auth/reset-password", json=reset)).status_code == 204
        me = await client.get("/api/v1/users/me", headers=bearer(await login("amina@example.com")))
        assert (me.json()["role"], me.json()["email_verified"]) == ("loctician", True)

    async def test_user_without_a_password_cannot_log_in(
        self, client: httpx.AsyncClient, admin: dict[str, str]
    ) -> None:
        body = {"email": "amina@example.com", "full_name": "Amina"}
        assert (await client.post("/api/v1/users", json=body, headers=admin)).status_code == 201
        for password in ("", "nobody has this password", "None", PASSWORD):
            body = {"email": "amina@example.com", "password": password}
            answer = await client.post("/api/v1/auth/login", json=body)
            assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")

    async def test_known_address_is_409_and_bad_input_422(
        self, client: httpx.AsyncClient, admin: dict[str, str], register: Register
    ) -> None:
        await register()
        taken = await client.post("/api/v1/users", json={"email": EMAIL, "full_name": "K"}, headers=admin)
        assert (taken.status_code, taken.json()["code"]) == (409, "address_taken")
        for more in ({"role": "owner"}, {"id": str(uuid4())}, {"email_verified": True}, {"password": PASSWORD}):
            body = {"email": "b@example.com", "full_name": "B", **more}
            assert (await client.post("/api/v1/users", json=body, headers=admin)).status_code == 422

    async def test_change_needs_the_current_version(
        self, client: httpx.AsyncClient, admin: dict[str, str], sign_up: SignUp
    ) -> None:
        path = f"/api/v1/users/{await sign_up(EMAIL, 'customer')}"
        change = {"full_name": "Kirsten Holm"}
        missing = await client.patch(path, json=change, headers=admin)
        assert (missing.status_code, missing.json()["code"]) == (428, "precondition_required")
        assert (await client.patch(path, json=change, headers=admin | {"If-Match": '"7"'})).status_code == 412
        changed = await client.patch(path, json=change, headers=admin | {"If-Match": '"1"'})
        assert (changed.json()["full_name"], changed.headers["etag"]) == ("Kirsten Holm", '"2"')

    async def test_only_one_of_several_changes_of_a_version_succeeds(
        self, client: httpx.AsyncClient, admin: dict[str, str], sign_up: SignUp
    ) -> None:
        path = f"/api/v1/users/{await sign_up(EMAIL, 'customer')}"
        headers = admin | {"If-Match": '"1"'}
        answers = await asyncio.gather(
            *(client.patch(path, json={"full_name": f"K{number}"}, headers=headers) for number in range(5))
        )
        assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412]

    async def test_new_address_must_be_verified_and_ends_links_to_the_old_one(
        self, client: httpx.AsyncClient, admin: dict[str, str], sign_up: SignUp, mailed: Mailed, outbox: Outbox
    ) -> None:
        path = f"/api/v1/users/{await sign_up(EMAIL, 'customer')}"
        await sign_up("oskar@example.com", "customer")
        await client.post("/api/v1/auth/forgot-password", json={"email": EMAIL})
        old = await mailed("password_reset_requested")
        headers = admin | {"If-Match": "*"}
        assert (await client.patch(path, json={"email": "oskar@example.com"}, headers=headers)).status_code == 409
        changed = await client.patch(path, json={"email": "ny@example.com"}, headers=headers)
        assert (changed.json()["email"], changed.json()["email_verified"]) == ("ny@example.com", False)
        reset = {"token": old, "new_password": "et helt nyt kodeord"}
        assert (await client.post("/api/v1/auth/reset-password", json=reset)).status_code == 422
        token = await mailed("verification_requested", "ny@example.com")
        assert (await client.post("/api/v1/auth/verify-email", json={"token": token})).status_code == 204
        updated = types(await outbox(), "user.updated.v1")[-1]
        assert (updated["email"], updated["email_verified"]) == ("ny@example.com", False)
        (changed_event,) = types(await outbox(), "user.email_changed.v1")
        assert (changed_event["old_email"], changed_event["email"]) == (EMAIL, "ny@example.com")

    async def test_reactivated_user_can_log_in_and_an_erased_user_cannot_be_reactivated(
        self,
        client: httpx.AsyncClient,
        admin: dict[str, str],
        sign_up: SignUp,
        login: Login,
        database: Database,
        outbox: Outbox,
    ) -> None:
        user_id = await sign_up(EMAIL, "customer")
        await client.delete(f"/api/v1/users/{user_id}", headers=admin)
        answer = await client.post(f"/api/v1/users/{user_id}/reactivate", headers=admin)
        assert (answer.status_code, answer.json()["active"]) == (200, True)
        await login()
        assert types(await outbox(), "user.reactivated.v1")[0]["email"] == EMAIL
        async with transaction(database, SERVICE_CLAIMS) as session:
            await privacy.erase(session, user_id)
        path, any_version = f"/api/v1/users/{user_id}", admin | {"If-Match": "*"}
        for refused in (
            await client.post(f"{path}/reactivate", headers=admin),
            await client.put(f"{path}/role", json={"role": "staff"}, headers=admin),
            await client.patch(path, json={"full_name": "Kirsten"}, headers=any_version),
        ):
            assert (refused.status_code, refused.json()["code"]) == (409, "erased")

    async def test_every_event_about_a_user_carries_the_whole_state(
        self, client: httpx.AsyncClient, admin: dict[str, str], register: Register, outbox: Outbox
    ) -> None:
        await register()
        (user,) = (await client.get("/api/v1/users", params={"q": EMAIL}, headers=admin)).json()["items"]
        path, any_version = f"/api/v1/users/{user['id']}", admin | {"If-Match": "*"}
        await client.delete(path, headers=admin)
        await client.put(f"{path}/role", json={"role": "loctician"}, headers=admin)
        await client.patch(path, json={"language": "en"}, headers=any_version)
        await client.post(f"{path}/reactivate", headers=admin)
        names = ("registered", "verified", "deactivated", "role_changed", "updated", "reactivated")
        states = {name: types(await outbox(), f"user.{name}.v1")[-1] for name in names}
        changes: list[dict[str, Any]] = [
            {"version": 1, "email_verified": False, "active": True, "role": "customer", "language": "da"},
            {"version": 2, "email_verified": True},
            {"version": 3, "active": False},
            {"version": 4, "role": "loctician"},
            {"version": 5, "language": "en"},
            {"version": 6, "active": True},
        ]
        expected: dict[str, Any] = {"user_id": user["id"]} | {
            name: user[name] for name in ("email", "full_name", "phone")
        }
        for name, change in zip(names, changes, strict=True):
            expected |= change
            more = {"reset": False, "request_id": None} if name == "verified" else {}
            assert states[name] == expected | more, name

    async def test_search_finds_names_and_addresses_and_takes_wildcards_literally(
        self, client: httpx.AsyncClient, admin: dict[str, str], register: Register
    ) -> None:
        await register("aase@example.com", full_name="Åse Ørsted")
        await register("hundred@example.com", full_name="100% Frisør_")
        for query, emails in {
            "åse": ["aase@example.com"],
            "AASE@": ["aase@example.com"],
            "100%": ["hundred@example.com"],
            "%": ["hundred@example.com"],
            "_": ["hundred@example.com"],
            "' OR 1=1 --": [],
            "\\": [],
        }.items():
            page = await client.get("/api/v1/users", params={"q": query}, headers=admin)
            assert [item["email"] for item in page.json()["items"]] == emails, query


class TestAttacks:
    @pytest.mark.parametrize("role", ["customer", "loctician", "staff"])
    async def test_only_admins_change_roles_states_and_addresses(
        self, client: httpx.AsyncClient, sign_up: SignUp, login: Login, outbox: Outbox, role: str
    ) -> None:
        own, other = await sign_up("a@example.com", role), await sign_up("b@example.com", "customer")
        headers = bearer(await login("a@example.com")) | {"If-Match": "*"}
        before = len(await outbox())
        employee = {"email": "c@example.com", "full_name": "C", "role": "staff"}
        for user_id in (own, other):
            path = f"/api/v1/users/{user_id}"
            tries = [
                await client.put(f"{path}/role", json={"role": "admin"}, headers=headers),
                await client.patch(path, json={"email": "x@example.com"}, headers=headers),
                await client.delete(path, headers=headers),
                await client.post(f"{path}/reactivate", headers=headers),
                await client.post("/api/v1/users", json=employee, headers=headers),
            ]
            assert [item.status_code for item in tries] == [403] * 5
        for field in ("role", "email", "email_verified", "version", "active", "id"):
            answer = await client.patch("/api/v1/users/me", json={field: "admin"}, headers=headers)
            assert answer.status_code == 422
        assert len(await outbox()) == before

    async def test_two_last_admins_cannot_demote_each_other_at_the_same_time(
        self, client: httpx.AsyncClient, sign_up: SignUp, login: Login
    ) -> None:
        ids = [await sign_up(f"{name}@example.com", "admin") for name in "ab"]
        headers = [bearer(await login(f"{name}@example.com")) for name in "ab"]
        answers = await asyncio.gather(
            client.delete(f"/api/v1/users/{ids[1]}", headers=headers[0]),
            client.put(f"/api/v1/users/{ids[0]}/role", json={"role": "customer"}, headers=headers[1]),
        )
        assert sorted(answer.status_code for answer in answers) in ([200, 409], [204, 409])

    async def test_answers_do_not_tell_whether_an_address_is_known(
        self, client: httpx.AsyncClient, register: Register, sign_up: SignUp, admin: dict[str, str]
    ) -> None:
        gone = await sign_up("gone@example.com", "customer")
        await client.delete(f"/api/v1/users/{gone}", headers=admin)
        await register()
        calls = {
            "register": {"password": PASSWORD, "full_name": "X"},
            "login": {"password": "forkert kodeord"},
            "forgot-password": {},
            "resend-verification": {},
        }
        for call, more in calls.items():
            seen = set()
            for email in (EMAIL, "gone@example.com", "admin@example.com", f"{call}@example.com"):
                answer = await client.post(f"/api/v1/auth/{call}", json={"email": email, **more})
                body = {name: value for name, value in answer.json().items() if name != "request_id"}
                seen.add((answer.status_code, str(body)))
            assert len(seen) == 1, call

    async def test_right_password_of_a_deactivated_user_gets_the_answer_of_a_wrong_one(
        self, client: httpx.AsyncClient, sign_up: SignUp, admin: dict[str, str]
    ) -> None:
        gone = await sign_up("gone@example.com", "customer")
        await client.delete(f"/api/v1/users/{gone}", headers=admin)
        answers = []
        for password in (PASSWORD, "forkert kodeord"):
            answer = await client.post("/api/v1/auth/login", json={"email": "gone@example.com", "password": password})
            answers.append({name: value for name, value in answer.json().items() if name != "request_id"})
        assert answers[0] == answers[1]

    async def test_deactivation_during_a_login_wins(
        self,
        app: FastAPI,
        client: httpx.AsyncClient,
        sign_up: SignUp,
        database: Database,
        admin: dict[str, str],
        monkeypatch: pytest.MonkeyPatch,
        outbox: Outbox,
    ) -> None:
        user_id = await sign_up(EMAIL, "customer")
        passwords = app.state.auth.passwords
        original = passwords.matches

        async def meanwhile(password: str, known: str | None) -> bool:
            assert (await client.delete(f"/api/v1/users/{user_id}", headers=admin)).status_code == 204
            return bool(await original(password, known))

        monkeypatch.setattr(passwords, "matches", meanwhile)
        answer = await client.post("/api/v1/auth/login", json={"email": EMAIL, "password": PASSWORD})
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")
        assert str(user_id) not in str(types(await outbox(), "session.started.v1"))


class TestPrivacy:
    async def test_all_data_is_exported_and_then_erased(
        self, client: httpx.AsyncClient, register: Register, login: Login, database: Database, as_owner: AsOwner
    ) -> None:
        await register()
        headers = bearer(await login())
        await client.post("/api/v1/auth/mfa/enroll", headers=headers)
        user_id = UUID(await id_of(client, headers))
        async with transaction(database, SERVICE_CLAIMS) as session:
            bundle = await privacy.export(session, user_id)
            assert bundle["sessions"][0]["address"] == "127.0.0.1"
            assert bundle["password_changed_at"]
            assert "argon2" not in str(bundle)
            await privacy.erase(session, user_id)
        for table in ("credentials", "mfa", "recovery_codes", "one_time_tokens", "known_addresses"):
            assert await as_owner(f"SELECT * FROM auth.{table}") == []
        assert [row.address for row in await as_owner("SELECT address FROM auth.sessions")] == [None]

    async def test_erased_user_is_gone_and_cannot_log_in(
        self, client: httpx.AsyncClient, register: Register, login: Login, database: Database
    ) -> None:
        await register()
        user_id = UUID(await id_of(client, bearer(await login())))
        async with transaction(database, SERVICE_CLAIMS) as session:
            assert (await privacy.export(session, user_id))["user"]["email"] == EMAIL
            assert await privacy.erase(session, user_id) == {"users": 1, "idempotency_keys": 0}
        async with transaction(database, SERVICE_CLAIMS) as session:
            assert "kirsten" not in str(await privacy.export(session, user_id)).lower()
            assert await privacy.erase(session, user_id) == {"users": 1, "idempotency_keys": 0}
        again = await client.post("/api/v1/auth/login", json={"email": EMAIL, "password": PASSWORD})
        assert again.status_code == 401
