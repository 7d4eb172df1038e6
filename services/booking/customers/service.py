"""Rules of who may book for whom, and with which loctician."""

from uuid import UUID

from domain.roles import Role
from services.booking.dependencies import STAFF
from services.booking.errors import CustomerRequired, NotForOthers
from shared.identity.principals import Principal


def customer_for(principal: Principal, customer_id: UUID | None) -> UUID:
    """Whom to book for: customers book for themselves, staff must name the customer, a loctician may.

    Raises NotForOthers or CustomerRequired.
    """
    if principal.role in STAFF and customer_id is None:
        raise CustomerRequired
    if principal.role == Role.CUSTOMER and customer_id not in {None, principal.id}:
        raise NotForOthers
    return customer_id or principal.id


def waiting_customer_for(principal: Principal, customer_id: UUID | None) -> UUID:
    """Whose wish it is on the waitlist: staff must name the customer, others wait for themselves.

    Raises NotForOthers or CustomerRequired.
    """
    if principal.role in STAFF and customer_id is None:
        raise CustomerRequired
    return holder_for(principal, customer_id)


def holder_for(principal: Principal, customer_id: UUID | None) -> UUID:
    """Whom to hold a time for: staff for anybody, or without a customer yet. Others hold for themselves; locticians can
    use their hold to book for a customer. Raises NotForOthers.
    """
    if principal.role not in STAFF and customer_id not in {None, principal.id}:
        raise NotForOthers
    return customer_id or principal.id


def loctician_for(principal: Principal, loctician_id: UUID | None) -> UUID | None:
    """With whom to book: locticians book with themselves only. Raises NotForOthers."""
    if principal.role != Role.LOCTICIAN:
        return loctician_id
    if loctician_id not in {None, principal.id}:
        raise NotForOthers
    return principal.id
