"""Whom a booking, a hold or a wish is for, and in whose chair."""

from uuid import UUID

from domain.roles import Role
from services.booking.dependencies import SALON
from services.booking.errors import CustomerRequired, NotForOthers
from shared.identity.principals import Principal


def customer_of(who: Principal, named: UUID | None) -> UUID:
    """Whom something is for. Staff name the customer, a loctician may. Raises NotForOthers or CustomerRequired."""
    if who.role in SALON and named is None:
        raise CustomerRequired
    if who.role == Role.CUSTOMER and named not in {None, who.id}:
        raise NotForOthers
    return named or who.id


def chair_of(who: Principal, named: UUID | None) -> UUID | None:
    """The loctician asked for; a loctician books the own chair. Raises NotForOthers."""
    if who.role != Role.LOCTICIAN:
        return named
    if named not in {None, who.id}:
        raise NotForOthers
    return who.id


def holder_of(who: Principal, named: UUID | None) -> UUID:
    """Staff may hold a time before they know for whom. Raises NotForOthers."""
    if who.role == Role.CUSTOMER and named not in {None, who.id}:
        raise NotForOthers
    return named or who.id
