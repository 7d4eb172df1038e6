"""Registering and verifying an e-mail address."""

from typing import Any

import httpx
import pytest

from services.auth.tests.conftest import (
    EMAIL,
    Login,
    Mailed,
    Register,
    bearer,
    types,
)
from shared.testing.types import Outbox

FORGOT = "/api/v1/auth/forgot-password"


VERIFY, RESEND = "/api/v1/auth/verify-email", "/api/v1/auth/resend-verification"


class TestRegistration:
    async def test_new_customer_is_published_with_the_contact_details(self, register: Register, outbox: Outbox) -> None:
        assert (await register(phone="20 12 34 56")).status_code == 202
        event = (await outbox())[0]
        assert event["type"] == "user.registered.v1"
        wanted = {"email": EMAIL, "phone": "+4520123456", "role": "customer", "email_verified": False, "language": "da"}
        assert event["data"].items() >= wanted.items()

    async def test_known_address_gets_the_same_answer_and_changes_nothing(
        self, register: Register, outbox: Outbox
    ) -> None:
        first = await register(verify=False)
        announced = types(await outbox(), "user.registered.v1")
        again = await register("KIRSTEN@example.com", password="noget helt andet", verify=False)
        assert (again.status_code, again.json()) == (first.status_code, first.json())
        assert types(await outbox(), "user.registered.v1") == announced

    @pytest.mark.parametrize(
        "body",
        [
            {"email": "ikke en adresse"},
            {"password": "kort"},
            {"password": "x" * 129},
            {"full_name": "a\x00b"},
            {"full_name": ""},
            {"full_name": "Vind en rejse på https://example.com"},
            {"full_name": "Kir\u200bsten"},
            {"full_name": "x" * 121},
            {"language": "fr"},
            {"phone": "12"},
            {"phone": "hej"},
            {"role": "admin"},
            {"id": "0197f0a0-0000-7000-8000-000000000001"},
            {"email": 7},
        ],
    )
    async def test_bad_input_is_422(self, register: Register, outbox: Outbox, body: dict[str, Any]) -> None:
        answer = await register(**{"email": EMAIL, **body})
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        assert await outbox() == []

    async def test_all_wrong_fields_are_told_at_once_each_with_its_place(self, register: Register) -> None:
        answer = await register(email=EMAIL, phone="12", full_name="", language="fr")
        told = {(error["pointer"], error["code"]) for error in answer.json()["errors"]}
        assert told == {
            ("/body/phone", "invalid_phone"),
            ("/body/full_name", "string_too_short"),
            ("/body/language", "literal_error"),
        }

    async def test_ten_megabytes_of_password_are_413(self, register: Register) -> None:
        assert (await register(password="x" * 10_000_000)).status_code == 413


class TestVerification:
    async def test_link_verifies_once(
        self, client: httpx.AsyncClient, register: Register, login: Login, mailed: Mailed, outbox: Outbox
    ) -> None:
        await register(verify=False)
        token = await mailed("verification_requested")
        statuses = [(await client.post(VERIFY, json={"token": token})).status_code for _ in range(2)]
        assert statuses == [204, 422]
        me = await client.get("/api/v1/users/me", headers=bearer(await login()))
        assert (me.json()["email_verified"], me.json()["version"]) == (True, 2)
        (verified,) = types(await outbox(), "user.verified.v1")
        assert verified["version"] == 2

    async def test_another_link_is_sent_until_the_address_is_verified(
        self, client: httpx.AsyncClient, register: Register, mailed: Mailed, outbox: Outbox
    ) -> None:
        await register(verify=False)
        await client.post(RESEND, json={"email": EMAIL})
        assert len(types(await outbox(), "user.verification_requested.v1")) == 2
        assert (await client.post(VERIFY, json={"token": await mailed("verification_requested")})).status_code == 204
        await client.post(RESEND, json={"email": EMAIL})
        assert len(types(await outbox(), "user.verification_requested.v1")) == 2

    async def test_reset_token_does_not_verify_an_address(
        self, client: httpx.AsyncClient, register: Register, mailed: Mailed
    ) -> None:
        await register(verify=False)
        await client.post(FORGOT, json={"email": EMAIL})
        assert (await client.post(VERIFY, json={"token": await mailed("password_reset_requested")})).status_code == 422

    async def test_look_alike_address_is_another_one_and_full_width_letters_are_the_same(
        self, register: Register, outbox: Outbox
    ) -> None:
        await register("kirsten@example.com")
        await register("kirsten@еxample.com")  # a Cyrillic letter
        await register("ＫＩＲＳＴＥＮ@example.com", verify=False)
        registered = [event["email"] for event in types(await outbox(), "user.registered.v1")]
        assert registered[0] == "kirsten@example.com"
        assert registered.count("kirsten@example.com") == 1
