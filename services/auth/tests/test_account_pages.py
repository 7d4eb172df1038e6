"""The pages that mails link to: their headers, texts and script."""

import asyncio
import base64
import hashlib
import json
import re
import subprocess
from functools import partial
from typing import Any

import httpx
import pytest

from shared.testing.node import node

PAGES = ("/account/verify-email", "/account/reset-password")
# The parts of a browser that the script uses.
BROWSER = """
const { script, hash, status, answer, ids, password } = JSON.parse(process.argv[1]);
const sent = [], replaced = [], handlers = {};
const elements = Object.fromEntries(ids.map((id) => [id, { id, hidden: true, dataset: { action: "/api" } }]));
if (elements.password) elements.password.value = password;
elements.form.addEventListener = (name, handler) => { handlers[name] = handler; };
globalThis.document = { getElementById: (id) => elements[id] || null };
globalThis.location = { hash, pathname: "/account/page", search: "?lang=en" };
globalThis.history = { replaceState: (_, __, to) => replaced.push(to) };
globalThis.fetch = async (to, options) => {
  sent.push([to, options.method, JSON.parse(options.body), options.credentials]);
  if (status === 0) throw new TypeError("network");
  return { ok: status < 300, json: async () => answer };
};
(0, eval)(script);
const begun = Object.values(elements).filter((element) => !element.hidden).map((element) => element.id);
const submit = begun.includes("form") ? handlers.submit({ preventDefault() {} }) : null;
Promise.resolve(submit).then(() => {
  const shown = Object.values(elements).filter((element) => !element.hidden).map((element) => element.id);
  console.log(JSON.stringify({ begun, shown, sent, replaced }));
});
"""


def part(html: str, tag: str) -> str:
    match = re.search(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
    assert match
    return match.group(1)


def allowed(policy: str, directive: str) -> str:
    return next(part.strip().partition(" ")[2] for part in policy.split(";") if part.strip().startswith(directive))


@pytest.mark.parametrize("path", PAGES)
class TestPage:
    async def test_allows_only_its_own_script_and_style(self, client: httpx.AsyncClient, path: str) -> None:
        answer = await client.get(path)
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        policy = answer.headers["content-security-policy"]
        for tag, directive in (("script", "script-src"), ("style", "style-src")):
            digest = hashlib.sha256(part(answer.text, tag).encode()).digest()
            assert allowed(policy, directive) == f"'sha256-{base64.b64encode(digest).decode()}'"
        assert policy.startswith("default-src 'none';")
        for closed in ("base-uri", "form-action", "frame-ancestors"):
            assert allowed(policy, closed) == "'none'"
        assert "unsafe" not in policy
        assert not re.search(r"""(?:src|href)=|\son\w+=|style=|http""", answer.text)

    async def test_is_not_cached_and_sends_no_referrer(self, client: httpx.AsyncClient, path: str) -> None:
        headers = (await client.get(path)).headers
        assert (headers["cache-control"], headers["referrer-policy"]) == ("no-store", "no-referrer")
        assert headers["x-content-type-options"] == "nosniff"
        assert "set-cookie" not in headers

    async def test_is_in_danish_and_english(self, client: httpx.AsyncClient, path: str) -> None:
        danish = await client.get(path)
        english = await client.get(path, headers={"Accept-Language": "en-GB"})
        assert '<html lang="da">' in danish.text
        assert '<html lang="en">' in english.text
        assert danish.text != english.text
        assert (await client.get(f"{path}?lang=en")).text == english.text

    async def test_repeats_nothing_of_the_request(self, client: httpx.AsyncClient, path: str) -> None:
        plain = (await client.get(path)).text
        headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Referer": "<script>"}
        assert (await client.get(f"{path}?token=<script>alert(1)</script>", headers=headers)).text == plain
        assert (await client.get(f"{path}?lang=<script>")).status_code == 422


class TestScript:
    async def run(
        self, client: httpx.AsyncClient, path: str, status: int = 204, answer: Any = None, fragment: str = "#token=abc"
    ) -> dict[str, Any]:
        html = (await client.get(path)).text
        arguments = {
            "script": part(html, "script"),
            "ids": re.findall(r'id="(\w+)"', html),
            "hash": fragment,
            "status": status,
            "answer": answer or {},
            "password": "et helt nyt kodeord",
        }
        command = [node(), "-e", BROWSER, json.dumps(arguments)]
        run = partial(subprocess.run, capture_output=True, text=True, timeout=60, check=True)
        result: dict[str, Any] = json.loads((await asyncio.to_thread(run, command)).stdout)
        return result

    async def test_sends_the_token_of_the_fragment_and_removes_it_from_the_history(
        self, client: httpx.AsyncClient
    ) -> None:
        done = await self.run(client, PAGES[0])
        assert done == {
            "begun": ["form"],
            "shown": ["done"],
            "sent": [["/api", "POST", {"token": "abc"}, "same-origin"]],
            "replaced": ["/account/page?lang=en"],
        }

    async def test_sends_the_new_password_with_it(self, client: httpx.AsyncClient) -> None:
        (sent,) = (await self.run(client, PAGES[1]))["sent"]
        assert sent[2] == {"token": "abc", "new_password": "et helt nyt kodeord"}

    async def test_shows_what_was_wrong(self, client: httpx.AsyncClient) -> None:
        common = {"code": "invalid_input", "errors": [{"code": "password_common"}]}
        assert (await self.run(client, PAGES[1], 422, common))["shown"] == ["form", "password_common"]
        short = await self.run(client, PAGES[1], 422, {"code": "password_too_short"})
        assert short["shown"] == ["form", "password_too_short"]
        assert (await self.run(client, PAGES[1], 422, {"code": "invalid_token"}))["shown"] == ["form", "invalid_token"]
        assert (await self.run(client, PAGES[0], 0))["shown"] == ["form", "other"]

    async def test_shows_no_form_without_a_token(self, client: httpx.AsyncClient) -> None:
        result = await self.run(client, PAGES[0], fragment="")
        assert (result["shown"], result["sent"]) == (["invalid_token"], [])
