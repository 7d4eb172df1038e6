from fastapi import FastAPI

from domain.roles import Role
from services.gdpr.audit import endpoints as audit
from services.gdpr.consents import endpoints as consents
from services.gdpr.consumers import subscriptions
from services.gdpr.data_subject_requests import endpoints as data_subject_requests
from services.gdpr.erasures import endpoints as erasures
from services.gdpr.exports import endpoints as exports
from services.gdpr.jobs import JOBS
from services.gdpr.processing_records import endpoints as processing_records
from services.gdpr.retention_policies import endpoints as retention_policies
from services.gdpr.settings import GdprSettings
from shared.http.app import Service, create_app
from shared.settings import load

SERVICE = Service(
    name="gdpr",
    settings=GdprSettings,
    roles=tuple(Role),
    routers=[
        module.router
        for module in (
            audit,
            data_subject_requests,
            exports,
            erasures,
            consents,
            retention_policies,
            processing_records,
        )
    ],
    subscriptions=subscriptions,
    jobs=JOBS,
)


def create() -> FastAPI:
    return create_app(SERVICE, load(GdprSettings))
