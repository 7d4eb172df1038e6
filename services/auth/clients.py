"""Who is at the other end of a login, as far as can be told: an address and a user agent."""

import ipaddress
from dataclasses import dataclass

from services.auth.sealing import Seal

MOST_AGENT = 300


@dataclass(frozen=True)
class Client:
    host: str
    agent: str

    @property
    def network(self) -> str:
        """What one attacker has for free: an IPv4 address, or the /64 of an IPv6 one."""
        try:
            address = ipaddress.ip_address(self.host.partition("%")[0])
        except ValueError:
            return self.host
        if isinstance(address, ipaddress.IPv4Address):
            return str(address)
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))

    def fingerprint(self, seal: Seal) -> bytes:
        return seal.mac("client", f"{self.host}\n{self.agent}")


@dataclass(frozen=True)
class Attempt:
    """The keys under which failures are counted: by account, by address, and by both together."""

    account: bytes
    address: bytes
    pair: bytes

    @classmethod
    def of(cls, seal: Seal, account: str, client: Client) -> "Attempt":
        network = client.network
        return cls(
            seal.mac("account", account), seal.mac("address", network), seal.mac("pair", f"{account}\n{network}")
        )


@dataclass(frozen=True)
class Proof:
    """A second factor as given: the time step whose code it is, or the hash of a recovery code."""

    step: int | None = None
    recovery: bytes | None = None
