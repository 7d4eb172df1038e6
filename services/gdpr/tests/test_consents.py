"""Consents: give, withdraw, and the texts they cover."""

from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from domain.roles import Role
from services.gdpr.consents.texts import TEXTS
from shared.database.session import Database, transaction
from shared.identity.principals import Claims
from shared.testing.types import Headers

ME = "/api/v1/gdpr/consents/me"
YES: dict[str, Any] = {"purpose": "marketing", "granted": True, "text_version": TEXTS["marketing"].version}


async def say(client: httpx.AsyncClient, headers: dict[str, str], **answer: Any) -> httpx.Response:
    return await client.put(ME, json={"items": [YES | answer]}, headers=headers)


class TestConsents:
    async def test_nothing_is_granted_by_default(self, client: httpx.AsyncClient, auth_headers: Headers) -> None:
        items = (await client.get(ME, headers=auth_headers(Role.CUSTOMER))).json()["items"]
        assert {item["purpose"] for item in items} == set(TEXTS)
        assert not any(item["granted"] or item["answered_at"] for item in items)

    @pytest.mark.parametrize("language", ["da", "en"])
    async def test_the_text_is_shown_in_the_readers_language(
        self, client: httpx.AsyncClient, auth_headers: Headers, language: str
    ) -> None:
        headers = auth_headers(Role.CUSTOMER) | {"Accept-Language": language}
        items = (await client.get(ME, headers=headers)).json()["items"]
        assert items[0]["text"] == TEXTS[items[0]["purpose"]].text[language]

    async def test_giving_and_withdrawing_are_stored_with_time_and_text_version(
        self, client: httpx.AsyncClient, auth_headers: Headers, outbox: Any
    ) -> None:
        person = uuid4()
        headers = auth_headers(Role.CUSTOMER, person)
        consent = next(item for item in (await say(client, headers)).json()["items"] if item["purpose"] == "marketing")
        assert consent["granted"] is True
        assert consent["answered_at"]
        assert consent["answered_version"] == YES["text_version"]
        await say(client, headers)
        taken = next(
            item
            for item in (await say(client, headers, granted=False)).json()["items"]
            if item["purpose"] == "marketing"
        )
        assert taken["granted"] is False
        events = [item for item in await outbox() if item["type"] == "gdpr.consent_changed.v1"]
        assert [(item["version"], item["data"]["granted"]) for item in events] == [(1, True), (2, False)]
        assert {item["subject"] for item in events} == {str(person)}

    async def test_consent_to_an_outdated_text_is_refused_and_withdrawing_is_not(
        self, client: httpx.AsyncClient, auth_headers: Headers
    ) -> None:
        headers = auth_headers(Role.CUSTOMER)
        refused = await say(client, headers, text_version=99)
        assert (refused.status_code, refused.json()["code"]) == (409, "consent_text_changed")
        assert (await say(client, headers, text_version=99, granted=False)).status_code == 200

    async def test_unknown_purposes_and_fields_are_refused(
        self, client: httpx.AsyncClient, auth_headers: Headers
    ) -> None:
        headers = auth_headers(Role.CUSTOMER)
        assert (await say(client, headers, purpose="telepathy")).json()["code"] == "unknown_purpose"
        assert (await say(client, headers, user_id=str(uuid4()))).status_code == 422
        assert (await client.put(ME, json={"items": []}, headers=headers)).status_code == 422

    async def test_row_security_hides_other_peoples_consents(
        self, client: httpx.AsyncClient, auth_headers: Headers, database: Database
    ) -> None:
        person = uuid4()
        await say(client, auth_headers(Role.CUSTOMER, person))
        for claims, seen in ((Claims(role="admin", sub=uuid4()), 0), (Claims(role="customer", sub=person), 1)):
            async with transaction(database, claims) as session:
                assert (await session.execute(text("SELECT count(*) FROM gdpr.consents"))).scalar() == seen

    async def test_simultaneous_answers_are_one_change_each(
        self, client: httpx.AsyncClient, auth_headers: Headers, outbox: Any
    ) -> None:
        import asyncio

        headers = auth_headers(Role.CUSTOMER, uuid4())
        answers = await asyncio.gather(*(say(client, headers) for _ in range(5)))
        assert {answer.status_code for answer in answers} == {200}
        assert len([item for item in await outbox() if item["type"] == "gdpr.consent_changed.v1"]) == 1
