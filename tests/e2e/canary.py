"""A person who uses every part of the platform, with a mark of their own in each field that takes one."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import orjson
from pamqp.commands import Basic

from shared.messaging import broker
from shared.messaging.events import envelope, new_id
from shared.messaging.topology import EVENTS, retry_queue
from shared.testing.browsers import be_browser
from shared.testing.servers import as_owner
from tests.e2e.rights import admin, dumped, logged, queued
from tests.e2e.salon import Json, bearer, free_slots, mails_to, sign_in, verify
from tests.e2e.stack import SERVICES, Stack, eventually

UNIQUE = uuid4().hex[:10]
NUMBER = int(UNIQUE[:8], 16)

# What is held of the person: in the export, and gone once the person is erased.
MARKS = {
    "email": f"kanarie-{UNIQUE}@example.com",
    "full_name": f"Kanariefugl-{UNIQUE} Ærø",
    "phone": f"+4526{NUMBER % 1_000_000:06d}",  # any six digits: the numbering plan knows no other such series
    "user_agent": f"Fuglebur-{UNIQUE}/1.0",
    "notes": f"Noten-{UNIQUE} om hårbunden",
    "internal_notes": f"Internt-{UNIQUE} om betaling",
    "cancel_reason": f"Afbudsgrund-{UNIQUE}",
    "key": f"noegle-{UNIQUE}",
    "display_name": f"Frk. Fjer-{UNIQUE}",
    "bio": f"Livshistorie-{UNIQUE}",
    "portfolio_link": f"https://galleri-{UNIQUE}.example/fjer",
    "instagram": f"17841{NUMBER:010d}",
    "calendar": f"https://kalender-{UNIQUE}.example/privat.ics",
}
# What is read and not kept, or refused: nowhere at any time.
PASSING = {
    "password": f"Hemmeligt-{UNIQUE}-kodeord",
    "event": f"Tandlaege-{UNIQUE}",
    "attendee": f"gaest-{UNIQUE}@example.net",
    "search": f"soegning-{UNIQUE}",
    "guess": f"gaettet-{UNIQUE}@example.org",
    "refused_kind": f"slags-{UNIQUE}",
    "refused_purpose": f"formaal-{UNIQUE}",
    "refused_field": f"felt-{UNIQUE}",
    "refused_calendar": f"https://ukendt-{UNIQUE}.example/privat.ics",
}
SECRET = {"password": PASSING["password"]}
AS_SERVICE = """SELECT set_config('request.jwt.claims', '{"role": "service"}', false)"""
IMPORT = """
    INSERT INTO calendar.imports (id, loctician_id, url, status, due_at)
    VALUES (gen_random_uuid(), '{loctician}', '{url}', 'waiting', now())
"""
TIME_OFF = {"start": "2030-02-04T08:00:00Z", "end": "2030-02-05T08:00:00Z"}
FILE = f"""BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//canary//da
BEGIN:VEVENT
UID:{PASSING["event"]}
DTSTAMP:20260101T000000Z
DTSTART:{datetime.now(UTC) + timedelta(days=40):%Y%m%d}T090000Z
DTEND:{datetime.now(UTC) + timedelta(days=40):%Y%m%d}T100000Z
SUMMARY:{PASSING["event"]}
ATTENDEE:mailto:{PASSING["attendee"]}
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n")


