"""Refuses query parameters that an endpoint does not have, and those that are given twice without being a list."""

from contextvars import ContextVar
from difflib import get_close_matches
from typing import Annotated, Any

from fastapi import Depends, Query, Request
from fastapi._compat import field_annotation_is_sequence
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import ParamTypes
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from shared.openapi.document import takes_known_parameters_only

_route: ContextVar[Any] = ContextVar("route")


async def _note_route(request: Request) -> None:
    _route.set(request.scope["route"])


class _Received(BaseModel):
    """All query parameters of a call. FastAPI reports what is wrong with them together with its own findings."""

    model_config = ConfigDict(extra="allow")

    @model_validator(mode="before")
    @classmethod
    def _check(cls, received: dict[str, Any]) -> dict[str, Any]:
        route = _route.get()
        if not received or not takes_known_parameters_only(route):
            return received
        lists = {
            field.alias: field_annotation_is_sequence(field.field_info.annotation)
            for field in get_flat_params(route.dependant)
            if getattr(field.field_info, "in_", None) == ParamTypes.query
        }
        errors = []
        for name, value in received.items():
            if name in lists and (lists[name] or not isinstance(value, list)):
                continue
            known = ", ".join(dict.fromkeys([*get_close_matches(name, lists), *sorted(lists)])) or "-"
            kind = PydanticCustomError("given_twice" if name in lists else "unknown_parameter", "", {"known": known})
            errors.append(InitErrorDetails(type=kind, loc=(name,), input=value))
        if errors:
            raise ValidationError.from_exception_data("query", errors)
        return received


async def check_parameters(_: Annotated[None, Depends(_note_route)], __: Annotated[_Received, Query()]) -> None:
    """A dependency of every endpoint."""
