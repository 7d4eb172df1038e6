"""The manifests, as Kustomize renders them."""

import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import yaml

from deploy.tests.documents import ROOT

FOLDER = ROOT / "deploy" / "kubernetes"
OVERLAYS = ("dev", "production", "production-nginx")
EDGES = {"production": "envoy-gateway-system", "production-nginx": "ingress-nginx"}
BY_HAND = ("migrate", "cli")  # with the operator's logins
Object = dict[str, Any]
needs_kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl renders the manifests")


@cache
def rendered(overlay: str) -> list[Object]:
    return render(str(FOLDER / "overlays" / overlay))


def render(folder: str) -> list[Object]:
    done = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def of_kind(kind: str, overlay: str = "production") -> dict[str, Object]:
    return {object_["metadata"]["name"]: object_ for object_ in rendered(overlay) if object_["kind"] == kind}


def workloads(overlay: str = "production") -> Iterator[tuple[str, Object]]:
    """Deployments, the job and the operator's command, with their pods' templates."""
    for kind in ("Deployment", "Job"):
        for name, workload in of_kind(kind, overlay).items():
            yield name, workload["spec"]["template"]
    for name, workload in of_kind("CronJob", overlay).items():
        yield name, workload["spec"]["jobTemplate"]["spec"]["template"]


def environment_of(template: Object, overlay: str) -> dict[str, str | None]:
    """Name -> value; None where it comes from a secret."""
    (container,) = template["spec"]["containers"]
    variables: dict[str, str | None] = {}
    for source in container.get("envFrom", []):
        if "configMapRef" in source:
            variables |= of_kind("ConfigMap", overlay)[source["configMapRef"]["name"]].get("data", {})
    return variables | {variable["name"]: variable.get("value") for variable in container["env"]}


def deployable_of(template: Object) -> str:
    image: str = template["spec"]["containers"][0]["image"]
    return image.rpartition("/")[2].partition(":")[0]


def selects(selector: Object, labels: dict[str, str]) -> bool:
    return bool(selector.get("matchLabels", {}).items() <= labels.items())
