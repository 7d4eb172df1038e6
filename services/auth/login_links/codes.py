"""The code in a mail with a link that signs in: for the browser that asked, when the mail is read elsewhere."""

from keys.derived import Keys

PURPOSE = "login code"
DIGITS = 6
MOST_TRIES = 5


def code_of(keys: Keys, token_hash: bytes) -> str:
    """Derived from the token's hash with a key that the database does not have, so that no row holds it."""
    return f"{int.from_bytes(keys.sign(PURPOSE, token_hash)) % 10**DIGITS:0{DIGITS}}"
