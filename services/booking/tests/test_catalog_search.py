"""Search of the catalog: stems, spellings, typos, synonyms, order, pages, highlights."""

from collections.abc import Awaitable, Callable
from html.parser import HTMLParser
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, text

from services.booking import demo
from services.booking.catalog.service import MAX_WORDS, words_of
from services.booking.models import treatments
from services.booking.tests.conftest import add_treatment
from services.booking.tests.test_input import is_problem
from shared.database.session import Database, transaction
from shared.http.pagination import encode_cursor
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.types import Headers

COLOUR, CHANGE, FOREIGN = UUID(int=0x10), UUID(int=0x11), UUID(int=0x12)
Find = Callable[..., Awaitable[list[dict[str, Any]]]]
FIRST = {
    "farvning": "Farve og toning",
    "farver": "Farve og toning",
    "farve": "Farve og toning",
    "krochet": "Reparation med hæklenål",
    "crocet": "Reparation med hæklenål",
    "haeklenaal": "Reparation med hæklenål",
    "opstramninger": "Retwist",
    "opstramme": "Retwist",
    "retvist": "Retwist",
    "opstamning": "Retwist",
    "forlængelser": "Forlængelse af locs",
    "forlangelse": "Forlængelse af locs",
    "hovedbund": "Vask og hovedbundspleje",
    "loc detox": "Loc-detox",
    "styl": "Opsætning og styling",
}


@pytest.fixture
async def catalog(database: Database) -> None:
    """The demo catalog and three more, one of them written without æ, ø and å."""
    async with transaction(database, SERVICE_CLAIMS) as session:
        await demo.load(session)
    colour = {"da": ("Farve og toning", "Skånsom farve til locs."), "en": ("Colour and toning", "Gentle colour.")}
    change = {"da": ("Ændring af længde", "Klipning efter ønske."), "en": ("Change of length", "A cut to your wish.")}
    foreign = {"da": ("Aendring af form", "Til boernehaar."), "en": ("Reshape", "For children's hair.")}
    await add_treatment(database, COLOUR, colour, "colour")
    await add_treatment(database, CHANGE, change, "styling")
    await add_treatment(database, FOREIGN, foreign, "styling")


@pytest.fixture
def find(client: httpx.AsyncClient, catalog: None) -> Find:
    async def search(q: str, **params: str) -> list[dict[str, Any]]:
        answer = await client.get("/api/v1/services", params={"q": q, **params})
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    return search


def names(items: list[dict[str, Any]]) -> list[str]:
    return [item["name"] for item in items]


class TestMatches:
    async def test_the_best_match_comes_first(self, find: Find) -> None:
        assert {typed: names(await find(typed))[0] for typed in FIRST} == FIRST

    async def test_queries_with_and_without_danish_letters_match_the_same(self, find: Find) -> None:
        for typed in ("ændring", "aendring", "ÆNDRING", "ændre", "a\u0308ndring"):
            assert set(names(await find(typed))[:2]) == {"Ændring af længde", "Aendring af form"}, typed

    async def test_every_word_for_locs_matches(self, find: Find) -> None:
        for typed in ("loks", "locs", "dreads", "dreadlocks", "dredlocks", "LOCS"):
            assert {"Starter locs", "Forlængelse af locs", "Loc-detox"} <= set(names(await find(typed))), typed

    async def test_synonyms_match(self, find: Find) -> None:
        for typed in ("retwist", "opstramning", "vedligehold", "vedligeholdelse", "maintenance"):
            assert "Retwist" in names(await find(typed)), typed

    async def test_texts_without_danish_letters_match_queries_with_them(self, find: Find) -> None:
        assert "Aendring af form" in names(await find("børnehår"))

    async def test_parts_of_compounds_match(self, find: Find) -> None:
        assert "Vask og hovedbundspleje" in names(await find("pleje"))

    async def test_every_word_but_stop_words_must_match(self, find: Find) -> None:
        assert names(await find("vask og massage")) == ["Vask og hovedbundspleje"]
        assert await find("massage farve") == []

    async def test_queries_match_texts_in_the_other_language(self, find: Find) -> None:
        assert names(await find("swimming"))[0] == "Interlocking"
        assert names(await find("svømning", lang="en"))[0] == "Interlocking"
        assert names(await find("colours", lang="en"))[0] == "Colour and toning"

    async def test_searches_within_a_category(self, find: Find) -> None:
        assert names(await find("locs", category="starter")) == ["Starter locs"]
        assert await find("locs", category="consultation") == []

    async def test_unknown_words_match_nothing(self, find: Find) -> None:
        for typed in ("%", "xylofonkoncert", "og", "translations", "!!!", "💈", "qqq"):
            assert await find(typed) == [], typed

    async def test_an_empty_query_lists_all_by_name(self, find: Find) -> None:
        assert len(await find("  ")) == 11

    async def test_inactive_treatments_are_shown_to_staff_only(
        self, client: httpx.AsyncClient, database: Database, find: Find, auth_headers: Headers
    ) -> None:
        async with transaction(database, SERVICE_CLAIMS) as session:
            statement = text("UPDATE booking.treatments SET active = false WHERE id = :id")
            await session.execute(statement, {"id": COLOUR})
        assert "Farve og toning" not in names(await find("farve"))
        params = {"q": "farve", "include_inactive": "true"}
        answer = await client.get("/api/v1/services", params=params, headers=auth_headers("staff"))
        assert names(answer.json()["items"])[0] == "Farve og toning"
        for role in ("customer", "loctician"):
            answer = await client.get("/api/v1/services", params=params, headers=auth_headers(role))
            assert is_problem(answer, 403)
        assert is_problem(await client.get("/api/v1/services", params=params), 403)


