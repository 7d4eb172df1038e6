from fastapi import FastAPI

from domain.roles import Role
from services.notifications import broadcasts, reminders, sender
from services.notifications.api import router
from services.notifications.consumers import subscriptions
from services.notifications.settings import NotificationsSettings
from shared.http.app import Service, Worker, create_app
from shared.settings import load

SERVICE = Service(
    name="notifications",
    settings=NotificationsSettings,
    roles=tuple(Role),
    routers=[router],
    subscriptions=subscriptions,
    together=1,  # each message counts up its recipients' inboxes, and staff are in most of them
    workers=[
        Worker("sender", sender.run),
        Worker("reminders", reminders.run),
        Worker("broadcasts", broadcasts.run),
    ],
)


def create() -> FastAPI:
    return create_app(SERVICE, load(NotificationsSettings))
