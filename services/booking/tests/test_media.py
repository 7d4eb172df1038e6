"""Pictures: what is stored of them, who keeps them, where they are shown, and files that attack."""

import io
import struct
import zlib
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from PIL import Image, ImageDraw
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.booking import privacy
from services.booking.media import sandbox
from services.booking.media.errors import PictureTooLarge
from services.booking.tests.conftest import AMINA, JONAS, RETWIST, SignIn, code
from shared.database.session import Database, transaction
from shared.identity.principals import SERVICE_CLAIMS
from shared.testing.types import Outbox

SECRET = b"55.6761N"
MIB = 1_048_576


def picture(format_: str = "JPEG", size: tuple[int, int] = (2000, 1000), mode: str = "RGB", **options: Any) -> bytes:
    image = Image.new(mode, size, "white")
    ImageDraw.Draw(image).rectangle((0, 0, size[0] // 2, size[1]), fill="red")
    file = io.BytesIO()
    image.save(file, format_, **options)
    return file.getvalue()


def with_position() -> bytes:
    """A JPEG that says where it was taken, and that it is to be turned."""
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    exif[0x010E] = SECRET.decode()
    exif.get_ifd(0x8825)[2] = (55.0, 40.0, 34.0)
    return picture(exif=exif, comment=SECRET)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few kilobytes that says it is so large."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(1_000_000)))
        + chunk(b"IEND", b"")
    )


async def send(
    client: httpx.AsyncClient, headers: dict[str, str], content: bytes, media_type: str = "image/jpeg", **query: str
) -> httpx.Response:
    params = query or {"kind": "salon"}
    headers = headers | {"Content-Type": media_type}
    return await client.post("/api/v1/media", params=params, content=content, headers=headers)


@pytest.fixture
def staff_headers(sign_in: SignIn) -> dict[str, str]:
    return sign_in("staff").headers


async def stored(owner: AsyncEngine) -> int:
    async with owner.connect() as connection:
        return int((await connection.execute(text("SELECT count(*) FROM booking.media"))).scalar_one())


class TestStoring:
    @pytest.mark.parametrize(
        ("format_", "mode"),
        [("JPEG", "RGB"), ("JPEG", "L"), ("JPEG", "CMYK"), ("PNG", "P"), ("PNG", "RGBA"), ("WEBP", "RGB")],
    )
    async def test_a_picture_becomes_webp_in_three_sizes(
        self, client: httpx.AsyncClient, staff_headers: dict[str, str], salon: date, outbox: Outbox,
        format_: str, mode: str,
    ) -> None:  # fmt: skip
        sent = picture(format_, mode=mode)
        answer = await send(client, staff_headers, sent, f"image/{format_.lower()}")
        assert answer.status_code == 201, answer.text
        body = answer.json()
        assert (body["width"], body["height"], answer.headers["location"]) == (1600, 800, body["large"])
        sides = []
        for size in ("small", "medium", "large"):
            file = await client.get(body[size])
            assert file.headers["content-type"] == "image/webp"
            image = Image.open(io.BytesIO(file.content))
            assert image.format == "WEBP"
            sides.append(image.size)
        assert sides == [(320, 160), (800, 400), (1600, 800)]
        assert [event["type"] for event in await outbox()] == ["media.added.v1"]

    async def test_a_small_one_is_not_enlarged(
        self, client: httpx.AsyncClient, staff_headers: dict[str, str], salon: date
    ) -> None:
        body = (await send(client, staff_headers, picture(size=(400, 200)))).json()
        assert (body["width"], body["height"]) == (400, 200)

    async def test_files_are_kept_for_a_year_and_unchanged_they_are_304(
        self, client: httpx.AsyncClient, sign_in: SignIn, staff_headers: dict[str, str], salon: date
    ) -> None:
        body = (await send(client, staff_headers, picture())).json()
        for headers in ({}, sign_in().headers):
            file = await client.get(body["small"], headers=headers)
            assert file.headers["cache-control"] == "public, max-age=31536000, immutable"
            again = await client.get(body["small"], headers=headers | {"If-None-Match": file.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")
        other = await client.get(body["large"], headers={"If-None-Match": file.headers["etag"]})
        assert other.status_code == 200
        assert (await client.get(f"/api/v1/media/{uuid4()}/small")).status_code == 404

    async def test_sent_twice_with_a_key_it_is_stored_once(
        self, client: httpx.AsyncClient, staff_headers: dict[str, str], salon: date, owner: AsyncEngine
    ) -> None:
        headers = staff_headers | {"Idempotency-Key": "picture-1"}
        first, again = [await send(client, headers, picture()) for _ in range(2)]
        assert first.json() == again.json()
        assert await stored(owner) == 1
        assert code(await send(client, headers, picture(size=(10, 10)))) == (422, "idempotency_key_reused")


class TestAttacks:
    async def test_where_it_was_taken_is_not_kept_and_it_is_upright(
        self, client: httpx.AsyncClient, staff_headers: dict[str, str], salon: date
    ) -> None:
        sent = with_position()
        assert SECRET in sent
        body = (await send(client, staff_headers, sent)).json()
        assert (body["width"], body["height"]) == (800, 1600)
        for size in ("small", "medium", "large"):
            content = (await client.get(body[size])).content
            assert SECRET not in content
            image = Image.open(io.BytesIO(content))
            assert (len(image.getexif()), image.info.get("xmp"), image.info.get("comment")) == (0, None, None)

    async def test_what_stands_behind_the_picture_is_not_kept(
        self, client: httpx.AsyncClient, staff_headers: dict[str, str], salon: date
    ) -> None:
        script = b"<script>alert(1)</script>"
        for sent, media_type in (
            (picture() + script + b"PK\x03\x04", "image/jpeg"),
            (picture(comment=script), "image/jpeg"),
            (picture("PNG") + script, "image/png"),
        ):
            body = (await send(client, staff_headers, sent, media_type)).json()
            for size in ("small", "medium", "large"):
                file = await client.get(body[size])
                assert script not in file.content
                assert file.headers["content-type"] == "image/webp"

    @pytest.mark.parametrize(
        ("content", "media_type"),
        [
            (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "image/png"),
            (b"<!doctype html><script>alert(1)</script>", "image/jpeg"),
            (b"", "image/jpeg"),
            (b"GIF89a" + bytes(100), "image/png"),
            (picture()[:-2000], "image/jpeg"),
            (picture("PNG")[:200], "image/png"),
            (picture("PNG"), "image/jpeg"),
            (picture(), "image/webp"),
            (picture("TIFF"), "image/jpeg"),
            (b"%!PS-Adobe-3.0 EPSF-3.0\n" + picture(), "image/jpeg"),
        ],
    )
    async def test_what_is_no_such_picture_is_refused(
        self, client: httpx.AsyncClient, staff_headers: dict[str, str], salon: date, owner: AsyncEngine,
        content: bytes, media_type: str,
    ) -> None:  # fmt: skip
        assert code(await send(client, staff_headers, content, media_type)) == (422, "not_a_picture")
        assert await stored(owner) == 0

    @pytest.mark.parametrize("size", [(30_000, 30_000), (12_001, 10), (8_000, 6_000), (2**31 - 1, 2**31 - 1)])
    async def test_a_bomb_is_refused_before_it_is_decoded(
        self, client: httpx.AsyncClient, staff_headers: dict[str, str], salon: date, size: tuple[int, int]
    ) -> None:
        answer = await send(client, staff_headers, bomb(*size), "image/png")
        assert code(answer) == (422, "picture_too_large")
        assert (answer.json()["megapixels"], answer.json()["side"]) == (40, 12_000)

    async def test_a_picture_of_the_most_pixels_is_decoded_within_the_limits(
        self, client: httpx.AsyncClient, staff_headers: dict[str, str], salon: date
    ) -> None:
        sent = picture("PNG", (8_000, 5_000), compress_level=1)
        assert (await send(client, staff_headers, sent, "image/png")).status_code == 201

    async def test_the_processor_time_of_the_decoder_is_limited(self) -> None:
        with pytest.raises(PictureTooLarge):
            await sandbox.sizes_of(picture("PNG", (8_000, 5_000), compress_level=1), "PNG", cpu_seconds=0)

    @pytest.mark.parametrize("media_type", ["image/svg+xml", "image/gif", "application/json", "text/html", ""])
    async def test_another_content_type_is_415(
        self, client: httpx.AsyncClient, staff_headers: dict[str, str], salon: date, media_type: str
    ) -> None:
        answer = await send(client, staff_headers, picture(), media_type)
        assert code(answer) == (415, "unsupported_media_type")
        assert answer.headers["accept"] == "image/jpeg, image/png, image/webp"

    async def test_more_than_8_mib_is_413(
        self, client: httpx.AsyncClient, staff_headers: dict[str, str], salon: date
    ) -> None:
        answer = await send(client, staff_headers, picture() + bytes(8 * MIB))
        assert (code(answer), answer.json()["limit"]) == ((413, "too_large"), 8 * MIB)
        padded = picture()
        assert (await send(client, staff_headers, padded + bytes(8 * MIB - len(padded)))).status_code == 201


class TestOwners:
    async def test_locticians_keep_their_own_and_nothing_else(
        self, client: httpx.AsyncClient, sign_in: SignIn, salon: date
    ) -> None:
        amina = sign_in("loctician", AMINA).headers
        own = await send(client, amina, picture(), kind="portfolio", loctician_id=str(AMINA))
        assert own.status_code == 201
        assert code(await send(client, amina, picture(), kind="profile", loctician_id=str(JONAS))) == (
            403, "not_your_profile",
        )  # fmt: skip
        for query in ({"kind": "salon"}, {"kind": "logo"}, {"kind": "treatment", "service_id": str(RETWIST)}):
            assert code(await send(client, amina, picture(), **query)) == (403, "forbidden")
        path = f"/api/v1/media/{own.json()['id']}"
        assert code(await client.delete(path, headers=sign_in("loctician", JONAS).headers)) == (403, "not_your_profile")
        assert (await client.delete(path, headers=amina)).status_code == 204
        assert (await client.get(own.json()["large"])).status_code == 404
        assert (await client.delete(path, headers=amina)).status_code == 404

    async def test_customers_and_nobody_add_none(self, client: httpx.AsyncClient, sign_in: SignIn, salon: date) -> None:
        assert code(await send(client, sign_in().headers, picture())) == (403, "forbidden")
        assert (await send(client, {}, picture())).status_code == 401

    @pytest.mark.parametrize(
        "query",
        [
            {"kind": "profile"}, {"kind": "treatment"}, {"kind": "salon", "loctician_id": str(AMINA)},
            {"kind": "profile", "loctician_id": str(UUID(int=99))}, {"kind": "treatment", "service_id": str(AMINA)},
            {"kind": "profile", "loctician_id": str(AMINA), "service_id": str(RETWIST)},
        ],
    )  # fmt: skip
    async def test_a_picture_needs_its_owner(
        self, client: httpx.AsyncClient, staff_headers: dict[str, str], salon: date, query: dict[str, str]
    ) -> None:
        assert code(await send(client, staff_headers, picture(size=(9, 9)), **query)) == (422, "wrong_owner")

    async def test_they_are_shown_with_what_they_are_of(
        self, client: httpx.AsyncClient, staff_headers: dict[str, str], salon: date, outbox: Outbox
    ) -> None:
        small = picture(size=(9, 9))
        of_amina = {"loctician_id": str(AMINA)}
        ids = {}
        for name, query in {
            "old logo": {"kind": "logo"}, "logo": {"kind": "logo"}, "salon": {"kind": "salon"},
            "profile": {"kind": "profile"} | of_amina, "work": {"kind": "portfolio"} | of_amina,
            "treatment": {"kind": "treatment", "service_id": str(RETWIST)},
        }.items():  # fmt: skip
            ids[name] = (await send(client, staff_headers, small, **query)).json()["id"]
        shown = (await client.get("/api/v1/salon")).json()
        assert (shown["logo"]["id"], [item["id"] for item in shown["pictures"]]) == (ids["logo"], [ids["salon"]])
        amina = (await client.get(f"/api/v1/locticians/{AMINA}")).json()
        assert (amina["picture"]["id"], [item["id"] for item in amina["pictures"]]) == (ids["profile"], [ids["work"]])
        treatment = (await client.get(f"/api/v1/services/{RETWIST}")).json()
        assert [item["id"] for item in treatment["pictures"]] == [ids["treatment"]]
        assert (await client.get(treatment["pictures"][0]["small"])).status_code == 200
        assert (await client.get(f"/api/v1/media/{ids['old logo']}/small")).status_code == 404
        assert [event["type"] for event in await outbox()].count("media.removed.v1") == 1

    async def test_there_is_a_limit(
        self, client: httpx.AsyncClient, staff_headers: dict[str, str], salon: date
    ) -> None:
        query = {"kind": "treatment", "service_id": str(RETWIST)}
        answers = [await send(client, staff_headers, picture(size=(9, 9)), **query) for _ in range(7)]
        assert [answer.status_code for answer in answers] == [201] * 6 + [409]
        assert (answers[6].json()["code"], answers[6].json()["limit"]) == ("too_many_pictures", 6)

    async def test_they_are_exported_and_erased_with_their_person(
        self, client: httpx.AsyncClient, staff_headers: dict[str, str], database: Database, salon: date,
        owner: AsyncEngine,
    ) -> None:  # fmt: skip
        for person in (AMINA, JONAS):
            await send(client, staff_headers, picture(size=(9, 9)), kind="profile", loctician_id=str(person))
        async with transaction(database, SERVICE_CLAIMS) as session:
            exported = (await privacy.export(session, AMINA))["pictures"]
            assert (await client.get(exported[0]["file"])).status_code == 200
            assert len(exported) == 1
            assert (await privacy.erase(session, AMINA))["pictures"] == 1
        assert (await client.get(exported[0]["file"])).status_code == 404
        assert await stored(owner) == 1
