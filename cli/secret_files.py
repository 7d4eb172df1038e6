"""`loctician secrets`: makes from SECRET_KEY what each service is given, so that no service needs to know it."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli.services import SCHEMAS
from keys.logins import broker_login, role_password, with_login
from keys.services import public_keys, service_secret
from shared.settings import runtime_role

SHORTEST = 32  # characters
ROOT, PREVIOUS = "secret_key", "secret_key_previous"
out = Console()

Files = dict[str, str]  # path in the folder -> content


def secret_files(root: str, previous: str | None, database_url: str, amqp_url: str) -> Files:
    """A folder for each service: `secrets` are its settings, for SECRETS_FILE; `username` and `password` are its login
    of the broker, as the Kubernetes operator reads them."""
    content: Files = {}
    known = _public_keys([root, *([previous] if previous else [])])
    for service in SCHEMAS:
        role, (login, password) = runtime_role(service), broker_login(root, amqp_url, service)
        settings = {
            "SECRET_KEY": service_secret(root, service),
            "SECRET_KEY_PREVIOUS": service_secret(previous, service) if previous else "",
            "DATABASE_URL": with_login(database_url, role, role_password(root, role)),
            "AMQP_URL": with_login(amqp_url, login, password),
        }
        lines = [f"{service.upper()}_{name}={value}\n" for name, value in settings.items()]
        content[f"{service}/secrets"] = "".join([*lines, f"PUBLIC_KEYS='{known}'\n"])
        content |= {f"{service}/username": login, f"{service}/password": password}
    return content


def _public_keys(roots: list[str]) -> str:
    """Of every service, those of both secrets while they are changed; JSON."""
    return json.dumps({name: [public_keys(service_secret(root, name)).as_text() for root in roots] for name in SCHEMAS})


def write_secrets(
    folder: Annotated[Path, typer.Argument(help="Where SECRET_KEY stands in the file secret_key", exists=True)],
    database_url: Annotated[str, typer.Option(help="The database, without a login")],
    amqp_url: Annotated[str, typer.Option(help="The broker, without a login; several with commas for a cluster")],
    kubernetes: Annotated[bool, typer.Option("--kubernetes", help="Print them as Secrets instead")] = False,
) -> None:
    """Write what each service is given into a folder of its own, from the files secret_key and secret_key_previous."""
    root, previous = _read(folder / ROOT), _read(folder / PREVIOUS)
    if root is None or len(root) < SHORTEST:
        raise typer.BadParameter(f"{folder / ROOT} must hold SECRET_KEY, of {SHORTEST} characters or more")
    files = secret_files(root, previous, database_url, amqp_url)
    if kubernetes:
        typer.echo(kubernetes_secrets(files), nl=False)
        return
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    out.print(f"Secrets of {', '.join(SCHEMAS)}: {folder}", highlight=False, soft_wrap=True)


def kubernetes_secrets(files: Files) -> str:
    """A Secret `loctician-<service>` for each service, as JSON, which is YAML too."""
    items = [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": f"loctician-{service}"},
            "stringData": {name.partition("/")[2]: files[name] for name in files if name.startswith(f"{service}/")},
        }
        for service in SCHEMAS
    ]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items}, indent=2) + "\n"


def _read(path: Path) -> str | None:
    return (path.read_text().strip() or None) if path.exists() else None
