"""Roles of people. A person has exactly one."""

from enum import StrEnum


class Role(StrEnum):
    CUSTOMER = "customer"
    LOCTICIAN = "loctician"
    STAFF = "staff"
    ADMIN = "admin"
