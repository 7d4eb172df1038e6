"""One booking from the first call to the last message, all through the gateway's address."""

import re
from datetime import datetime, timedelta
from functools import partial
from uuid import uuid4

import httpx
import pytest
from websockets.asyncio.client import connect

from tests.e2e.salon import Json, bearer, free_slots, invitation, mails_to, receive, register, sign_in, soon
from tests.e2e.stack import Stack, eventually


@pytest.mark.slow
class TestFirstBooking:
    async def test_a_booking_and_its_cancellation_reach_everybody_concerned(self, stack: Stack) -> None:
        async with httpx.AsyncClient(base_url=stack.url, timeout=10) as http:
            service_id, slot = await self._retwist(http)
            loctician_id = slot["loctician_id"]
            address, token = await register(http, "kirsten")
            loctician_address, loctician = await self._loctician(http, loctician_id)
            live = stack.url.replace("http", "ws", 1)
            async with (
                connect(f"{live}/ws?token={token}") as customer_socket,
                connect(f"{live}/ws?token={loctician}") as loctician_socket,
                connect(f"{live}/ws/loctician/{loctician_id}") as public_socket,
            ):
                order = {"service_ids": [service_id], "loctician_id": loctician_id, "start": slot["start"]}
                headers = bearer(token) | {"Idempotency-Key": uuid4().hex, "X-Request-ID": f"e2e-{uuid4().hex}"}
                booked = await http.post("/api/v1/bookings", json=order, headers=headers)
                booking = self._booked(booked)

                def ours(data: Json) -> bool:
                    return bool(data.get("booking_id") == booking["id"])

                for socket in (customer_socket, loctician_socket):
                    update = await soon(receive(socket, "booking_update", ours))
                    assert update["data"]["status"] == "confirmed"
                public = await soon(receive(public_socket, "availability_update", lambda data: bool(data["date"])))
                assert public["data"].keys() == {"loctician_id", "date"}
                await self._calendar_shows(http, loctician, booking, present=True)
                await self._mailed(stack, address, "er booket", booking)
                await self._mailed(stack, loctician_address, "ooking", booking)
                await self._mail_leads_to_the_booking(stack, address, booking)
                await self._audit_has(http, booking["id"], "booking.created.v1", headers["X-Request-ID"])

                again = await http.post("/api/v1/bookings", json=order, headers=headers)
                assert again.json()["id"] == booking["id"]
                await self._second_customer_is_refused(http, order)

                path = f"/api/v1/bookings/{booking['id']}/cancel"
                cancelled = await http.post(path, json={"reason": "syg"}, headers=bearer(token))
                assert cancelled.status_code == 200, cancelled.text
                for socket in (customer_socket, loctician_socket):
                    update = await soon(receive(socket, "booking_update", ours))
                    assert update["data"]["status"] == "cancelled"
                await soon(receive(public_socket, "availability_update", lambda data: bool(data["date"])))
            await self._calendar_shows(http, loctician, booking, present=False)
            await self._mailed(stack, address, "er aflyst", booking)
            await self._mailed(
                stack, loctician_address, "ncelled" if "sofie" in loctician_address else "aflyst", booking
            )
            await self._audit_has(http, booking["id"], "booking.cancelled.v1")
            free = await free_slots(http, service_id, loctician_id=loctician_id)
            assert slot["start"] in {free_slot["start"] for free_slot in free}

    async def test_every_treatment_of_the_demo_salon_can_be_booked(self, stack: Stack) -> None:
        async with httpx.AsyncClient(base_url=stack.url, timeout=10) as http:
            treatments = (await http.get("/api/v1/services")).json()["items"]
            assert len(treatments) == 8
            for treatment in treatments:
                await eventually(
                    partial(free_slots, http, treatment["id"]), bool, f"a free start for {treatment['name']}"
                )

    async def _retwist(self, http: httpx.AsyncClient) -> tuple[str, Json]:
        """The treatment's id, and a free slot in the demo salon."""
        treatments = (await http.get("/api/v1/services")).json()["items"]
        retwist = next(
            treatment for treatment in treatments if "retwist" in treatment["translations"]["en"]["name"].lower()
        )
        slots = await eventually(lambda: free_slots(http, retwist["id"]), bool, "free slots in the demo salon")
        return retwist["id"], slots[0]

    def _booked(self, answer: httpx.Response) -> Json:
        assert answer.status_code == 201, answer.text
        booking: Json = answer.json()
        assert answer.headers["etag"] == f'"{booking["version"]}-gzip"'
        assert answer.headers["location"].endswith(booking["id"])
        assert booking["price"]["formatted"].endswith("kr.")
        assert booking["status"] == "confirmed"
        return booking

    async def _loctician(self, http: httpx.AsyncClient, loctician_id: str) -> tuple[str, str]:
        """The address and access token of the demo loctician with this id."""
        for name in ("amina", "jonas", "sofie"):
            token = await sign_in(http, f"{name}@loctician.example")
            me = (await http.get("/api/v1/users/me", headers=bearer(token))).json()
            if me["id"] == loctician_id:
                return f"{name}@loctician.example", token
        raise AssertionError("the slot's loctician is none of the demo ones")

    async def _calendar_shows(self, http: httpx.AsyncClient, token: str, booking: Json, *, present: bool) -> None:
        item = booking["items"][0]
        day = datetime.fromisoformat(item["start"]).date()
        query = {"from": day.isoformat(), "to": (day + timedelta(days=1)).isoformat()}

        async def shown() -> bool:
            path = f"/api/v1/calendar/{item['loctician_id']}"
            answer = await http.get(path, params=query, headers=bearer(token))
            assert answer.status_code == 200, answer.text
            return booking["id"] in answer.text

        await eventually(shown, lambda value: value is present, f"calendar shows the booking: {present}", 2.0)

    async def _mailed(self, stack: Stack, address: str, subject: str, booking: Json) -> None:
        """Exactly one mail whose calendar entry is the booking's, with these words and its time in the subject."""
        start = datetime.fromisoformat(booking["start"])
        when = {f"{start.hour}.{start:%M}", f"{start:%H:%M}"}

        async def count_mails() -> int:
            mails = [mail for mail in mails_to(stack.mail, address) if booking["id"] in invitation(mail)]
            subjects = [str(mail["subject"]) for mail in mails]
            return sum(subject in text and any(clock in text for clock in when) for text in subjects)

        await eventually(count_mails, lambda count: count == 1, f"a mail to {address}: {subject}")

    async def _mail_leads_to_the_booking(self, stack: Stack, address: str, booking: Json) -> None:
        """To this booking without signing in, and to its calendar file."""
        [mail] = [mail for mail in mails_to(stack.mail, address) if booking["id"] in invitation(mail)]
        part = mail.get_body(("plain",))
        assert part is not None
        page, file = re.findall(r"https?://[^/\s]+(/bookings/\S+)", part.get_content())
        async with httpx.AsyncClient(base_url=stack.url, timeout=10) as stranger:
            shown = await stranger.get(page)
            assert shown.status_code == 200
            assert (shown.headers["cache-control"], shown.headers["referrer-policy"]) == ("no-store", "no-referrer")
            assert "RateLimit" in shown.headers
            assert booking["price"]["formatted"] in shown.text
            assert booking["id"] in (await stranger.get(file)).text.replace("\r\n ", "")
            assert (await stranger.get(page[:-1])).status_code == 404

    async def _audit_has(
        self, http: httpx.AsyncClient, entity: str, action: str, request_id: str | None = None
    ) -> None:
        admin = bearer(await sign_in(http, "admin@loctician.example"))

        async def rows() -> list[Json]:
            answer = await http.get("/api/v1/audit", params={"entity": entity}, headers=admin)
            assert answer.status_code == 200, answer.text
            return [row for row in answer.json()["items"] if row["action"] == action]

        audit_rows = await eventually(rows, bool, "an audit row for the booking")
        assert len(audit_rows) == 1
        assert audit_rows[0]["request_id"] == request_id or request_id is None
        assert audit_rows[0]["actor_role"] == "customer"
        assert audit_rows[0]["actor_id"]

    async def _second_customer_is_refused(self, http: httpx.AsyncClient, order: Json) -> None:
        _, other = await register(http, "oskar")
        refused = await http.post("/api/v1/bookings", json=order, headers=bearer(other))
        assert refused.status_code == 409, refused.text
        assert refused.headers["content-type"] == "application/problem+json"
        problem = refused.json()
        assert problem["code"] == "slot_taken"
        assert len(problem["alternatives"]) == 3
        for alternative in problem["alternatives"]:
            order_again = order | {"start": alternative["start"]}
            answer = await http.post("/api/v1/bookings/check-availability", json=order_again)
            assert answer.json()["available"] is True
