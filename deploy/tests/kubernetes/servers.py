"""Two real API servers over one etcd, and server-side apply with strict validation.

`core` is kube-apiserver 1.20, built from Debian 12's source package: Kubernetes' own kinds. `custom` is the server of
custom resources of Kubernetes 1.36, built from Debian's packages of it. build.sh makes both.
"""

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from deploy.tests.kubernetes.crds import Fields
from deploy.tests.kubernetes.manifests import Object

# What 1.20 calls by an older version, with the same fields as far as the manifests go.
OLDER = {
    ("autoscaling/v2", "HorizontalPodAutoscaler"): "autoscaling/v2beta2",
    ("policy/v1", "PodDisruptionBudget"): "policy/v1beta1",
    ("batch/v1", "CronJob"): "batch/v1beta1",
}
FORCE = {"fieldManager": "test", "force": "true", "fieldValidation": "Strict"}
WHOLE = {"Namespace": "namespaces"}  # not in a namespace
TIMEOUT = 30.0


class Server:
    def __init__(self, address: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        # Its certificate is its own, made for this run.
        self._http = httpx.Client(base_url=address, verify=False, timeout=TIMEOUT, headers=headers)  # noqa: S501
        self._plurals: dict[tuple[str, str], str] = {}

    def close(self) -> None:
        self._http.close()

    def get(self, path: str) -> Any:
        answer = self._http.get(path)
        answer.raise_for_status()
        return answer.json()

    def ready(self) -> None:
        """Raises httpx.HTTPError until the server has started."""
        self._http.get("/readyz").raise_for_status()

    def items(self, path: str) -> list[Object]:
        """None where the server does not know the kind."""
        answer = self._http.get(path)
        found: list[Object] = answer.json()["items"] if answer.is_success else []
        return found

    def apply(self, object_: Object, *, dry_run: bool = False) -> str:
        """Empty, or why the server refuses it."""
        name, namespace = object_["metadata"]["name"], object_["metadata"].get("namespace")
        place = f"namespaces/{namespace}/" if namespace and object_["kind"] not in WHOLE else ""
        path = f"{self._root(object_['apiVersion'])}/{place}{self._plural(object_)}/{name}"
        answer = self._http.patch(
            path,
            params=FORCE | ({"dryRun": "All"} if dry_run else {}),
            content=json.dumps(object_),  # which is YAML
            headers={"Content-Type": "application/apply-patch+yaml"},
        )
        return "" if answer.is_success else f"{object_['kind']} {name}: {answer.status_code} {answer.json()['message']}"

    def _root(self, version: str) -> str:
        return f"/apis/{version}" if "/" in version else f"/api/{version}"

    def _plural(self, object_: Object) -> str:
        key = object_["apiVersion"], object_["kind"]
        if key not in self._plurals:
            for resource in self.get(self._root(key[0]))["resources"]:
                if "/" not in resource["name"]:
                    self._plurals[key[0], resource["kind"]] = resource["name"]
        return self._plurals[key]


def older(object_: Object) -> Object:
    """The same for 1.20: older versions, and without the few fields that came later."""
    changed = copy.deepcopy(object_)
    changed["apiVersion"] = OLDER.get((object_["apiVersion"], object_["kind"]), object_["apiVersion"])
    if object_["kind"] == "PodDisruptionBudget":
        changed["spec"].pop("unhealthyPodEvictionPolicy", None)  # 1.27
    if object_["kind"] == "Deployment":
        (container,) = changed["spec"]["template"]["spec"]["containers"]
        assert container.pop("lifecycle").keys() == {"preStop"}  # `sleep` came with 1.29
    if object_["kind"] == "NetworkPolicy":
        for rule in changed["spec"].get("ingress", []) + changed["spec"].get("egress", []):
            for port in rule.get("ports", []):
                port.pop("endPort", None)  # 1.22
    return changed


def definitions(objects: list[Object], specs: Mapping[str, Fields]) -> Iterator[Object]:
    """A CustomResourceDefinition for each kind of the operators, with the published names of its fields."""
    for key in specs:
        version, kind = key.split(" ")
        group, _, name = version.partition("/")
        examples = [o["spec"] for o in objects if (o["apiVersion"], o["kind"]) == (version, kind)]
        if not examples:
            continue
        spec = schema(specs[key], examples)
        plural = kind.lower()[:-1] + "ies" if kind.endswith("Policy") else kind.lower() + "s"
        properties = {"spec": spec, "status": FREE_FORM}
        yield {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {
                "name": f"{plural}.{group}",
                "annotations": {"api-approved.kubernetes.io": "unapproved, for a test"},
            },
            "spec": {
                "group": group,
                "scope": "Namespaced",
                "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
                "versions": [
                    {
                        "name": name,
                        "served": True,
                        "storage": True,
                        "schema": {"openAPIV3Schema": {"type": "object", "properties": properties}},
                    }
                ],
            },
        }


FREE_FORM: Object = {"x-kubernetes-preserve-unknown-fields": True}


def schema(fields: Fields | None, examples: list[Any]) -> Object:
    """Of the names of the fields; whether a field is a list is seen in the examples."""
    if fields is None:
        return FREE_FORM
    if any(isinstance(example, list) for example in examples):
        items = [item for example in examples for item in example]
        return {"type": "array", "items": schema(fields, items)}
    return {
        "type": "object",
        "properties": {
            name: schema(within, [example[name] for example in examples if name in example])
            for name, within in fields.items()
        },
    }
