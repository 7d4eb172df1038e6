"""Settings of the gdpr service."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from pydantic import Field, SecretStr

from domain.settings.production import DeployableSettings, not_https
from shared.settings import Refusal


class GdprSettings(DeployableSettings):
    service: ClassVar[str] = "gdpr"
    refusals: ClassVar[Mapping[str, Refusal]] = {**DeployableSettings.refusals, "audit_anchor_url": not_https}

    controller_name: str = ""  # the controller (GDPR Art. 4(7)), named in the Art. 30 record and in exports
    controller_contact: str = ""
    audit_anchor_file: Path | None = Field(default=None, description="Where the end of the audit log is noted")
    audit_anchor_url: str | None = Field(default=None, pattern="^https?://", description="The same by POST and GET")
    audit_anchor_token: SecretStr | None = Field(default=None, description="Bearer token for AUDIT_ANCHOR_URL")
