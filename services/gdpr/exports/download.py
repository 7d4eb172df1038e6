"""Handing an export over."""

import asyncio
from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.gdpr.exports import archive, service
from services.gdpr.processing_records import service as records
from services.gdpr.retention_policies import service as policies
from services.gdpr.settings import GdprSettings
from shared.settings import Settings


async def bundle(
    session: AsyncSession, settings: Settings, request: Mapping[str, Any], form: str, language: str
) -> tuple[bytes, dict[str, str]]:
    """What is downloaded, and the headers it goes with. Raises NotFound when it is gone."""
    assert isinstance(settings, GdprSettings)  # noqa: S101 - the class that SERVICE names
    parts = await service.content(session, request, form)
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
    held = archive.document(request["id"], request["subject_id"], gathered, parts)
    if form == "json":
        return archive.as_json(held)
    controller = ", ".join(filter(None, (settings.controller_name, settings.controller_contact)))
    return archive.as_zip(held, gathered, records.activities(kept, language), controller, language)
