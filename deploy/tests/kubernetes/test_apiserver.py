"""The manifests, stop.sh and start.sh on real API servers, which `make test-kubernetes` builds."""

import copy
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.tests.documents import ROOT
from deploy.tests.kubernetes.cluster import Cluster, running
from deploy.tests.kubernetes.crds import SPECS
from deploy.tests.kubernetes.manifests import FOLDER, OVERLAYS, Object, needs_kubectl, of_kind, rendered
from deploy.tests.kubernetes.servers import Server, definitions, older

BUILT = Path(os.environ.get("KUBERNETES_SERVERS", ROOT / ".local" / "kubernetes"))
PAUSED = "autoscaling.keda.sh/paused-replicas"
pytestmark = [
    needs_kubectl,
    pytest.mark.skipif(
        not (BUILT / "bin" / "kube-apiserver").exists() or os.geteuid() != 0,
        reason="the API servers are not built: make test-kubernetes does it, as root on Debian",
    ),
]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running(BUILT, tmp_path_factory.mktemp("cluster")) as started:
        known = list(definitions([object_ for overlay in OVERLAYS for object_ in rendered(overlay)], SPECS))
        assert [started.custom.apply(definition) for definition in known] == [""] * len(known)
        for definition in known:
            wait_until_served(started.custom, definition)
        yield started


def wait_until_served(server: Server, definition: Object) -> None:
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{definition['metadata']['name']}"
    for _ in range(100):
        conditions = server.get(path).get("status", {}).get("conditions", [])
        if {"Established"} <= {c["type"] for c in conditions if c["status"] == "True"}:
            return
        time.sleep(0.2)
    pytest.fail(f"{path}: {conditions}")


def apply(cluster: Cluster, object_: Object, *, dry_run: bool) -> str:
    if f"{object_['apiVersion']} {object_['kind']}" in SPECS:
        return cluster.custom.apply(object_, dry_run=dry_run)
    return cluster.core.apply(older(object_), dry_run=dry_run)


class TestManifests:
    @pytest.mark.parametrize("overlay", OVERLAYS)
    def test_the_servers_take_every_object(self, cluster: Cluster, overlay: str) -> None:
        for namespace in of_kind("Namespace", overlay).values():
            assert apply(cluster, namespace, dry_run=False) == ""
        for dry_run in (True, False):
            refused = [apply(cluster, object_, dry_run=dry_run) for object_ in rendered(overlay)]
            assert [reason for reason in refused if reason] == []
        again = [apply(cluster, object_, dry_run=False) for object_ in rendered(overlay)]
        assert not any(again), "a second time changes nothing"

    def test_a_misspelt_field_would_be_refused_by_both(self, cluster: Cluster) -> None:
        deployment, database = (
            copy.deepcopy(of_kind(k)[n]) for k, n in (("Deployment", "gateway"), ("Cluster", "database"))
        )
        deployment["spec"]["replicaz"] = 1
        database["spec"]["bootstrap"]["initdb"]["ownr"] = "loctician"
        assert "replicaz: field not declared" in apply(cluster, deployment, dry_run=True)
        assert "ownr: field not declared" in apply(cluster, database, dry_run=True)

    def test_a_wrong_value_would_be_refused(self, cluster: Cluster) -> None:
        policy = copy.deepcopy(of_kind("NetworkPolicy")["reaches-out"])
        policy["spec"]["egress"][0]["to"][0]["ipBlock"]["except"] = ["fe80::/10"]
        assert "must be a strict subset of `cidr`" in apply(cluster, policy, dry_run=True)


@pytest.fixture(scope="module")
def installed(cluster: Cluster) -> Cluster:
    """The core server with everything of production, the operators' kinds too: kubectl talks to one server."""
    known = list(definitions(rendered("production"), SPECS))
    assert [cluster.core.apply(definition) for definition in known] == [""] * len(known)
    for definition in known:
        wait_until_served(cluster.core, definition)
    assert [reason for object_ in rendered("production") if (reason := cluster.core.apply(older(object_)))] == []
    return cluster


def script(cluster: Cluster, name: str) -> subprocess.Popen[str]:
    environment = os.environ | {"KUBECONFIG": str(cluster.config)}
    return subprocess.Popen(
        [FOLDER / name], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, process_group=0
    )


def replicas(cluster: Cluster) -> dict[str, int]:
    deployments = cluster.core.items("/apis/apps/v1/namespaces/loctician/deployments")
    return {deployment["metadata"]["name"]: deployment["spec"]["replicas"] for deployment in deployments}


def fewest() -> dict[str, int]:
    http, queues = of_kind("HorizontalPodAutoscaler").values(), of_kind("ScaledObject").values()
    found = {scaler["spec"]["scaleTargetRef"]["name"]: scaler["spec"]["minReplicas"] for scaler in http}
    return found | {scaler["spec"]["scaleTargetRef"]["name"]: scaler["spec"]["minReplicaCount"] for scaler in queues}


def paused(cluster: Cluster) -> set[str | None]:
    scaled = cluster.core.items("/apis/keda.sh/v1alpha1/namespaces/loctician/scaledobjects")
    assert len(scaled) == len(of_kind("ScaledObject"))
    return {object_["metadata"].get("annotations", {}).get(PAUSED) for object_ in scaled}


class TestScripts:
    def test_stop_leaves_nothing_running_and_start_the_fewest_of_each(self, installed: Cluster) -> None:
        stopping = script(installed, "stop.sh")
        output, _ = stopping.communicate(timeout=200)
        assert stopping.returncode == 0, output
        assert replicas(installed) == dict.fromkeys(of_kind("Deployment"), 0)
        assert paused(installed) == {"0"}, "KEDA would start the workers again"
        starting = script(installed, "start.sh")  # then it waits for pods, which nobody makes here
        try:
            until = time.monotonic() + 200
            while replicas(installed) != fewest() and time.monotonic() < until:
                time.sleep(0.5)
            assert replicas(installed) == fewest()
            assert paused(installed) == {None}
        finally:
            os.killpg(starting.pid, signal.SIGKILL)
            starting.communicate(timeout=30)
