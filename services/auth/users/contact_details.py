"""Addresses that can be mailed."""

from domain.email_addresses import needs_smtputf8
from services.auth.errors import UnmailableAddress
from services.auth.settings import AuthSettings


def require_mailable(settings: AuthSettings, email: str) -> None:
    """Raises UnmailableAddress for an address that the salon's mail server cannot send to."""
    if needs_smtputf8(email) and not settings.mail_utf8:
        raise UnmailableAddress
