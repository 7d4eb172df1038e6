"""Events that others act upon: what is not from their publisher is refused, whatever else is right about it."""

import base64
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import orjson
import pytest

from keys.services import ServiceKeys
from shared.messaging import topology
from shared.messaging.provenance import UntrustedError, check, checked
from shared.messaging.relay import outgoing
from shared.messaging.topology import REVOKED
from shared.testing.keys import keys_for

OTHER = "another secret of thirty-two characters"
NOTED = "thing.noted.v1"  # of no service of ours


def sent(source: str = "auth", type_: str = REVOKED, keys: ServiceKeys | None = None, **more: Any) -> dict[str, Any]:
    """As the relay of the service sends it."""
    row = dict.fromkeys(("traceparent", "actor_id", "actor_role", "request_id"))
    row |= {"exchange": topology.EVENTS, "event_id": uuid4(), "type": type_, "subject": str(uuid4())}
    text = ' {"text": "æ \\u2028", "share": 0.10, "count": 1099511627776, "user_id": null}'
    row |= {"version": 1, "occurred_at": datetime.now(UTC), "data": text, **more}
    published: dict[str, Any] = orjson.loads(outgoing(source, row, keys or keys_for(source)).body)
    return published


class TestSignatures:
    def test_what_the_relay_sends_is_trusted_by_every_service(self) -> None:
        for service in ("booking", "gdpr", "gateway"):
            check(keys_for(service), sent(), topology.EVENTS, REVOKED)

    def test_the_trace_may_change_on_the_way_and_nothing_else(self) -> None:
        event = sent(actor_id="somebody", actor_role="admin", request_id="12345678")
        check(keys_for("gdpr"), event | {"traceparent": "00-1-2-01"})
        for name in event.keys() - {"type"}:
            changed = {"x": 1} if name == "data" else f"{event[name]}x"
            with pytest.raises(UntrustedError):
                check(keys_for("gdpr"), event | {name: changed})
        for name in ("actorid", "signature", "time", "data", "version"):
            with pytest.raises(UntrustedError):
                check(keys_for("gdpr"), {key: value for key, value in event.items() if key != name})
        with pytest.raises(UntrustedError):
            check(keys_for("gdpr"), event | {"republished": True})

    @pytest.mark.parametrize("forger", ["notifications", "gdpr", "booking", "gateway"])
    def test_nobody_signs_for_another(self, forger: str) -> None:
        for event in (sent(keys=keys_for(forger)), sent(forger)):
            with pytest.raises(UntrustedError):
                check(keys_for("booking"), event)

    @pytest.mark.parametrize("signature", [None, "", "x", "AAAA", base64.b64encode(bytes(64)).decode(), 5, ["x"]])
    def test_a_signature_of_no_form_is_refused(self, signature: Any) -> None:
        with pytest.raises(UntrustedError):
            check(keys_for("booking"), sent() | {"signature": signature})

    def test_both_secrets_count_while_they_are_changed(self) -> None:
        new, old = OTHER, "the secret before it, of thirty-two characters"
        event = sent(keys=ServiceKeys.from_root("auth", old))
        check(ServiceKeys.from_root("gdpr", new, old), event)
        with pytest.raises(UntrustedError):
            check(ServiceKeys.from_root("gdpr", new), event)

    def test_without_keys_nothing_signed_is_trusted(self) -> None:
        with pytest.raises(UntrustedError):
            check(None, sent())


class TestTypes:
    def test_the_routing_key_is_the_type(self) -> None:
        check(None, sent("shop", NOTED), topology.EVENTS, NOTED)
        check(None, sent("shop", NOTED), "shop.retries", "shop.events")
        with pytest.raises(UntrustedError, match="routing key"):
            check(None, sent("shop", NOTED), topology.EVENTS, "access.read.v1")

    def test_a_type_comes_from_a_service_that_publishes_it(self) -> None:
        check(None, sent("booking", "booking.created.v1"))
        with pytest.raises(UntrustedError, match="source"):
            check(None, sent("notifications", "booking.created.v1"))

    @pytest.mark.parametrize("role", ["admin", "staff", "loctician", "x"])
    def test_what_staff_did_is_signed_whatever_the_type(self, role: str) -> None:
        event = sent("booking", "booking.created.v1", actor_id=str(uuid4()), actor_role=role)
        check(keys_for("gdpr"), event)
        unsigned = {name: value for name, value in event.items() if name != "signature"}
        by_another = sent("booking", "booking.created.v1", keys_for("notifications"), actor_role=role)
        for forged in (unsigned, by_another, event | {"actorid": str(uuid4())}):
            with pytest.raises(UntrustedError):
                check(keys_for("gdpr"), forged)

    @pytest.mark.parametrize("role", ["customer", "service", None])
    def test_what_customers_and_services_did_is_not(self, role: str | None) -> None:
        event = sent("booking", "booking.created.v1", actor_role=role)
        assert "signature" not in event
        check(keys_for("gdpr"), event)

    def test_one_type_does_not_pass_for_another(self) -> None:
        body = orjson.dumps(sent("auth", "user.updated.v1"))
        assert checked(keys_for("gateway"), body, "user.updated.v1")
        with pytest.raises(UntrustedError):
            checked(keys_for("gateway"), body, REVOKED)

    def test_what_ends_sessions_erases_or_gives_rights_is_signed(self) -> None:
        assert topology.signed_types() >= {
            *(REVOKED, "user.registered.v1", "user.updated.v1", "user.verified.v1", "user.role_changed.v1"),
            *("user.deactivated.v1", "user.reactivated.v1", "user.never_verified.v1"),
            *("gdpr.erasure_requested.v1", "gdpr.export_requested.v1", "gdpr.retention_due.v1"),
            *("gdpr.export_part.v1", "gdpr.erasure_done.v1", "gdpr.retention_applied.v1", "access.read.v1"),
        }