class TestOrder:
    async def test_names_come_before_categories_and_descriptions(
        self, client: httpx.AsyncClient, database: Database
    ) -> None:
        await add_treatment(database, UUID(int=3), {"da": ("Kur", "Med reparation."), "en": ("A", "a")}, "care")
        await add_treatment(database, UUID(int=2), {"da": ("Kur", "Uden."), "en": ("B", "b")}, "repair")
        await add_treatment(database, UUID(int=1), {"da": ("Reparation", "Uden."), "en": ("C", "c")}, "care")
        items = (await client.get("/api/v1/services", params={"q": "reparation"})).json()["items"]
        assert [UUID(item["id"]).int for item in items] == [1, 2, 3]

    async def test_exact_words_come_before_synonyms(self, find: Find) -> None:
        items = names(await find("retwist"))
        assert items[0] == "Retwist"
        assert "Interlocking" in items

    async def test_pages_contain_each_treatment_once(self, client: httpx.AsyncClient, catalog: None) -> None:
        whole = (await client.get("/api/v1/services", params={"q": "locs"})).json()
        assert len(whole["items"]) >= 5
        seen: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while True:
            params = {"q": "locs", "limit": "2", **cursor}
            page = (await client.get("/api/v1/services", params=params)).json()
            seen += page["items"]
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}
        assert names(seen) == names(whole["items"])

    async def test_a_cursor_of_another_kind_is_refused(self, client: httpx.AsyncClient, catalog: None) -> None:
        numbers = [encode_cursor(rank, str(COLOUR)) for rank in (2**40, -1, "Farve", None)]
        for cursor in [*numbers, encode_cursor(1, "x"), encode_cursor(None, None), "%%%"]:
            assert is_problem(await client.get("/api/v1/services", params={"q": "locs", "cursor": cursor}), 422)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag if not attrs else f"{tag} with attributes")


def tags(markup: str) -> set[str]:
    parser = Tags()
    parser.feed(markup)
    return set(parser.tags)


ATTACKS = [
    "<script>alert(1)</script> locs",
    "locs <img src=x onerror=alert(1)>",
    '"><svg/onload=alert(1)> locs',
    "<mark onmouseover=alert(1)>locs</mark>",
    "locs <b",
    "&lt;script&gt; locs &amp; <iframe>",
    "\ue000<i>\ue001 locs \ue000",
    "lo<b>cs locs</b>",
    "javascript:alert(1)// locs",
]


class TestHighlights:
    async def test_mark_the_matches_in_name_and_description(self, find: Find) -> None:
        [treatment] = [item for item in await find("farvning") if item["id"] == str(COLOUR)]
        assert treatment["highlight"]["name"].startswith("<mark>Farve</mark> og ")
        assert "<mark>farve</mark>" in treatment["highlight"]["description"]

    async def test_mark_synonyms_and_typos(self, find: Find) -> None:
        assert "<mark>hæklenål</mark>" in (await find("krochet"))[0]["highlight"]["name"]
        assert (await find("aendring", lang="da"))[0]["highlight"]["name"].startswith("<mark>")

    async def test_are_missing_without_a_search(self, client: httpx.AsyncClient, catalog: None) -> None:
        assert "highlight" not in (await client.get("/api/v1/services")).json()["items"][0]

    async def test_escape_html_in_texts(self, client: httpx.AsyncClient, database: Database) -> None:
        for place, attack in enumerate(ATTACKS):
            await add_treatment(database, UUID(int=place), {"da": (attack, attack), "en": ("Locs", attack)})
        for q in ("locs", *ATTACKS):
            items = (await client.get("/api/v1/services", params={"q": q})).json()["items"]
            assert q != "locs" or len(items) == len(ATTACKS)
            for marked in (item["highlight"] for item in items):
                assert tags(marked["name"]) | tags(marked["description"]) <= {"mark"}
                assert marked["name"].count("<mark>") == marked["name"].count("</mark>")

    @settings(
        max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
    )
    @given(markup=st.text(alphabet="<>&\"'/=locs \ue000\ue001`ab;#x", min_size=1, max_size=60))
    async def test_contain_no_other_markup_for_any_text(
        self, client: httpx.AsyncClient, database: Database, markup: str
    ) -> None:
        async with transaction(database, SERVICE_CLAIMS) as session:
            await session.execute(text("UPDATE booking.treatments SET active = false"))
            translations = {language: {"name": f"locs {markup}", "description": markup} for language in ("da", "en")}
            row = {"translations": translations, "category": "care", "duration_minutes": 60, "price_amount": 1}
            await session.execute(insert(treatments).values(row | {"id": text("gen_random_uuid()")}))
        items = (await client.get("/api/v1/services", params={"q": "locs"})).json()["items"]
        assert len(items) == 1
        for marked in items[0]["highlight"].values():
            assert tags(marked) <= {"mark"}
            assert set(marked.replace("<mark>", "").replace("</mark>", "")).isdisjoint("<>\"'")


