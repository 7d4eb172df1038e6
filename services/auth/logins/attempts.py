"""The keys under which failed logins are counted."""

from dataclasses import dataclass

from services.auth.encryption import Encryption
from services.auth.logins.client import Client


@dataclass(frozen=True)
class Attempt:
    """Failures are counted by account, by address and by both together.

    The keys are HMACs, so that the table of attempts holds neither accounts nor addresses.
    """

    account: bytes
    address: bytes
    pair: bytes

    @classmethod
    def create(cls, encryption: Encryption, account: str, client: Client) -> "Attempt":
        network = client.network
        return cls(
            account=encryption.mac("account", account),
            address=encryption.mac("address", network),
            pair=encryption.mac("pair", f"{account}\n{network}"),
        )
