"""Staff find users however a name, an address or a number is typed."""

import unicodedata
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from domain.search.terms import search_terms
from services.auth import privacy
from services.auth.tests.conftest import AsOwner, Register
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS, Claims

FREJA, OLE, JOE = "freja@blåbær.dk", "ole_holm@example.com", "joe.moeller@example.com"
LARGE = 20_000


@pytest.fixture
async def salon(register: Register) -> None:
    await register(FREJA, full_name="Freja Ærø Nørgaard", phone="20 12 34 56")
    await register(OLE, full_name="Ole 50% André", phone="+49 171 1234567")
    await register(JOE, full_name="Joe Møller")


class TestSearch:
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            *((number, FREJA) for number in ("+45 20 12 34 56", "20123456", "0045 20123456", "(+45) 20-12-34-56")),
            *((number, FREJA) for number in ("4520123456", "2012", "20 12", "２０１２３４５６")),
            *((number, OLE) for number in ("0171 1234567", "+49 (0)171 1234567", "0049171", "171 12 34 567")),
            *(
                (name, FREJA)
                for name in ("NØRGAARD freja", "ærø", "Aero", "norgaard", "noergård", "ｆｒｅｊａ", "gaard f")
            ),
            *((address, FREJA) for address in ("BLÅBÆR.dk", "freja@xn--blbr-roah.dk", "@XN--BLBR-ROAH.DK.", "eja@bl")),
            *((text, OLE) for text in ("50%", "%", "ole_", "_", "andre", "ANDRÉ ole", "holm@")),
            *((text, JOE) for text in ("joe.moeller", "e.moel", "møller", "moller", "jo")),
            *((text, None) for text in ("2013", "freja ole", "\\", "f_eja", "' OR 1=1 --", "20123456 ole")),
        ],
    )
    async def test_finds_by_number_name_and_address(
        self, client: httpx.AsyncClient, admin: dict[str, str], salon: None, query: str, found: str | None
    ) -> None:
        for form in ("NFC", "NFD"):
            page = await client.get("/api/v1/users", params={"q": unicodedata.normalize(form, query)}, headers=admin)
            assert [item["email"] for item in page.json()["items"]] == ([found] if found else []), (form, query)

    async def test_a_changed_user_is_found_by_the_new_name_only(
        self, client: httpx.AsyncClient, admin: dict[str, str], salon: None
    ) -> None:
        (freja,) = (await client.get("/api/v1/users", params={"q": "freja"}, headers=admin)).json()["items"]
        headers = admin | {"If-Match": "*"}
        await client.patch(f"/api/v1/users/{freja['id']}", json={"phone": "30303030"}, headers=headers)
        for query, count in (("20123456", 0), ("30 30 30 30", 1)):
            page = await client.get("/api/v1/users", params={"q": query}, headers=admin)
            assert len(page.json()["items"]) == count

    async def test_an_erased_user_is_not_kept_in_the_search(
        self, client: httpx.AsyncClient, admin: dict[str, str], salon: None, database: Database, as_owner: AsOwner
    ) -> None:
        (freja,) = (await client.get("/api/v1/users", params={"q": "freja"}, headers=admin)).json()["items"]
        async with transaction(database, SERVICE_CLAIMS) as session:
            await privacy.erase(session, UUID(freja["id"]))
        assert await as_owner("SELECT 1 FROM auth.user_search WHERE user_id = :id", id=freja["id"]) == []

    async def test_pages_follow_each_other(self, client: httpx.AsyncClient, admin: dict[str, str], salon: None) -> None:
        seen, cursor = [], None
        while True:
            params = {"q": "e", "limit": "1"} | ({"cursor": cursor} if cursor else {})
            page = (await client.get("/api/v1/users", params=params, headers=admin)).json()
            seen += [item["email"] for item in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert seen == ["admin@example.com", FREJA, OLE, JOE]

    async def test_others_find_nobody_in_the_database(self, database: Database, salon: None) -> None:
        statement = text("SELECT * FROM auth.search_users('{freja}', NULL, NULL, 10)")
        for claims, count in ((Claims(role="customer"), 0), (Claims(role="anonymous"), 0), (SERVICE_CLAIMS, 1)):
            async with transaction(database, claims) as session:
                assert len((await session.execute(statement)).all()) == count

    async def test_many_users_are_searched_through_the_index(self, as_owner: AsOwner) -> None:
        await as_owner(
            f"""INSERT INTO auth.users (id, email, full_name, language, role)
                SELECT gen_random_uuid(), md5(n\\:\\:text) || '@example.com', 'Nogen ' || n, 'da', 'customer'
                FROM generate_series(1, {LARGE}) AS n"""
        )
        await as_owner("SELECT gin_clean_pending_list('auth.user_search_words')")  # as autovacuum does
        await as_owner("ANALYZE auth.user_search")
        plan = await as_owner(
            "EXPLAIN SELECT user_id FROM auth.user_search WHERE words LIKE '%nogen 777%' ORDER BY created_at LIMIT 50"
        )
        assert "user_search_words" in str(plan)


class TestTerms:
    @pytest.mark.parametrize(
        ("query", "terms"),
        [
            ("Freja +45 20 12 34 56", ["Freja", "4520123456"]),
            ("kunde2@loctician", ["kunde2@loctician"]),
            ("  ", []),
            ("x " * 40, ["x"] * 12),
        ],
    )
    def test_are_words_and_numbers(self, query: str, terms: list[str]) -> None:
        assert search_terms(query) == terms
