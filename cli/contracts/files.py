"""The files in shared/contracts: JSON Schemas, examples, the subscription map and the record of personal data."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Column, MetaData, Table

from cli.contracts.schemas import data_schema
from domain.roles import Role
from shared.classification import PERSONAL_DATA, Mark, Policy
from shared.identity.principals import SERVICE_CLAIMS
from shared.messaging.events import Event, schema_name
from shared.messaging.topology import CONTRACTS, PUBLISHERS, TOPOLOGY


def event_classes(modules: Iterable[object]) -> list[type[Event]]:
    """The event classes that these modules declare, by type."""
    classes = {
        value.type_: value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Event) and hasattr(value, "type_")
    }
    return [classes[type_] for type_ in sorted(classes)]


def personal_data(metadata: MetaData, policies: Iterable[Policy]) -> dict[str, Any]:
    """Which personal data a service holds, for which purpose and how long."""
    return {"tables": _tables(metadata), "policies": {policy.name: _policy(policy) for policy in policies}}


def _tables(metadata: MetaData) -> dict[str, dict[str, Any]]:
    """Table -> its purpose, its time, and the marks of its columns."""
    tables = sorted(metadata.tables.values(), key=lambda table: table.name)
    return {str(table.name): {**_purpose(table.info), "columns": _columns(table)} for table in tables}


def _columns(table: Table) -> dict[str, Mark]:
    return {str(column.name): _mark(column) for column in table.columns}


def _mark(column: Column[Any]) -> Mark:
    return {"personal": str(column.info.get("personal", "unmarked")), **_purpose(column.info)}


def _purpose(info: Mapping[Any, Any]) -> Mark:
    return {name: str(info[name]) for name in ("purpose", "keep") if name in info}


def _policy(policy: Policy) -> dict[str, Any]:
    days = {"keep_days": policy.keep.days, "least_days": policy.least.days, "most_days": policy.most.days}
    return {"table": policy.table, "purpose": policy.purpose, **days}


def publishers(events: Mapping[str, Iterable[type[Event]]]) -> dict[str, Any]:
    """Which services publish each type, which types they sign, and whose events they do not sign for their actor."""
    types: dict[str, list[str]] = {}
    for service, classes in sorted(events.items()):
        for event in classes:
            types.setdefault(event.type_, []).append(service)
    signed = {event.type_ for classes in events.values() for event in classes if event.signed}
    return {"types": types, "signed": sorted(signed), "unsigned_roles": [Role.CUSTOMER, SERVICE_CLAIMS.role]}


def documents(
    events: Iterable[type[Event]],
    published: Mapping[str, Any],
    routing: Mapping[str, Iterable[str]],
    personal_data: Mapping[str, Any],
) -> dict[str, bytes]:
    """File name -> content of each generated file."""
    files: dict[str, Any] = {
        TOPOLOGY.name: {name: sorted(keys) for name, keys in sorted(routing.items())},
        PERSONAL_DATA.name: personal_data,
        PUBLISHERS.name: published,
    }
    for event in events:
        example = event.model_validate(event.EXAMPLE).model_dump(mode="json")
        files[f"{event.type_}.example.json"] = example
        files[f"{event.type_}.schema.json"] = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": schema_name(event.type_),
            **data_schema(event),
        }
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    return {name: orjson.dumps(content, option=options) for name, content in files.items()}


def write(files: Mapping[str, bytes], folder: Path = CONTRACTS) -> None:
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.json"):
        if old.name not in files:
            old.unlink()
    for name, content in files.items():
        (folder / name).write_bytes(content)


def stale(files: Mapping[str, bytes], folder: Path = CONTRACTS) -> list[str]:
    """Names of the files that differ from what the code generates now."""
    present = {path.name: path.read_bytes() for path in folder.glob("*.json")}
    return sorted(name for name in present.keys() | files.keys() if present.get(name) != files.get(name))


def breaking(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Changes that break readers of the old schema: fields that are gone, became optional or changed type."""
    problems = []
    for name, field in old.get("properties", {}).items():
        now = new.get("properties", {}).get(name)
        if now is None:
            problems.append(f"{name} is gone")
        elif now.get("type") != field.get("type") or now.get("format") != field.get("format"):
            problems.append(f"{name} has another type")
        elif name in old.get("required", []) and name not in new.get("required", []):
            problems.append(f"{name} may be missing now")
    return problems