INJECTIONS = [
    "'; DROP TABLE booking.treatments; --",
    "' OR '1'='1",
    "\\' OR 1=1 --",
    "a' || pg_sleep(5) || '",
    "!&|():*<->",
    "foo:*A & !bar",
    "'''':*",
    "$1 %s %(x)s {0} :id",
    "\\",
    "½ ŉ ² ǆ İ ſ ß",
    "1/2 -5 3.14e10 0x1F",
    "http://example.com/a?b=c user@example.com",
    "الشعر 髪 волосы שיער",
    "a" * 100,
    "a b c d e f g h i j k l m n o p",
    "\u202eevil\u200b\ufeff",
    "🧑🏾‍🦱 locs",
]


class TestUnusualInput:
    async def test_is_searched_as_text(self, find: Find) -> None:
        for typed in INJECTIONS:
            assert len(await find(typed)) <= 11
        assert len(await find("")) == 11

    async def test_beyond_the_limits_is_refused(self, client: httpx.AsyncClient, catalog: None) -> None:
        for params in ({"q": "x" * 101}, {"lang": "de"}, {"q": "a\x00b"}, {"limit": "0", "q": "x"}):
            assert is_problem(await client.get("/api/v1/services", params=params), 422)

    @settings(
        max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
    )
    @given(
        typed=st.one_of(
            st.text(st.characters(exclude_categories=["Cs"]), max_size=100),
            st.text(alphabet="'\\\":*&|!()<->%_$;ŉæøåÆØÅ aeo0", max_size=60),
        ),
        lang=st.sampled_from(["da", "en"]),
        category=st.sampled_from([None, "care", "' OR true"]),
    )
    async def test_never_breaks_the_search(
        self, client: httpx.AsyncClient, catalog: None, typed: str, lang: str, category: str | None
    ) -> None:
        params = {"q": typed, "lang": lang} | ({"category": category} if category else {})
        answer = await client.get("/api/v1/services", params=params)
        assert answer.status_code == (422 if "\x00" in typed else 200), (typed, answer.text)

    @given(st.text(max_size=400))
    def test_words_are_limited_and_contain_letters_and_digits_only(self, typed: str) -> None:
        words = words_of(typed)
        assert len(words) <= MAX_WORDS
        assert all(word.isalnum() and len(word) <= 40 for word in words)


class TestPerformance:
    async def test_a_large_catalog_is_searched_by_indexes(self, client: httpx.AsyncClient, database: Database) -> None:
        async with transaction(database, SERVICE_CLAIMS) as session:
            await session.execute(text(MANY))
        items = (await client.get("/api/v1/services", params={"q": "afgiftning"})).json()["items"]
        assert len(items) == 1
        plan = "EXPLAIN SELECT id FROM booking.treatments WHERE search_da @@ booking.stem_query('afgiftning')"
        async with transaction(database, SERVICE_CLAIMS) as session:
            await session.execute(text("SET LOCAL enable_seqscan = off"))
            rows = (await session.execute(text(plan))).scalars().all()
        assert any("treatments_by_danish" in row for row in rows)


MANY = r"""
    INSERT INTO booking.treatments (id, translations, category, duration_minutes, price_amount)
    SELECT gen_random_uuid(), jsonb_build_object(
        'da', jsonb_build_object('name'\:\:text, 'Vask nr. ' || n, 'description'\:\:text,
            CASE n WHEN 777 THEN 'Afgiftning' ELSE 'Pleje' END),
        'en', jsonb_build_object('name'\:\:text, 'Wash no. ' || n, 'description'\:\:text, 'Care')), 'care', 60, 1
    FROM generate_series(1, 800) n
"""
