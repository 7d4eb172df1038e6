"""Addresses that must not be fetched are refused before anything is sent."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpx
import pytest

from services.calendar.errors import AddressRefused
from services.calendar.imports.address_check import AddressPolicy, parse_url
from services.calendar.imports.special_addresses import is_forbidden

FORBIDDEN = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",  # noqa: S104
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "168.63.129.16",
    "192.88.99.1",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "fe80::1",
    "fe80::1%1",
    "fec0::1",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "2001:db8::1",
    "2001::1",
    "2002:7f00:1::",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    # tunnels
    "2002:101:101::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "::1.1.1.1",
    "::ffff:0:1.1.1.1",
    "64:ff9b::c000:9",
    "::ffff:192.0.0.9",
    "2a00:1450::5efe:10.0.0.1",
    "2a00:1450::200:5efe:169.254.169.254",
    # not allocated to hosts
    "4000::1",
    "8000::1",
    "fe00::1",
    "200::1",
    "1::1",
]
# The registries as IANA publishes them, updated 2025-10-09, and what stands in each network besides its first address.
REGISTRIES = [
    "0.0.0.0/8", "0.0.0.0/32", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
    "192.0.0.0/24", "192.0.0.0/29", "192.0.0.8/32", "192.0.0.9/32", "192.0.0.10/32", "192.0.0.170/32", "192.0.0.171/32",
    "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.88.99.2/32", "192.168.0.0/16",
    "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4", "255.255.255.255/32",
    "::1/128", "::/128", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64", "2001::/23", "2001::/32", "2001:1::1/128",
    "2001:1::2/128", "2001:1::3/128", "2001:2::/48", "2001:3::/32", "2001:4:112::/48", "2001:10::/28", "2001:20::/28",
    "2001:30::/28", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20", "5f00::/16", "fc00::/7",
    "fe80::/10",
]  # fmt: skip
PUBLIC = [
    "1.1.1.1",
    "93.184.215.14",
    "2606:4700:4700::1111",
    "::ffff:1.1.1.1",
    "64:ff9b::101:101",
    "2a00:1450::5efe:1.1.1.1",
]


class TestAddresses:
    @pytest.mark.parametrize("address", FORBIDDEN)
    def test_internal_addresses_are_forbidden(self, address: str) -> None:
        assert is_forbidden(ip_address(address))

    @pytest.mark.parametrize("text", REGISTRIES)
    def test_no_special_purpose_address_is_allowed(self, text: str) -> None:
        """Also those that some versions of Python call global, and those that IPv6 wraps."""
        network = ip_network(text)
        for address in (network[0], network[-1], network[network.num_addresses // 2]):
            assert is_forbidden(address)
            if isinstance(address, IPv4Address):
                assert is_forbidden(ip_address(f"::ffff:{address}"))
                assert is_forbidden(IPv6Address(int(IPv6Address("64:ff9b::")) + int(address)))

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

    @pytest.mark.parametrize("address", [*FORBIDDEN, *(str(ip_network(network)[0]) for network in REGISTRIES)])
    async def test_a_name_with_a_forbidden_address_is_refused(self, address: str) -> None:
        async def forbidden(host: str, port: int) -> list[str]:
            return [address]

        with pytest.raises(AddressRefused):
            await AddressPolicy(resolve=forbidden).resolve_allowed(httpx.URL("https://calendar.example/"))

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
