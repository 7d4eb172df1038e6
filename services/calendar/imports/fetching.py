"""Fetching a calendar from an address that somebody gave: checked at every hop, and bounded in time and size."""

import asyncio
from dataclasses import dataclass

import httpx

from services.calendar.errors import AddressRefused, AddressUnreachable, CalendarTooLarge
from services.calendar.imports.address_check import Guard, parsed
from services.calendar.imports.ics_parser import MOST_BYTES

SECONDS = 20.0  # for all hops together
TIMEOUT = httpx.Timeout(5.0)  # for each connection and each wait for bytes
MOST_REDIRECTS = 3
LONGEST_VALIDATOR = 500
HEADERS = {"Accept": "text/calendar", "Accept-Encoding": "identity", "User-Agent": "Loctician calendar import"}


@dataclass(frozen=True)
class Fetched:
    """No content: it has not changed since the validators were given."""

    content: bytes | None
    etag: str | None = None
    last_modified: str | None = None


async def fetch(url: str, guard: Guard, etag: str | None = None, last_modified: str | None = None) -> Fetched:
    """Raises AddressRefused, AddressUnreachable or CalendarTooLarge."""
    validators = {"If-None-Match": etag, "If-Modified-Since": last_modified}
    headers = HEADERS | {name: value for name, value in validators.items() if value}
    try:
        async with (
            asyncio.timeout(SECONDS),
            httpx.AsyncClient(verify=guard.trusted, timeout=TIMEOUT, trust_env=False) as client,
        ):
            return await _follow(client, parsed(url), headers, guard)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as error:
        raise AddressUnreachable from error


async def _follow(client: httpx.AsyncClient, url: httpx.URL, headers: dict[str, str], guard: Guard) -> Fetched:
    for _ in range(1 + MOST_REDIRECTS):
        request = _pinned(client, url, await guard.checked(url), headers)
        response = await client.send(request, stream=True)
        try:
            if not response.has_redirect_location:
                return await _fetched(response)
            url = url.join(response.headers["location"])
        finally:
            await response.aclose()
    raise AddressRefused


def _pinned(client: httpx.AsyncClient, url: httpx.URL, address: str, headers: dict[str, str]) -> httpx.Request:
    """To the very address that was checked: a second look-up could be answered otherwise. The certificate is still
    checked against the name."""
    host = url.raw_host.decode()
    return client.build_request(
        "GET",
        url.copy_with(host=address, fragment=None),
        headers=headers | {"Host": url.netloc.decode()},
        extensions={"sni_hostname": host},
    )


async def _fetched(response: httpx.Response) -> Fetched:
    if response.status_code == httpx.codes.NOT_MODIFIED:
        return Fetched(None)
    if response.status_code != httpx.codes.OK or response.headers.get("content-encoding", "identity") != "identity":
        raise AddressUnreachable
    content = bytearray()
    async for chunk in response.aiter_raw():
        content += chunk
        if len(content) > MOST_BYTES:
            raise CalendarTooLarge
    etag, last_modified = (response.headers.get(name, "") for name in ("etag", "last-modified"))
    return Fetched(bytes(content), etag[:LONGEST_VALIDATOR] or None, last_modified[:LONGEST_VALIDATOR] or None)
