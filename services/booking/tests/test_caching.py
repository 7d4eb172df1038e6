"""What caches may keep of the catalog and the locticians, and for how long."""

from datetime import date, timedelta

import httpx
import pytest

from services.booking.tests.conftest import AMINA, JONAS, RETWIST, STYLING, SignIn, set_rules
from services.booking.tests.test_profiles import PROFILE

SHOWN_TO_ANYBODY = ["/services", "/services?q=retwist", f"/services/{RETWIST}", "/locticians", f"/locticians/{AMINA}"]


class TestWhatAnybodyMaySee:
    @pytest.mark.parametrize("path", SHOWN_TO_ANYBODY)
    async def test_is_kept_for_a_minute_and_unchanged_it_is_304(
        self, client: httpx.AsyncClient, salon: date, path: str
    ) -> None:
        first = await client.get(f"/api/v1{path}")
        assert first.headers["cache-control"] == "public, max-age=60"
        assert {"Accept-Language", "Authorization"} <= set(first.headers["vary"].split(", "))
        tag = first.headers["etag"]
        for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            again = await client.get(f"/api/v1{path}", headers={"If-None-Match": known})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
            assert again.headers["cache-control"] == "public, max-age=60"
        assert (await client.get(f"/api/v1{path}", headers={"If-None-Match": '"1"'})).status_code == 200

    @pytest.mark.parametrize("path", SHOWN_TO_ANYBODY)
    async def test_another_language_is_another_form(self, client: httpx.AsyncClient, salon: date, path: str) -> None:
        tags = {
            (await client.get(f"/api/v1{path}", headers={"Accept-Language": language})).headers["etag"]
            for language in ("da", "en")
        }
        assert len(tags) == 2

    async def test_a_changed_price_is_a_new_form_although_the_treatments_version_is_not(
        self, client: httpx.AsyncClient, sign_in: SignIn, salon: date
    ) -> None:
        before = await client.get(f"/api/v1/services/{RETWIST}")
        assert (await sign_in("staff").put(f"/locticians/{JONAS}", PROFILE, 1)).status_code == 200
        after = await client.get(f"/api/v1/services/{RETWIST}", headers={"If-None-Match": before.headers["etag"]})
        assert (after.status_code, after.json()["version"]) == (200, before.json()["version"])
        assert after.headers["etag"] != before.headers["etag"]

    async def test_its_tag_is_good_for_a_change(self, sign_in: SignIn, salon: date) -> None:
        staff = sign_in("staff")
        shown = await staff.get(f"/locticians/{JONAS}")
        tag = shown.headers["etag"]
        assert (await staff.send("PUT", f"/locticians/{JONAS}", PROFILE, If_Match=tag)).status_code == 200
        assert (await staff.send("PUT", f"/locticians/{JONAS}", PROFILE, If_Match=tag)).status_code == 412


class TestWhatSomebodyIsShown:
    @pytest.mark.parametrize("path", [*SHOWN_TO_ANYBODY, "/services?include_inactive=true"])
    @pytest.mark.parametrize("role", ["staff", "admin"])
    async def test_is_kept_by_no_shared_cache(self, sign_in: SignIn, salon: date, path: str, role: str) -> None:
        staff = sign_in(role)
        first = await staff.send("GET", path)
        assert first.headers["cache-control"] == "private, no-cache"
        again = await staff.send("GET", path, If_None_Match=first.headers["etag"])
        assert (again.status_code, again.headers["cache-control"]) == (304, "private, no-cache")

    async def test_the_instagram_account_is_in_no_public_answer(
        self, client: httpx.AsyncClient, sign_in: SignIn, salon: date
    ) -> None:
        own = sign_in("loctician", JONAS)
        assert (await own.put(f"/locticians/{JONAS}", PROFILE, 1)).status_code == 200
        path = f"/api/v1/locticians/{JONAS}"
        private = await client.get(path, headers=own.headers)
        assert PROFILE["instagram_user_id"] in private.text
        assert private.headers["cache-control"] == "private, no-cache"
        # The tag of the private form does not make the public one "unchanged".
        public = await client.get(path, headers={"If-None-Match": private.headers["etag"]})
        assert public.status_code == 200
        assert PROFILE["instagram_user_id"] not in public.text

    async def test_a_refusal_is_not_kept(self, client: httpx.AsyncClient, salon: date) -> None:
        refused = await client.get("/api/v1/services", params={"include_inactive": "true"})
        assert refused.status_code == 403
        assert "public" not in refused.headers.get("cache-control", "")


class TestFreeTimes:
    async def test_are_never_stored(self, client: httpx.AsyncClient, sign_in: SignIn, salon: date) -> None:
        await set_rules(sign_in, minimum_notice_minutes=0)
        period = {"from": salon.isoformat(), "to": (salon + timedelta(days=1)).isoformat()}
        for path in ("/api/v1/slots", "/api/v1/slots/days"):
            answer = await client.get(path, params={"service_id": str(STYLING), **period})
            assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
            assert "etag" not in answer.headers
