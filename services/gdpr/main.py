"""The gdpr service: its endpoints, consumers and jobs."""

from fastapi import FastAPI

from domain import business_log
from domain.roles import Role
from services.gdpr.audit import endpoints as audit
from services.gdpr.audit import noted_ends
from services.gdpr.consents import endpoints as consents
from services.gdpr.consumers import subscriptions
from services.gdpr.data_subject_requests import endpoints as data_subject_requests
from services.gdpr.erasures import endpoints as erasures
from services.gdpr.exports import endpoints as exports
from services.gdpr.jobs import JOBS
from services.gdpr.processing_records import endpoints as processing_records
from services.gdpr.retention_policies import endpoints as retention_policies
from services.gdpr.settings import GdprSettings
from shared.http.app import Service, Worker, create_app
from shared.settings import load

ENDPOINTS = (audit, exports, erasures, data_subject_requests, consents, retention_policies, processing_records)
SERVICE = Service(
    name="gdpr",
    description="Rights of data subjects, consents, retention periods, the record of processing and the audit log.",
    settings=GdprSettings,
    roles=tuple(Role),
    routers=[module.router for module in ENDPOINTS],
    subscriptions=subscriptions,
    jobs=JOBS,
    workers=[Worker("audit_end", noted_ends.run)],
    on_published=business_log.write,
)


def create() -> FastAPI:
    return create_app(SERVICE, load(GdprSettings))
