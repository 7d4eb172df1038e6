"""The JSON Schemas of published events."""

import inspect
from typing import Any

from shared.messaging.events import Event

Schema = dict[str, Any]
DEFAULT_TEMPLATE = "#/$defs/{model}"


def data_schema(event: type[Event], ref_template: str = DEFAULT_TEMPLATE) -> Schema:
    """The schema of an event's data. Fields that it does not name are allowed: an event may get optional ones."""
    schema: Schema = _open(event.model_json_schema(mode="serialization", ref_template=ref_template))
    return schema


def _open(part: Any) -> Any:
    """Without the prohibition of further properties, which holds for the publisher alone."""
    if isinstance(part, dict):
        return {name: _open(value) for name, value in part.items() if (name, value) != ("additionalProperties", False)}
    return [_open(item) for item in part] if isinstance(part, list) else part


def description(event: type[Event]) -> str:
    """What the event's class and those that it extends say, the most general first."""
    classes = [each for each in event.__mro__ if issubclass(each, Event) and each is not Event]
    texts = [inspect.cleandoc(each.__dict__["__doc__"]) for each in reversed(classes) if each.__dict__.get("__doc__")]
    return "\n\n".join(texts)
