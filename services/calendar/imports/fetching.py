"""Fetches a calendar from an address: checked at every redirect, and limited in time and size."""

import asyncio
from dataclasses import dataclass

import httpx

from services.calendar.errors import AddressRefused, AddressUnreachable, CalendarTooLarge
from services.calendar.imports.address_check import AddressPolicy, parse_url
from services.calendar.imports.ics_parser import MAX_BYTES

SECONDS = 20.0  # for all redirects together
TIMEOUT = httpx.Timeout(5.0)  # seconds for each connection and each wait for bytes
MAX_REDIRECTS = 3
MAX_VALIDATOR_LENGTH = 500
HEADERS = {"Accept": "text/calendar, */*;q=0.5", "Accept-Encoding": "identity"}
# Outlook's servers answer only to what looks like a browser (nextcloud/server#54799), so the name stands within.
AGENT = "Mozilla/5.0 (X11; Linux x86_64; compatible; Loctician/{version}; +{url}) Chrome/139.0.0.0"
VERSION = "0.1.0"
DEFAULT_AGENT = AGENT.format(version=VERSION, url="https://loctician.example")


@dataclass(frozen=True)
class Fetched:
    """`content` is None if the calendar has not changed since the validators were given."""

    content: bytes | None
    etag: str | None = None
    last_modified: str | None = None


def agent_of(url: str) -> str:
    """Our name as a client. Operators of calendars find us at `url`."""
    return AGENT.format(version=VERSION, url=url.rstrip("/"))


async def fetch(
    url: str,
    policy: AddressPolicy,
    etag: str | None = None,
    last_modified: str | None = None,
    agent: str = DEFAULT_AGENT,
) -> Fetched:
    """Raises AddressRefused, AddressUnreachable or CalendarTooLarge."""
    validators = {"If-None-Match": etag, "If-Modified-Since": last_modified}
    headers = HEADERS | {"User-Agent": agent} | {name: value for name, value in validators.items() if value}
    try:
        async with (
            asyncio.timeout(SECONDS),
            httpx.AsyncClient(verify=policy.trusted, timeout=TIMEOUT, trust_env=False) as client,
        ):
            return await _follow(client, parse_url(url), headers, policy)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as error:
        raise AddressUnreachable from error


async def _follow(client: httpx.AsyncClient, url: httpx.URL, headers: dict[str, str], policy: AddressPolicy) -> Fetched:
    for _ in range(1 + MAX_REDIRECTS):
        request = _build_request(client, url, await policy.resolve_allowed(url), headers)
        response = await client.send(request, stream=True)
        try:
            if not response.has_redirect_location:
                return await _read(response)
            url = url.join(response.headers["location"])
        finally:
            await response.aclose()
    raise AddressRefused


def _build_request(client: httpx.AsyncClient, url: httpx.URL, address: str, headers: dict[str, str]) -> httpx.Request:
    """Connects to the IP address that was checked, because a second lookup could give another. The certificate is
    checked against the name."""
    host = url.raw_host.decode()
    return client.build_request(
        "GET",
        url.copy_with(host=address, fragment=None),
        headers=headers | {"Host": url.netloc.decode()},
        extensions={"sni_hostname": host},
    )


async def _read(response: httpx.Response) -> Fetched:
    if response.status_code == httpx.codes.NOT_MODIFIED:
        return Fetched(None)
    if response.status_code != httpx.codes.OK:
        raise AddressUnreachable(http_status=response.status_code)
    if response.headers.get("content-encoding", "identity") != "identity":
        raise AddressUnreachable
    content = bytearray()
    async for chunk in response.aiter_raw():
        content += chunk
        if len(content) > MAX_BYTES:
            raise CalendarTooLarge
    etag, last_modified = (response.headers.get(name, "") for name in ("etag", "last-modified"))
    return Fetched(bytes(content), etag[:MAX_VALIDATOR_LENGTH] or None, last_modified[:MAX_VALIDATOR_LENGTH] or None)
