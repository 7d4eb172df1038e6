"""Addresses that must not be fetched are refused before anything is sent."""

from ipaddress import ip_address

import httpx
import pytest

from services.calendar.errors import AddressRefused
from services.calendar.imports.address_check import AddressPolicy, is_forbidden, parse_url

FORBIDDEN = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0",  # noqa: S104
    "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "168.63.129.16", "192.88.99.1",
    "::", "::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "fe80::1", "fe80::1%1", "fec0::1",
    "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "2001::1",
    "2002:7f00:1::", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "93.184.215.14", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]


class TestAddresses:
    @pytest.mark.parametrize("address", FORBIDDEN)
    def test_internal_addresses_are_forbidden(self, address: str) -> None:
        assert is_forbidden(ip_address(address))

    @pytest.mark.parametrize("address", PUBLIC)
    def test_public_addresses_are_allowed(self, address: str) -> None:
        assert not is_forbidden(ip_address(address))

    @pytest.mark.parametrize(
        "url",
        [
            "https://127.0.0.1/a.ics",
            "https://[::1]/a.ics",
            "https://[::ffff:127.0.0.1]/a.ics",
            "https://169.254.169.254/latest/meta-data/",
            "https://localhost/a.ics",
            "https://2130706433/a.ics",
            "https://0x7f.1/a.ics",
            "https://127.1/a.ics",
            "https://0/a.ics",
            "https://①②⑦.⓪.⓪.①/a.ics",
            "https://127.0.0.1./a.ics",
        ],
    )
    async def test_internal_addresses_are_refused_however_they_are_written(self, url: str) -> None:
        """With the system's own resolver."""
        with pytest.raises(AddressRefused):
            await AddressPolicy().resolve_allowed(parse_url(url))

    @pytest.mark.parametrize(
        "url",
        [
            "http://calendar.example/a.ics",
            "file:///etc/passwd",
            "ftp://calendar.example/a.ics",
            "gopher://calendar.example/a.ics",
            "//calendar.example/a.ics",
            "calendar.example/a.ics",
            "https:///a.ics",
            "https://",
            "https://user:password@calendar.example/a.ics",
            "https://calendar.example:22/a.ics",
            "https://calendar.example:99999/a.ics",
            "https://calendar.example/a\r\nHost: evil",
            "https://calendar.example/" + "a" * 2000,
        ],
    )
    async def test_urls_without_https_or_with_an_unusual_port_are_refused(self, url: str) -> None:
        async def anywhere(host: str, port: int) -> list[str]:
            return ["1.1.1.1"]

        with pytest.raises(AddressRefused):
            await AddressPolicy(resolve=anywhere).resolve_allowed(parse_url(url))

    async def test_a_name_with_one_forbidden_address_among_several_is_refused(self) -> None:
        async def mixed(host: str, port: int) -> list[str]:
            return ["1.1.1.1", "10.0.0.1"]

        with pytest.raises(AddressRefused):
            await AddressPolicy(resolve=mixed).resolve_allowed(httpx.URL("https://calendar.example/"))

    @pytest.mark.parametrize("answer", [[], ["not an address"]])
    async def test_a_name_without_an_address_is_refused(self, answer: list[str]) -> None:
        async def nowhere(host: str, port: int) -> list[str]:
            return answer

        with pytest.raises(AddressRefused):
            await AddressPolicy(resolve=nowhere).resolve_allowed(httpx.URL("https://calendar.example/"))

    async def test_http_is_allowed_in_development_only(self) -> None:
        async def anywhere(host: str, port: int) -> list[str]:
            return ["1.1.1.1"]

        assert (
            await AddressPolicy(plain_http=True, resolve=anywhere).resolve_allowed(
                parse_url("http://calendar.example/a")
            )
            == "1.1.1.1"
        )

    def test_webcal_is_read_as_https(self) -> None:
        assert str(parse_url(" webcal://calendar.example/a.ics ")) == "https://calendar.example/a.ics"
