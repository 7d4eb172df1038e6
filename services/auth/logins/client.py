"""The client that a login comes from: its address and user agent."""

import ipaddress
from dataclasses import dataclass

from services.auth.encryption import Encryption

MAX_USER_AGENT_LENGTH = 300


@dataclass(frozen=True)
class Client:
    address: str
    user_agent: str

    @property
    def network(self) -> str:
        """The addresses that one attacker can use freely: an IPv4 address, or the /64 network of an IPv6 address."""
        try:
            address = ipaddress.ip_address(self.address.partition("%")[0])
        except ValueError:
            return self.address
        if isinstance(address, ipaddress.IPv4Address):
            return str(address)
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))

    def fingerprint(self, encryption: Encryption) -> bytes:
        return encryption.mac("client", f"{self.address}\n{self.user_agent}")
