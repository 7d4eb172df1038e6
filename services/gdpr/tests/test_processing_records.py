"""The record of processing activities (GDPR, article 30)."""

import httpx
import pytest

from domain.roles import Role
from services.gdpr.processing_records import inventory
from services.gdpr.tests.test_retention import choose
from shared.testing.types import Headers

URL = "/api/v1/gdpr/processing-records"


class TestRecord:
    @pytest.mark.parametrize("language", ["da", "en"])
    async def test_the_record_names_every_column_with_personal_data(
        self, client: httpx.AsyncClient, auth_headers: Headers, language: str
    ) -> None:
        headers = auth_headers(Role.ADMIN) | {"Accept-Language": language}
        record = (await client.get(URL, headers=headers)).json()
        named = {
            (activity["service"], activity["table"], column)
            for activity in record["activities"]
            for column in (*activity["personal"], *activity["pseudonymous"])
        }
        assert named == {
            (service, table, column)
            for service, held in inventory.personal_data().items()
            for table, marks in held["tables"].items()
            for column, mark in marks["columns"].items()
            if mark["personal"] != "none"
        }

    async def test_the_record_shows_the_chosen_periods(self, client: httpx.AsyncClient, auth_headers: Headers) -> None:
        admin = auth_headers(Role.ADMIN) | {"Accept-Language": "en"}
        await choose(client, admin)
        record = (await client.get(URL, headers=admin)).json()
        kept = {activity["keep_text"] for activity in record["activities"] if activity["table"] == "duties"}
        assert kept == {"10 days"}

    async def test_only_admins_read_the_record(self, client: httpx.AsyncClient, auth_headers: Headers) -> None:
        assert (await client.get(URL, headers=auth_headers(Role.STAFF))).status_code == 403
