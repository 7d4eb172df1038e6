"""HTTP models of the record of processing activities."""

from pydantic import Field

from shared.http.schemas import Schema


class Controller(Schema):
    name: str = Field(examples=["Loctician ApS"])
    contact: str = Field(examples=["privacy@loctician.example"])


class Activity(Schema):
    """`personal` and `pseudonymous` are the names of columns."""

    service: str = Field(examples=["booking"])
    table: str = Field(examples=["bookings"])
    purpose: str = Field(examples=["bookkeeping"])
    purpose_text: str = Field(examples=["Bogføring (bogføringsloven § 12)"])
    legal_basis: str = Field(examples=["6(1)(c)"])
    keep: str = Field(examples=["five_years"])
    keep_text: str = Field(examples=["5 år"])
    personal: list[str] = Field(examples=[["notes"]])
    pseudonymous: list[str] = Field(examples=[["customer_id"]])


class ProcessingRecord(Schema):
    controller: Controller
    people: str = Field(examples=["Kunder og medarbejdere."])
    recipients: str = Field(examples=["Ingen uden for salonen."])
    measures: str = Field(examples=["Kryptering, adgangskontrol, hændelseslog."])
    activities: list[Activity]
