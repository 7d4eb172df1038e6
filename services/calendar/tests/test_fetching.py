"""Fetching imported calendars: redirects, limits, attacks and certificates."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from services.calendar.errors import AddressRefused, AddressUnreachable, CalendarTooLarge
from services.calendar.imports import fetching
from services.calendar.imports.address_check import AddressPolicy
from services.calendar.imports.fetching import Fetched, fetch
from services.calendar.imports.ics_parser import MAX_BYTES
from services.calendar.tests.servers import LOCAL, Web, answer, moved, web

CALENDAR = b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"


@pytest.fixture
async def site() -> AsyncIterator[Web]:
    async with web() as server:
        yield server


class TestFetching:
    async def test_a_fetch_gives_content_and_validators(self, site: Web) -> None:
        site.replies["/a.ics"] = answer(CALENDAR, ETag='"1"', Last_Modified="Mon, 02 Mar 2026 10:00:00 GMT")
        fetched = await fetch(site.url("/a.ics"), LOCAL)
        assert fetched == Fetched(CALENDAR, '"1"', "Mon, 02 Mar 2026 10:00:00 GMT")
        assert f"host: calendar.example:{site.port}\r\n" in site.requests[0].lower()

    async def test_validators_are_sent_with_the_next_fetch(self, site: Web) -> None:
        site.replies["/a.ics"] = answer(status="304 Not Modified")
        assert await fetch(site.url("/a.ics"), LOCAL, '"1"', "Mon, 02 Mar 2026 10:00:00 GMT") == Fetched(None)
        assert 'if-none-match: "1"' in site.requests[0].lower()
        assert "if-modified-since: mon, 02 mar 2026 10:00:00 gmt" in site.requests[0].lower()

    async def test_three_redirects_are_followed_and_a_fourth_is_not(self, site: Web) -> None:
        site.replies |= {f"/{n}": moved(f"/{n + 1}") for n in range(4)} | {"/4": answer(CALENDAR)}
        assert (await fetch(site.url("/1"), LOCAL)).content == CALENDAR
        with pytest.raises(AddressRefused):
            await fetch(site.url("/0"), LOCAL)

    @pytest.mark.parametrize(
        "reply",
        [
            answer(status="404 Not Found"),
            answer(status="500 Internal Server Error"),
            answer(CALENDAR, Content_Encoding="gzip"),
            b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
            b"SSH-2.0-OpenSSH\r\n",
            b"",
        ],
        ids=["missing", "broken", "packed", "cut short", "another protocol", "nothing"],
    )
    async def test_a_response_without_a_calendar_is_unreachable(self, reply: bytes, site: Web) -> None:
        site.replies["/"] = reply
        with pytest.raises(AddressUnreachable):
            await fetch(site.url(), LOCAL)

    async def test_a_refused_connection_is_unreachable(self) -> None:
        async with web() as gone:
            url = gone.url()
        with pytest.raises(AddressUnreachable):
            await fetch(url, LOCAL)

    async def test_a_server_that_never_answers_is_given_up(self, site: Web, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(fetching, "SECONDS", 0.5)
        site.stalls = True
        with pytest.raises(AddressUnreachable):
            await fetch(site.url(), LOCAL)

    async def test_a_response_that_never_ends_is_cut_off(self, site: Web) -> None:
        site.replies["/"] = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"X" * (MAX_BYTES + 1)
        with pytest.raises(CalendarTooLarge):
            await fetch(site.url(), LOCAL)


class TestAttacks:
    @pytest.mark.parametrize(
        "inner",
        ["http://127.0.0.1:{port}/secret", "http://[::1]:{port}/secret", "http://[::ffff:127.0.0.1]:{port}/secret",
         "http://localhost:{port}/secret", "http://169.254.169.254/secret", "file:///etc/passwd"],
    )  # fmt: skip
    async def test_a_redirect_to_an_internal_address_reaches_nothing(self, inner: str, site: Web) -> None:
        """The tests' server has a public name; the real rules hold for everything else."""
        inner = inner.format(port=site.port)
        site.replies |= {"/": moved(inner), "/secret": answer(CALENDAR)}
        public = {"calendar.example": ["127.0.0.1"]}
        allowed = iter([False])

        async def resolve(host: str, port: int) -> list[str]:
            return public.get(host) or await AddressPolicy().resolve(host, port)

        policy = AddressPolicy(
            plain_http=True,
            resolve=resolve,
            is_forbidden=lambda address: next(allowed, True) and AddressPolicy().is_forbidden(address),
        )
        with pytest.raises(AddressRefused):
            await fetch(site.url("/"), policy)
        assert len(site.requests) == 1

    async def test_the_name_is_resolved_only_once(self, site: Web) -> None:
        """DNS rebinding: the connection goes to the address that was checked."""
        site.replies["/"] = answer(CALENDAR)
        answers = iter([["127.0.0.1"], ["169.254.169.254"]])

        async def rebinding(host: str, port: int) -> list[str]:
            return next(answers)

        assert (await fetch(site.url(), replace(LOCAL, resolve=rebinding))).content == CALENDAR
        assert next(answers) == ["169.254.169.254"]

    async def test_the_connection_goes_to_the_checked_address(self, site: Web) -> None:
        site.replies["/"] = answer(CALENDAR)
        url = site.url(host="no-such-name.invalid")
        assert (await fetch(url, LOCAL)).content == CALENDAR

    async def test_a_proxy_in_the_environment_is_not_used(self, site: Web, monkeypatch: pytest.MonkeyPatch) -> None:
        async with web() as proxy:
            for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
                monkeypatch.setenv(name, proxy.url(host="127.0.0.1"))
            site.replies["/"] = answer(CALENDAR)
            await fetch(site.url(), LOCAL)
            assert proxy.requests == []

    async def test_a_slow_resolver_is_given_up(self, site: Web, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("services.calendar.imports.address_check.RESOLVE_SECONDS", 0.1)

        async def never(host: str, port: int) -> list[str]:
            await asyncio.Event().wait()
            return []

        with pytest.raises(AddressRefused):
            await fetch(site.url(), replace(LOCAL, resolve=never))


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """TLS contexts of a server with this name, and of a client that trusts its certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    issued = (
        x509.CertificateBuilder(subject, subject, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{name}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(issued.public_bytes(serialization.Encoding.PEM) + private)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return server, ssl.create_default_context(cafile=str(file))


class TestCertificates:
    async def test_a_certificate_for_the_name_is_trusted_although_the_connection_goes_to_an_ip_address(
        self, tmp_path: Path
    ) -> None:
        server, trusting = certificate(tmp_path, "calendar.example")
        async with web(server) as site:
            site.replies["/"] = answer(CALENDAR)
            policy = replace(LOCAL, plain_http=False, trusted=trusting)
            assert (await fetch(site.url(scheme="https"), policy)).content == CALENDAR

    async def test_a_redirect_may_not_leave_https(self, tmp_path: Path, site: Web) -> None:
        server, trusting = certificate(tmp_path, "calendar.example")
        async with web(server) as secure:
            secure.replies["/"] = moved(site.url("/a.ics"))
            with pytest.raises(AddressRefused):
                await fetch(secure.url(scheme="https"), replace(LOCAL, plain_http=False, trusted=trusting))
        assert (len(secure.requests), site.requests) == (1, [])

    async def test_a_certificate_for_another_name_is_not_trusted(self, tmp_path: Path) -> None:
        server, trusting = certificate(tmp_path, "other.example")
        async with web(server) as site:
            with pytest.raises(AddressUnreachable):
                await fetch(site.url(scheme="https"), replace(LOCAL, trusted=trusting))
            assert site.requests == []

    async def test_a_certificate_of_an_unknown_authority_is_not_trusted(self, tmp_path: Path) -> None:
        server, _ = certificate(tmp_path, "calendar.example")
        async with web(server) as site:
            with pytest.raises(AddressUnreachable):
                await fetch(site.url(scheme="https"), LOCAL)
            assert site.requests == []
