"""Builds the response of an export download: the content and its headers."""

import asyncio
from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.gdpr.exports import archive, service
from services.gdpr.processing_records.service import days_kept, list_activities
from services.gdpr.retention_policies.service import list_policies
from services.gdpr.settings import GdprSettings
from shared.settings import Settings


async def build_download(
    session: AsyncSession, settings: Settings, request: Mapping[str, Any], file_format: str, language: str
) -> tuple[bytes, dict[str, str]]:
    """`file_format` is json or zip. Raises NotFound if the data has expired."""
    assert isinstance(settings, GdprSettings)  # noqa: S101 - SERVICE names this class
    parts = await service.read_parts(session, request, file_format)
    periods = days_kept(await list_policies(session))
    content = await asyncio.to_thread(_render, settings, request, parts, periods, file_format, language)
    name = f"loctician-{request['finished_at']:%Y-%m-%d}.{file_format}"
    return content, {
        "Content-Type": f"application/{file_format}",
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Language": language,
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }


def _render(
    settings: GdprSettings,
    request: Mapping[str, Any],
    parts: Mapping[str, bytes],
    periods: Mapping[str, Mapping[str, int]],
    file_format: str,
    language: str,
) -> bytes:
    gathered = request["finished_at"]
    document = archive.document(request["id"], request["subject_id"], gathered, parts)
    if file_format == "json":
        return archive.to_json(document)
    controller = ", ".join(filter(None, (settings.controller_name, settings.controller_contact)))
    return archive.to_zip(document, gathered, list_activities(periods, language), controller, language)
