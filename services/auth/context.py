"""What the use cases of auth work with. Built once a process and kept in `app.state.auth`."""

from dataclasses import dataclass

from keys.derived import Keys
from services.auth.encryption import Encryption
from services.auth.passwords.hashing import PasswordHashing
from services.auth.sessions.access_tokens import TokenIssuer
from services.auth.settings import AuthSettings
from services.auth.signing_keys.key_ring import KeyRing
from shared.database.session import Database
from shared.identity.derived_keys import keys_from


@dataclass
class AuthContext:
    settings: AuthSettings
    database: Database
    signing_keys: KeyRing
    passwords: PasswordHashing
    encryption: Encryption
    keys: Keys
    tokens: TokenIssuer

    @classmethod
    def create(cls, settings: AuthSettings, database: Database) -> "AuthContext":
        signing_keys = KeyRing(settings, database)
        return cls(
            settings=settings,
            database=database,
            signing_keys=signing_keys,
            passwords=PasswordHashing(settings),
            encryption=Encryption(settings),
            keys=keys_from(settings, "auth"),
            tokens=TokenIssuer(settings, signing_keys),
        )
