"""Consents as responses show them."""

from typing import Any

from sqlalchemy import Row

from services.gdpr.consents.texts import ConsentText


def consent(purpose: str, text: ConsentText, answer: Row[Any] | None, language: str) -> dict[str, Any]:
    """`answer` is the person's last one; None if the person was never asked."""
    return {
        "purpose": purpose,
        "text": text.text[language],
        "text_version": text.version,
        "granted": bool(answer and answer.granted),
        "answered_version": answer.text_version if answer else None,
        "answered_at": answer.at if answer else None,
    }
