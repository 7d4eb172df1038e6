"""The signature of an event by the service that publishes it (Ed25519, RFC 8032)."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

import orjson

from keys.services import ServiceKeys

PURPOSE = "event"
NOT_SIGNED = {"signature", "traceparent"}  # the trace goes on while the event is on its way


def signature(keys: ServiceKeys, event: Mapping[str, Any]) -> str:
    """Of a whole event, base64: the value of its attribute `signature`."""
    return b64encode(keys.sign_openly(PURPOSE, _content(event))).decode()


def is_signed(keys: ServiceKeys, event: Mapping[str, Any], service: str) -> bool:
    try:
        decoded = b64decode(str(event.get("signature")), validate=True)
    except ValueError:
        return False
    return keys.is_signed_by(service, PURPOSE, _content(event), decoded)


def _content(event: Mapping[str, Any]) -> bytes:
    """The same for sender and receiver, whatever the order of the attributes and the spaces."""
    attributes = {name: value for name, value in event.items() if name not in NOT_SIGNED}
    return orjson.dumps(attributes, option=orjson.OPT_SORT_KEYS)
