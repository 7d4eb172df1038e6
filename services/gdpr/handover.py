"""Handing an export over."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.gdpr import bundles, policies, records, requests
from services.gdpr.settings import GdprSettings
from shared.settings import Settings

SOON, LATER, SOON_ENDS = 2, 30, 60  # seconds


def patience(request: Mapping[str, Any]) -> int:
    """Seconds until it is worth asking again: answers come at once, or when a service is up again."""
    waited = (datetime.now(UTC) - request["requested_at"]).total_seconds()
    return SOON if waited < SOON_ENDS else LATER


async def bundle(
    session: AsyncSession, settings: Settings, request: Mapping[str, Any], form: str, language: str
) -> tuple[bytes, dict[str, str]]:
    """What is downloaded, and the headers it goes with. Raises NotFound when it is gone."""
    assert isinstance(settings, GdprSettings)  # noqa: S101 - the class that SERVICE names
    parts = await requests.content(session, request, form)
    kept = records.days_kept(await policies.listed(session))
    made = await asyncio.to_thread(_made, settings, request, parts, kept, form, language)
    name = f"loctician-{request['finished_at']:%Y-%m-%d}.{form}"
    return made, {
        "Content-Type": f"application/{form}",
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Language": language,
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }


def _made(
    settings: GdprSettings,
    request: Mapping[str, Any],
    parts: Mapping[str, bytes],
    kept: Mapping[str, Mapping[str, int]],
    form: str,
    language: str,
) -> bytes:
    gathered = request["finished_at"]
    held = bundles.document(request["id"], request["subject_id"], gathered, parts)
    if form == "json":
        return bundles.as_json(held)
    controller = ", ".join(filter(None, (settings.controller_name, settings.controller_contact)))
    return bundles.as_zip(held, gathered, records.activities(kept, language), controller, language)
