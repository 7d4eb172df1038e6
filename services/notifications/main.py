"""The service notifications: routers, subscriptions and workers."""

from fastapi import FastAPI

from domain import business_log
from domain.roles import Role
from services.notifications.broadcasts import endpoints as broadcast_endpoints
from services.notifications.broadcasts import service as broadcasts
from services.notifications.consumers import subscriptions
from services.notifications.deliveries import endpoints as delivery_endpoints
from services.notifications.deliveries import sender
from services.notifications.inbox import endpoints as inbox_endpoints
from services.notifications.preferences import endpoints as preference_endpoints
from services.notifications.reminders import service as reminders
from services.notifications.settings import NotificationsSettings
from services.notifications.unsubscribe import endpoints as unsubscribe_endpoints
from shared.http.app import Service, Worker, create_app
from shared.settings import load

SERVICE = Service(
    name="notifications",
    description="Mails, SMS, in-app notices and realtime messages: what is sent to whom, and its outcome.",
    settings=NotificationsSettings,
    roles=tuple(Role),
    routers=[
        inbox_endpoints.router,
        preference_endpoints.router,
        unsubscribe_endpoints.router,
        delivery_endpoints.router,
        broadcast_endpoints.router,
    ],
    subscriptions=subscriptions,
    batch_size=1,  # each event locks its recipients' inboxes, and staff are among most recipients
    workers=[
        Worker("sender", sender.run),
        Worker("reminders", reminders.run),
        Worker("broadcasts", broadcasts.run),
    ],
    on_published=business_log.write,
)


def create() -> FastAPI:
    return create_app(SERVICE, load(NotificationsSettings))
