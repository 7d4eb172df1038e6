"""A state machine: in any order of calls, a session that has ended never yields a token again."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, ClassVar
from uuid import UUID

import httpx
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from services.auth.tests.conftest import AsOwner, Mailed, SignUp, bearer

PASSWORDS = ("et langt kodeord", "et andet kodeord", "et tredje kodeord")
REFRESH = "/api/v1/auth/refresh"
numbers = count(1)


@dataclass
class Family:
    """A session as the test expects it: its tokens, oldest first, and whether it has ended."""

    client: httpx.AsyncClient
    access: dict[str, str]
    tokens: list[str] = field(default_factory=list)
    ended: bool = False


@dataclass
class Environment:
    """A user as clients see them, and the admin."""

    app: FastAPI
    admin: dict[str, str]
    sign_up: SignUp
    mailed: Mailed
    as_owner: AsOwner
    loop: asyncio.AbstractEventLoop

    def digest(self, token: str) -> bytes:
        """What the database keeps of a refresh token."""
        digest: bytes = self.app.state.auth.encryption.token_digests("refresh", token)[0]
        return digest

    def client(self) -> httpx.AsyncClient:
        number = next(numbers)
        host = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        transport = httpx.ASGITransport(self.app, client=(host, 4711))
        return httpx.AsyncClient(transport=transport, base_url="https://test", trust_env=False)


async def send(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post(REFRESH, json={"refresh_token": token})


async def _awaiting(awaited: Awaitable[Any]) -> Any:
    return await awaited


class Sessions(RuleBasedStateMachine):
    environment: ClassVar[Environment]

    def __init__(self) -> None:
        super().__init__()
        self.email = f"user{next(numbers)}@example.com"
        self.user_id: UUID = self.call(self.environment.sign_up(self.email, "customer"))
        self.password = PASSWORDS[0]
        self.active = True
        self.families: list[Family] = []

    def call(self, awaited: Awaitable[Any]) -> Any:
        """Runs it on the event loop of the application, which runs in another thread."""
        return asyncio.run_coroutine_threadsafe(_awaiting(awaited), self.environment.loop).result(30)

    def pick(self, data: st.DataObject) -> Family | None:
        return data.draw(st.sampled_from(self.families)) if self.families else None

    def end_all(self, but: Family | None = None) -> None:
        for family in self.families:
            family.ended |= family is not but

    @rule(cookie=st.booleans())
    def log_in(self, cookie: bool) -> None:
        client = self.environment.client()
        body = {"email": self.email, "password": self.password, "session": "cookie" if cookie else "token"}
        answer = self.call(client.post("/api/v1/auth/login", json=body))
        assert answer.status_code == (200 if self.active else 401)
        if self.active:
            refresh = client.cookies.get("__Host-loctician-refresh") or answer.json()["refresh_token"]
            client.cookies.clear()
            self.families.append(Family(client, bearer(answer.json()), [refresh]))

    @rule(data=st.data(), times=st.integers(1, 3))
    def refresh(self, data: st.DataObject, times: int) -> None:
        family = self.pick(data)
        if family is None:
            return
        for _ in range(times):
            answer = self.call(send(family.client, family.tokens[-1]))
            assert answer.status_code == (401 if family.ended else 200)
            if not family.ended:
                family.tokens.append(answer.json()["refresh_token"])

    @rule(data=st.data())
    def retry_at_once(self, data: st.DataObject) -> None:
        family = self.pick(data)
        if family and len(family.tokens) > 1:
            now = "UPDATE auth.refresh_tokens SET used_at = clock_timestamp() WHERE token_hash = :hash"
            self.call(self.environment.as_owner(now, hash=self.environment.digest(family.tokens[-2])))
            answer = self.call(send(family.client, family.tokens[-2]))
            assert answer.status_code == (401 if family.ended else 200)
            if not family.ended:
                assert answer.json()["refresh_token"] == family.tokens[-1]

    @rule(data=st.data(), by_another_client=st.booleans())
    def reuse(self, data: st.DataObject, by_another_client: bool) -> None:
        family = self.pick(data)
        if family and len(family.tokens) > 1:
            token = data.draw(st.sampled_from(family.tokens[:-1]))
            past = "UPDATE auth.refresh_tokens SET used_at = used_at - interval '11 s' WHERE token_hash = :hash"
            self.call(self.environment.as_owner(past, hash=self.environment.digest(token)))
            client = self.environment.client() if by_another_client else family.client
            assert self.call(send(client, token)).status_code == 401
            family.ended = True

    @rule(data=st.data(), times=st.integers(2, 4))
    def refresh_by_other_clients_at_once(self, data: st.DataObject, times: int) -> None:
        family = self.pick(data)
        if family:
            token = family.tokens[-1]

            async def race() -> list[httpx.Response]:
                return await asyncio.gather(*(send(self.environment.client(), token) for _ in range(times)))

            answers = self.call(race())
            won = [answer.json()["refresh_token"] for answer in answers if answer.status_code == 200]
            assert len(won) == (0 if family.ended else 1)
            family.tokens += won
            family.ended = True

    @rule(data=st.data(), how=st.sampled_from(["log_out", "end_the_others", "change_password"]))
    def end_some(self, data: st.DataObject, how: str) -> None:
        family = self.pick(data)
        if family:
            getattr(self, how)(family)

    @precondition(lambda self: self.active)
    @rule(how=st.sampled_from(["reset_password", "deactivate", "change_role"]))
    def end_all_sessions(self, how: str) -> None:
        getattr(self, how)()

    def log_out(self, family: Family) -> None:
        assert self.call(family.client.post("/api/v1/auth/logout", headers=family.access)).status_code == 204
        family.ended = True

    def end_the_others(self, family: Family) -> None:
        if not family.ended:
            items = self.call(family.client.get("/api/v1/auth/sessions", headers=family.access)).json()["items"]
            assert len(items) == sum(not family.ended for family in self.families)
            for item in items:
                if not item["current"]:
                    path = f"/api/v1/auth/sessions/{item['id']}"
                    assert self.call(family.client.delete(path, headers=family.access)).status_code == 204
            self.end_all(but=family)

    def change_password(self, family: Family) -> None:
        new = PASSWORDS[(PASSWORDS.index(self.password) + 1) % len(PASSWORDS)]
        body = {"old_password": self.password, "new_password": new}
        path = "/api/v1/auth/change-password"
        answer = self.call(family.client.post(path, json=body, headers=family.access))
        assert answer.status_code == (401 if family.ended else 204)
        if not family.ended:
            self.password = new
            self.end_all(but=family)

    def reset_password(self) -> None:
        new = PASSWORDS[0]
        client = self.environment.client()
        self.call(client.post("/api/v1/auth/forgot-password", json={"email": self.email}))
        token = self.call(self.environment.mailed("password_reset_requested", self.email))
        body = {"token": token, "new_password": new}
        assert self.call(client.post("/api/v1/auth/reset-password", json=body)).status_code == 204
        self.password = new
        self.end_all()

    def deactivate(self) -> None:
        path = f"/api/v1/users/{self.user_id}"
        assert self.call(self.environment.client().delete(path, headers=self.environment.admin)).status_code == 204
        self.active = False
        self.end_all()

    @precondition(lambda self: not self.active)
    @rule()
    def reactivate(self) -> None:
        path = f"/api/v1/users/{self.user_id}/reactivate"
        assert self.call(self.environment.client().post(path, headers=self.environment.admin)).status_code == 200
        self.active = True

    def change_role(self) -> None:
        path = f"/api/v1/users/{self.user_id}"
        before = self.call(self.environment.client().get(path, headers=self.environment.admin)).json()["role"]
        role = "staff" if before == "customer" else "customer"
        answer = self.call(
            self.environment.client().put(f"{path}/role", json={"role": role}, headers=self.environment.admin)
        )
        assert answer.status_code == 200
        self.end_all()

    def teardown(self) -> None:
        for family in self.families:
            for token in family.tokens if family.ended else ():
                for client in (family.client, self.environment.client()):
                    assert self.call(send(client, token)).status_code == 401
            if family.ended:
                ticket = self.call(family.client.post("/api/v1/auth/ws-ticket", headers=family.access))
                assert ticket.status_code == 401


async def test_ended_session_never_yields_a_token(
    app: FastAPI, client: httpx.AsyncClient, admin: dict[str, str], sign_up: SignUp, mailed: Mailed, as_owner: AsOwner
) -> None:
    class Bound(Sessions):
        environment = Environment(app, admin, sign_up, mailed, as_owner, asyncio.get_running_loop())

    bounds = settings(
        max_examples=10,
        stateful_step_count=25,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],  # shrinking would take minutes over HTTP
    )
    await asyncio.to_thread(run_state_machine_as_test, Bound, settings=bounds)
