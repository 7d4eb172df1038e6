"""The application factory: what every service has in common, so that its main.py only lists its own parts."""

import asyncio
import importlib
import importlib.util
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from types import ModuleType
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.telemetry import TelemetryConfig

from keys.tokens import TokenVerifier
from shared.classification import Policy
from shared.database.health import watch_database
from shared.database.session import Database
from shared.http import idempotency
from shared.http.middleware import MAX_BODY_BYTES, InputLimits, RequestContext
from shared.http.operations import operations
from shared.http.parameters import check_parameters
from shared.http.problems import install
from shared.http.shutdown import before_shutdown
from shared.identity.tokens import RemoteJwks
from shared.jobs import Job, run_jobs
from shared.messaging.broker import supervise
from shared.messaging.consumer import BATCH_SIZE, Consumer
from shared.messaging.relay import Relay, Row
from shared.messaging.subscriptions import Subscriptions
from shared.observability import tracing
from shared.observability.health import Health
from shared.observability.log import configure
from shared.openapi import document
from shared.privacy import data_subject_requests, retention
from shared.privacy.erasure_worker import PART as ERASURE
from shared.privacy.erasure_worker import ErasureWorker
from shared.settings import Settings, broker_url

# FastAPI's own telemetry would send the messages of errors, which may hold personal data.
NO_TELEMETRY = TelemetryConfig(tracing=False, metrics=False, logs=False, auto_configure=False)


@dataclass(frozen=True)
class Worker:
    """A coroutine that runs for ever, and is restarted with backoff if it fails. Runs in the roles all and worker."""

    name: str
    run: Callable[["Runtime"], Awaitable[None]]


@dataclass(frozen=True)
class Service:
    name: str
    settings: type[Settings]
    roles: Sequence[str]  # that a caller may have
    description: str = ""  # what the service is for, in its OpenAPI document
    routers: Sequence[APIRouter] = ()
    subscriptions: Subscriptions | None = None
    jobs: Sequence[Job] = ()
    workers: Sequence[Worker] = ()
    setup: Callable[[FastAPI], None] | None = None
    max_body_bytes: int = MAX_BODY_BYTES
    on_published: Callable[[str, Row], None] = lambda service, row: None  # for each event that the relay has published
    batch_size: int = BATCH_SIZE  # messages in one transaction; 1 if handlers lock rows that many messages share

    def module(self, name: str) -> ModuleType | None:
        """The module of this name in the service's package; None if there is none."""
        full = f"{self.settings.__module__.rpartition('.')[0]}.{name}"
        return importlib.import_module(full) if importlib.util.find_spec(full) else None

    @property
    def policies(self) -> Sequence[Policy]:
        own: Sequence[Policy] = getattr(self.module("retention"), "POLICIES", ())
        keys = [idempotency.POLICY] if hasattr(self.module("models"), "idempotency_keys") else []
        return (*retention.COMMON, *keys, *own)

    @property
    def all_jobs(self) -> Sequence[Job]:
        return (*self.jobs, retention.job(self.name, self.policies))


@dataclass
class Runtime:
    service: Service
    settings: Settings
    database: Database
    health: Health = field(default_factory=Health)

    def __post_init__(self) -> None:
        service = self.service
        self.health.service, self.health.environment = service.name, self.settings.environment
        privacy = service.module("privacy")
        self.amqp_url = broker_url(self.settings, service.name)
        self.erasure_worker = ErasureWorker(self.database, service.name, self.amqp_url, self.health, privacy)
        self.subscriptions = subscriptions_of(service, self.erasure_worker.wake)


def subscriptions_of(service: Service, on_erasure: Callable[[], None] = lambda: None) -> Subscriptions:
    """The service's own subscriptions, and those of every service: data subject requests and retention."""
    own = service.subscriptions or Subscriptions()
    privacy: Any = service.module("privacy")
    if not hasattr(privacy, "erase"):  # a service without tables of its own
        return own
    requests = data_subject_requests.subscriptions(service.name, privacy, on_erasure)
    return requests.merged(retention.subscriptions(service.name, service.policies), own)


async def _runtime(request: Request) -> Runtime:
    return cast(Runtime, request.app.state.runtime)


RuntimeDep = Annotated[Runtime, Depends(_runtime)]


def create_app(service: Service, settings: Settings) -> FastAPI:
    configure(service.name, settings.log_level, settings.environment)
    tracing.configure(service.name, settings)
    title = f"Loctician {service.name}"
    strict = [Depends(check_parameters)]
    app = FastAPI(
        title=title, docs_url=None, redoc_url=None, telemetry=NO_TELEMETRY, lifespan=_lifespan, dependencies=strict
    )
    app.state.runtime = Runtime(service, settings, Database.from_settings(settings, service.name))
    keys = RemoteJwks(settings.keys_url)
    app.state.verifier = TokenVerifier(keys, settings.public_url, settings.jwt_audience, service.roles)
    install(app)
    app.add_middleware(InputLimits, max_bytes=service.max_body_bytes)
    app.add_middleware(RequestContext, service=service.name, health=app.state.runtime.health)
    app.include_router(operations(settings))
    for router in service.routers:
        app.include_router(router)
    if service.setup:
        service.setup(app)
    document.describe(app, service.name, service.description or title, service.roles)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    runtime: Runtime = app.state.runtime
    tasks = [asyncio.create_task(work, name=name) for name, work in _background(runtime).items()]
    try:
        with before_shutdown(partial(_drain, runtime)):
            yield
    finally:
        runtime.health.draining = True
        async with AsyncExitStack() as stack:
            stack.push_async_callback(tracing.close)
            stack.push_async_callback(runtime.database.close)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _drain(runtime: Runtime) -> None:
    """Reports that the process is draining, and serves calls until the load balancers have noticed."""
    runtime.health.draining = True
    await asyncio.sleep(runtime.settings.seconds_to_drain)


def _background(runtime: Runtime) -> dict[str, Any]:
    """The coroutines that run beside the requests, by task name; which, depends on the process's role."""
    service, settings, database, health = runtime.service, runtime.settings, runtime.database, runtime.health
    health.expect("database")
    work: dict[str, Any] = {"notifier": database.notifier.run(), "database": watch_database(database, health)}
    if settings.role == "api":
        return work

    def supervised(name: str, run: Callable[[], Awaitable[None]]) -> None:
        health.expect(name)
        work[name] = supervise(name, run, health)

    relay = Relay(database, service.name, runtime.amqp_url, health, on_published=service.on_published)
    supervised("relay", relay.run)
    if runtime.subscriptions.types:
        subscriptions, size = runtime.subscriptions, service.batch_size
        consumer = Consumer(database, subscriptions, service.name, runtime.amqp_url, health, batch_size=size)
        supervised("consumer", consumer.run)
        supervised(ERASURE, runtime.erasure_worker.run)
    for worker in service.workers:
        supervised(worker.name, partial(_work, worker, runtime))
    work["jobs"] = run_jobs(database, service.all_jobs)
    return work


async def _work(worker: Worker, runtime: Runtime) -> None:
    runtime.health.up(worker.name)
    await worker.run(runtime)
