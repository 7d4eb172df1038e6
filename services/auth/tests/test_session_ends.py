"""When sessions end: all at once when their user says so, and at the latest SESSION_MAX_DAYS after the login."""

import time
from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from services.auth.sessions.devices import device, network
from services.auth.sessions.refresh_tokens import create_refresh_token
from services.auth.tests.conftest import AsOwner, Login, OtherClient, Register, SignUp, bearer, types
from shared.testing.types import Outbox

REFRESH, SESSIONS = "/api/v1/auth/refresh", "/api/v1/auth/sessions"
DAY = 86_400
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605 Version/18 Safari/604"
EDGE = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537 Chrome/131.0 Safari/537.36 Edg/131.0"


async def test_signing_out_everywhere_ends_every_session_of_the_caller_alone(
    client: httpx.AsyncClient, register: Register, login: Login, outbox: Outbox
) -> None:
    await register()
    await register("oskar@example.com")
    here, there, other = await login(), await login(), await login("oskar@example.com")
    assert (await client.delete(SESSIONS, headers=bearer(here))).status_code == 204
    statuses = [
        (await client.post(REFRESH, json={"refresh_token": tokens["refresh_token"]})).status_code
        for tokens in (here, there, other)
    ]
    assert statuses == [401, 401, 200]
    assert len(types(await outbox(), "session.revoked.v1")) == 2


async def test_refreshing_prolongs_no_session_beyond_its_last_day(
    client: httpx.AsyncClient, app: FastAPI, register: Register, login: Login, as_owner: AsOwner
) -> None:
    await register()
    context = app.state.auth
    context.settings = context.settings.model_copy(update={"session_max_days": 1})
    tokens = await login()
    answer = await client.post(REFRESH, json={"refresh_token": tokens["refresh_token"]})
    assert answer.status_code == 200
    ((session, token),) = await as_owner(
        "SELECT s.expires_at - s.created_at, t.expires_at - s.created_at FROM auth.sessions s"
        " JOIN auth.refresh_tokens t ON t.session_id = s.id AND t.used_at IS NULL"
    )
    assert timedelta(hours=23) < session <= timedelta(days=1)
    assert timedelta(hours=23) < token <= timedelta(days=1)


@pytest.mark.parametrize(("days", "status"), [(89, 200), (91, 401)])
async def test_session_that_is_too_old_gets_no_token_however_often_it_was_refreshed(
    client: httpx.AsyncClient, app: FastAPI, sign_up: SignUp, as_owner: AsOwner, days: int, status: int
) -> None:
    user_id = await sign_up("old@example.com", "customer")
    session_id = UUID(int=(int((time.time() - days * DAY) * 1000) << 80) | (7 << 76) | (2 << 62) | days)
    token = create_refresh_token(session_id)
    (digest, *_) = app.state.auth.encryption.token_digests("refresh", token)
    values = {"id": session_id, "user": user_id, "days": days}
    await as_owner(
        "INSERT INTO auth.sessions (id, user_id, created_at, expires_at)"
        " VALUES (:id, :user, now() - make_interval(days => :days), now() + interval '1 day')",
        **values,
    )
    await as_owner(
        "INSERT INTO auth.refresh_tokens (token_hash, session_id, expires_at)"
        " VALUES (:digest, :id, now() + interval '1 day')",
        digest=digest,
        id=session_id,
    )
    answer = await client.post(REFRESH, json={"refresh_token": token})
    assert answer.status_code == status


async def test_list_shows_device_and_network(other_client: OtherClient, register: Register, app: FastAPI) -> None:
    await register()
    phone = await other_client("203.0.113.7", SAFARI)
    body = {"email": "kirsten@example.com", "password": "et langt kodeord"}
    tokens = (await phone.post("/api/v1/auth/login", json=body)).json()
    (item,) = (await phone.get(SESSIONS, headers=bearer(tokens))).json()["items"]
    assert (item["device"], item["network"]) == ("Safari, iPhone", "203.0.113.0/24")


def test_devices_and_networks_are_named_as_far_as_they_are_known() -> None:
    agents = (FIREFOX, EDGE, "curl/8.9", "", None)
    assert [device(agent) for agent in agents] == ["Firefox, Windows", "Edge, Mac", None, None, None]
    addresses = ("2001:db8:1:2::7", "fe80::1%eth0", "unknown", None)
    assert [network(address) for address in addresses] == ["2001:db8:1::/48", "fe80::/48", None, None]
