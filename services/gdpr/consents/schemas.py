"""HTTP models of consents."""

from typing import ClassVar

from pydantic import Field

from domain.replacements import Replacement
from services.gdpr.consents.texts import TEXTS
from services.gdpr.schemas import Code, LocalInstant
from shared.http.schemas import Flag, Input, Schema

PURPOSES = sorted(TEXTS)


class Consent(Schema):
    """`granted` is what is valid now; `answered_version` is the version of the text that the person answered."""

    purpose: str = Field(examples=["marketing"], json_schema_extra={"enum": [*PURPOSES]})
    text: str = Field(examples=["Ja tak til nyheder og tilbud fra salonen."])
    text_version: int
    granted: bool
    answered_version: int | None
    answered_at: LocalInstant | None


class Consents(Schema):
    items: list[Consent]


class ConsentAnswer(Replacement):
    answer: ClassVar = "Consent"

    purpose: Code = Field(examples=["marketing"])
    granted: Flag
    text_version: int = Field(ge=1, le=1_000_000)


class ConsentAnswers(Input):
    items: list[ConsentAnswer] = Field(min_length=1, max_length=20)
