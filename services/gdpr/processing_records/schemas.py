from shared.http.schemas import Schema


class Controller(Schema):
    name: str
    contact: str


class Activity(Schema):
    service: str
    table: str
    purpose: str
    purpose_text: str
    legal_basis: str
    keep: str
    keep_text: str
    personal: list[str]
    pseudonymous: list[str]


class ProcessingRecord(Schema):
    controller: Controller
    people: str
    recipients: str
    measures: str
    activities: list[Activity]
