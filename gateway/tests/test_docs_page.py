"""/docs: Swagger UI without a CDN and without an inline script, and what it does in a real browser."""

import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest

from gateway.tests.browser import needs_chromium, opened
from gateway.tests.conftest import Upstreams

OPERATION = "[...document.querySelectorAll('.opblock')].find(block => block.textContent.includes('/api/v1/slots'))"
STATUS = "document.querySelector('.live-responses-table tbody .response-col_status')?.textContent"


class Elements(HTMLParser):
    """The tags of a page with their attributes, and the text within each kind of tag."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags:
            tag = self.tags[-1][0]
            self.texts[tag] = self.texts.get(tag, "") + data.strip()


class TestPage:
    async def test_it_has_no_inline_script_or_style(self, client: httpx.AsyncClient) -> None:
        page = Elements((await client.get("/docs")).text)
        assert page.texts.get("script", "") == ""
        assert "style" not in {tag for tag, _ in page.tags}
        assert [name for _, attributes in page.tags for name in attributes if name == "style" or name[:2] == "on"] == []

    async def test_all_it_loads_comes_from_the_gateway(self, client: httpx.AsyncClient) -> None:
        page = Elements((await client.get("/docs")).text)
        addresses = [attributes.get("src") or attributes.get("href") for _, attributes in page.tags]
        paths = [address for address in addresses if address]
        assert len(paths) == 5
        assert all(path.startswith("/") and not path.startswith("//") for path in paths)
        assert {(await client.get(path)).status_code for path in paths} == {200}

    async def test_the_policy_allows_no_inline_code_and_no_other_origin(self, client: httpx.AsyncClient) -> None:
        policy = (await client.get("/docs")).headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; ")
        assert "unsafe" not in policy
        assert "http" not in policy
        assert "*" not in policy

    @pytest.mark.parametrize(
        ("name", "media_type"),
        [("swagger-ui-bundle.js", "text/javascript"), ("docs.js", "text/javascript"), ("swagger-ui.css", "text/css")],
    )
    async def test_files_are_cached_and_have_their_type(
        self, client: httpx.AsyncClient, name: str, media_type: str
    ) -> None:
        answer = await client.get(f"/docs/{name}")
        assert answer.headers["content-type"].startswith(media_type)
        assert answer.headers["cache-control"] == "max-age=3600"
        assert len(answer.content) < 1_024 or answer.headers["content-encoding"] == "gzip"

    async def test_no_other_file_of_the_package_is_served(self, client: httpx.AsyncClient) -> None:
        for name in ("core.py", "redoc.standalone.js", "..%2fcore.py", "docs.html"):
            assert (await client.get(f"/docs/{name}")).status_code in (400, 404)

    def test_its_files_are_read_without_importing_fastapi(self) -> None:
        code = "import sys; from gateway.operations.docs_page import files; files(); print('fastapi' in sys.modules)"
        result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
        assert result.stdout.strip() == "False"


@needs_chromium
class TestBrowser:
    async def test_the_page_lists_the_operations_and_sends_a_call(
        self, url: str, upstreams: Upstreams, tmp_path: Path
    ) -> None:
        upstreams.seen.clear()
        async with opened(urljoin(url, "/docs"), tmp_path) as page:
            await page.wait_for(f"!!{OPERATION}")
            await page.evaluate(f"{OPERATION}.querySelector('.opblock-summary-control').click()")
            for button in (".try-out__btn", ".execute"):
                await page.wait_for(f"!!document.querySelector('{button}')")
                await page.evaluate(f"document.querySelector('{button}').click()")
            assert (await page.wait_for(STATUS)).startswith("200")
            assert page.errors == []
            requested = [address for address in page.requested if not address.startswith("data:")]
        assert f"{url}/docs/docs.js" in requested
        assert [address for address in requested if not address.startswith(f"{url}/")] == []
        assert "/api/v1/slots" in upstreams.seen