@dataclass
class Canary:
    stack: Stack
    http: httpx.AsyncClient
    amqp_url: str
    management_url: str | None
    user_id: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    async def everywhere(self) -> dict[str, str]:
        """All tables, queues and logs; the mails that were sent are out of our hands."""
        tables = await dumped(self.stack.environment["DATABASE_URL"])
        waiting = await queued(self.amqp_url, self.management_url)
        return tables | waiting | logged(self.stack.logs)

    async def live(self) -> None:
        await self._register()
        await self._book()
        await self._choose()
        await self._be_refused()
        await self._work()
        await self._fail()

    async def send(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await self.http.request(method, f"/api/v1{path}", json=body, headers=self.headers | named)
        assert answer.is_success, f"{method} {path}: {answer.text}"
        return answer

    async def _register(self) -> None:
        body = {name: MARKS[name] for name in ("email", "full_name", "phone")} | SECRET | {"language": "da"}
        be_browser(self.http)
        await self.send("POST", "/auth/register", body)
        await verify(self.http, MARKS["email"])
        await self._sign_in()
        self.user_id = str((await self.send("GET", "/users/me")).json()["id"])

    async def _sign_in(self) -> None:
        agent = {"User-Agent": MARKS["user_agent"]}
        login = {"email": MARKS["email"], **SECRET}
        answer = await self.http.post("/api/v1/auth/login", json=login, headers=agent)
        self.headers = bearer(str(answer.json()["access_token"])) | agent

    async def _book(self) -> None:
        """An appointment that stands, one that was cancelled and comes back as an offer, and a hold beside them."""
        service_id = (await self.http.get("/api/v1/services")).json()["items"][0]["id"]
        slots = await eventually(lambda: free_slots(self.http, service_id), bool, "free slots")
        first, last = (
            {"service_ids": [service_id], "start": slot["start"], "loctician_id": slot["loctician_id"]}
            for slot in (slots[0], slots[-1])
        )
        booked = (await self.send("POST", "/bookings", first | {"notes": MARKS["notes"]})).json()
        cancelled = await self.send("POST", "/bookings", last, Idempotency_Key=MARKS["key"])
        day = {"from": last["start"][:10], "to": last["start"][:10]}
        wish = {"service_ids": [service_id], "loctician_id": last["loctician_id"]} | day
        await self.send("POST", "/waitlist", wish, Idempotency_Key=f"{MARKS['key']}-2")
        reason = {"reason": MARKS["cancel_reason"]}
        await self.send("POST", f"/bookings/{cancelled.json()['id']}/cancel", reason)
        assert (await self.send("GET", "/waitlist")).json()["items"][0]["offer"]
        another = await eventually(lambda: free_slots(self.http, service_id), bool, "free slots")
        held = {"start": another[0]["start"], "loctician_id": another[0]["loctician_id"]}
        await self.send("POST", "/bookings/holds", first | held, Idempotency_Key=f"{MARKS['key']}-3")
        staff = bearer(await sign_in(self.http, "staff@loctician.example"))
        noted = await self.http.put(
            f"/api/v1/bookings/{booked['id']}",
            json={"internal_notes": MARKS["internal_notes"]},
            headers=staff | {"If-Match": "*"},
        )
        assert noted.status_code == 200, noted.text

        async def mailed() -> int:
            return len(mails_to(self.stack.mail, MARKS["email"]))

        await eventually(mailed, lambda count: count >= 5, "mails about appointments and the offer", 30.0)

    async def _choose(self) -> None:
        kinds = {"reminder": {"mail": False}}
        await self.send("PUT", "/notifications/preferences", {"language": "en", "kinds": kinds})
        consents = (await self.send("GET", "/gdpr/consents/me")).json()["items"]
        consents_given = [
            {"purpose": consent["purpose"], "granted": True, "text_version": consent["text_version"]}
            for consent in consents
        ]
        await self.send("PUT", "/gdpr/consents/me", {"items": consents_given})

    async def _be_refused(self) -> None:
        """What was typed and not taken is kept nowhere."""
        guess = {"email": PASSING["guess"], "password": PASSING["password"]}
        agree = {"purpose": PASSING["refused_purpose"], "granted": True, "text_version": 1}
        calls: list[tuple[str, str, Any]] = [
            ("POST", "/auth/login", guess),
            ("POST", "/auth/register", guess | {"full_name": "A", "email": "no address"}),
            ("PUT", "/notifications/preferences", {"kinds": {PASSING["refused_kind"][:30]: {"mail": True}}}),
            ("PUT", "/gdpr/consents/me", {"items": [agree]}),
            ("POST", "/bookings", {PASSING["refused_field"]: PASSING["refused_field"]}),
            ("POST", "/waitlist", {"service_ids": [PASSING["refused_field"]]}),
            ("GET", f"/bookings/{PASSING['refused_field']}", None),
            ("GET", f"/bookings?cursor={PASSING['refused_field']}", None),
        ]
        for method, path, body in calls:
            answer = await self.http.request(method, f"/api/v1{path}", json=body, headers=self.headers)
            assert 400 <= answer.status_code < 500, f"{method} {path}: {answer.status_code}"
        for path in (f"/services?q={PASSING['search']}", f"/nothing/{PASSING['search']}"):
            await self.http.get(f"/api/v1{path}", headers=self.headers)
        await self.http.post("/api/v1/auth/forgot-password", json={"email": PASSING["guess"]})

    async def _work(self) -> None:
        """The same person in a chair of the salon: a profile, a calendar, what is imported into it."""
        role = {"role": "loctician"}
        changed = await self.http.put(f"/api/v1/users/{self.user_id}/role", json=role, headers=await admin(self.http))
        assert changed.status_code == 200, changed.text
        await self._sign_in()

        async def profile() -> httpx.Response:
            return await self.http.get(f"/api/v1/locticians/{self.user_id}", headers=self.headers)

        opened = await eventually(profile, lambda answer: answer.status_code == 200, "a profile of one's own")
        texts = {name: MARKS[name] for name in ("display_name", "bio")}
        links = {"portfolio_links": [MARKS["portfolio_link"]], "instagram_user_id": MARKS["instagram"]}
        path = f"/locticians/{self.user_id}"
        await self.send("PUT", path, texts | links | {"treatments": []}, If_Match=opened.headers["etag"])
        calendar = f"/calendar/{self.user_id}"
        await self.send("POST", f"{calendar}/time-off", TIME_OFF)
        address = f"/api/v1{calendar}/imports"
        refused = await self.http.post(address, json={"url": PASSING["refused_calendar"]}, headers=self.headers)
        assert refused.status_code == 422, refused.text
        # No name of ours can be looked up, so what the service would have written is written for it.
        arranged = IMPORT.format(loctician=self.user_id, url=MARKS["calendar"])
        await as_owner(self.stack.environment["DATABASE_URL"], AS_SERVICE, arranged)
        await self.send("POST", f"{calendar}/feed", {})
        file = await self.http.post(address, content=FILE, headers=self.headers | {"Content-Type": "text/calendar"})
        assert file.status_code == 201, file.text

    async def _fail(self) -> None:
        """In every service, news of the person that it cannot read, and news that wait to be tried again."""
        async with broker.connection(self.amqp_url, "canary") as connection:
            channel = await broker.wire(await connection.channel())
            unreadable = self._event({"user_id": [self.user_id], "email": MARKS["email"], "notes": MARKS["notes"]})
            await broker.publish_surely(channel, broker.Outgoing(EVENTS, "user.updated.v1", unreadable, _properties()))
            for service in SERVICES:
                late = broker.Outgoing(
                    "", retry_queue(service, 600_000), self._event(self._person(version=9)), _properties()
                )
                await broker.publish_surely(channel, late)

        async def laid_aside() -> dict[str, str]:
            return await queued(self.amqp_url, self.management_url)

        def everywhere(queues: dict[str, str]) -> bool:
            return all(MARKS["email"] in queues[f"{name}.dead"] for name in ("booking", "calendar", "notifications"))

        await eventually(laid_aside, everywhere, "dead letters", 30)

    def _person(self, version: int) -> Json:
        facts = {"user_id": self.user_id, "email": MARKS["email"], "full_name": MARKS["full_name"]}
        more = {"phone": MARKS["phone"], "language": "da", "role": "customer", "email_verified": True, "active": True}
        return facts | more | {"version": version}

    def _event(self, data: Json) -> bytes:
        row: dict[str, Any] = dict.fromkeys(("traceparent", "actor_id", "actor_role", "request_id"))
        named = {"event_id": new_id(), "type": "user.updated.v1", "subject": self.user_id, "version": 9, "data": data}
        return orjson.dumps(envelope("/services/auth", row | named | {"occurred_at": datetime.now(UTC)}))


def _properties() -> Basic.Properties:
    return Basic.Properties(message_id=str(new_id()), message_type="user.updated.v1", delivery_mode=2)
