"""The services' logins of the broker as objects of RabbitMQ's Messaging Topology Operator for Kubernetes."""

from typing import Any

from cli.services import SCHEMAS
from migrations.broker import permissions, topic_permissions

CLUSTER = {"name": "broker"}
HEAD = "# Written by `loctician contracts generate`: what each service may do at the broker.\n"


def manifests() -> str:
    """YAML. The credentials come from the secret of each service, which `loctician secrets` makes."""
    return HEAD + "---\n".join(_yaml(kind, service, spec) for service in SCHEMAS for kind, spec in _objects(service))


def _objects(service: str) -> list[tuple[str, dict[str, Any]]]:
    whose = {"vhost": "/", "userReference": {"name": service}}
    return [
        ("User", {"importCredentialsSecret": {"name": f"loctician-{service}"}}),
        ("Permission", whose | {"permissions": permissions(service)}),
        ("TopicPermission", whose | {"permissions": topic_permissions(service)}),
    ]


def _yaml(kind: str, service: str, spec: dict[str, Any]) -> str:
    lines = ["apiVersion: rabbitmq.com/v1beta1", f"kind: {kind}", "metadata:", f"  name: {service}", "spec:"]
    for name, value in (spec | {"rabbitmqClusterReference": CLUSTER}).items():
        within = value.items() if isinstance(value, dict) else ()
        lines.append(f"  {name}:" if within else f"  {name}: {value}")
        lines += [f"    {key}: '{content}'" for key, content in within]
    return "\n".join(lines) + "\n"
