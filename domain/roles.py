"""Roles of people. A person has exactly one."""

from enum import StrEnum


class Role(StrEnum):
    CUSTOMER = "customer"
    LOCTICIAN = "loctician"
    STAFF = "staff"
    ADMIN = "admin"


# What events and the audit log say of who acted: a person's role, or what acts without a person.
ACTOR_ROLES = (*(str(role) for role in Role), "anonymous", "service")
