"""Time off over HTTP: what it is added over, listing, and input."""

import httpx
import pytest

from services.calendar.tests.conftest import AMINA, booking, open_day
from shared.testing.types import Deliver, Headers

URL = f"/api/v1/calendar/{AMINA}/time-off"


class TestTimeOff:
    async def test_time_off_over_an_appointment_is_409(
        self, client: httpx.AsyncClient, auth_headers: Headers, deliver: Deliver
    ) -> None:
        headers, day = auth_headers("loctician", AMINA), open_day().isoformat()
        taken = booking(f"{day}T10:00:00Z", f"{day}T11:00:00Z")
        await deliver("booking.created.v1", taken)
        body = {"start": f"{day}T10:30:00Z", "end": f"{day}T13:00:00Z"}
        refused = await client.post(URL, json=body, headers=headers)
        assert refused.status_code == 409
        assert [appointment["booking_id"] for appointment in refused.json()["appointments"]] == [taken["booking_id"]]
        forced = await client.post(URL, json=body | {"force": True}, headers=headers)
        assert forced.status_code == 201

    async def test_time_off_is_listed_between_instants_or_dates(
        self, client: httpx.AsyncClient, auth_headers: Headers
    ) -> None:
        headers = auth_headers("loctician", AMINA)

        async def listed(**query: str) -> list[str]:
            answer = await client.get(URL, params=query, headers=headers)
            assert answer.status_code == 200, answer.text
            return [row["start"][:10] for row in answer.json()["items"]]

        first, second, third = (f"2030-01-{number}" for number in (14, 15, 16))
        for day, start, end in ((first, "22:00", "23:59"), (second, "00:00", "12:00"), (third, "00:00", "12:00")):
            body = {"start": f"{day}T{start}:00+01:00", "end": f"{day}T{end}:00+01:00"}
            assert (await client.post(URL, json=body, headers=headers)).status_code == 201
        assert await listed() == [first, second, third]
        assert await listed(**{"from": second, "to": second}) == [second]
        assert await listed(**{"from": second}) == [second, third]
        assert await listed(to=second) == [first, second]
        assert await listed(**{"from": f"{second}T11:59:00+01:00", "to": f"{third}T00:00:00+01:00"}) == [second]
        assert await listed(**{"from": f"{second}T12:00:00+01:00"}) == [third], "what has ended by then is left out"
        assert await listed(**{"from": third, "to": first}) == []


class TestInput:
    @pytest.mark.parametrize("query", ["from=x", "to=2026-01", "from=1893456000", "until=2026-01-01"])
    async def test_bad_bounds_of_time_off_are_422(
        self, query: str, client: httpx.AsyncClient, auth_headers: Headers
    ) -> None:
        assert (await client.get(f"{URL}?{query}", headers=auth_headers("staff"))).status_code == 422

    @pytest.mark.parametrize(
        "end", ["2026-03-02T10:00:00Z", "2026-10-25T02:30:00", "2030-03-02T10:00:00Z", "2026-03-03", 1893456000]
    )
    async def test_bad_time_off_is_422(self, end: object, client: httpx.AsyncClient, auth_headers: Headers) -> None:
        body = {"start": "2026-03-02T10:00:00Z", "end": end}
        assert (await client.post(URL, json=body, headers=auth_headers("staff"))).status_code == 422
