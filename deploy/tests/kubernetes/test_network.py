"""Who reaches whom in the cluster, asked of the policies."""

import pytest

from deploy.tests.documents import SERVICES
from deploy.tests.kubernetes.manifests import EDGES, Object, needs_kubectl, of_kind, selects, workloads

pytestmark = needs_kubectl


class TestNetwork:
    """Asked of the policies as Kubernetes applies them: what no policy lets in stays out."""

    def let_in(
        self,
        labels: dict[str, str],
        peer: dict[str, str],
        port: int,
        namespace: str | None = None,
        overlay: str = "production",
    ) -> bool:
        for policy in of_kind("NetworkPolicy", overlay).values():
            if not selects(policy["spec"]["podSelector"], labels):
                continue
            for rule in policy["spec"].get("ingress", []):
                if port in [port_["port"] for port_ in rule.get("ports", [])] and any(
                    self.is_from(source, peer, namespace) for source in rule["from"]
                ):
                    return True
        return False

    def is_from(self, source: Object, peer: dict[str, str], namespace: str | None) -> bool:
        if "namespaceSelector" in source:
            return selects(source["namespaceSelector"], {"kubernetes.io/metadata.name": namespace or ""})
        return namespace is None and selects(source["podSelector"], peer)

    def pods(self) -> dict[str, dict[str, str]]:
        own = {name: template["metadata"]["labels"] for name, template in workloads()}
        return own | {"database": {"cnpg.io/cluster": "database"}, "broker": {"app.kubernetes.io/name": "broker"}}

    def test_everything_is_closed_unless_opened(self) -> None:
        nothing = of_kind("NetworkPolicy")["nothing"]["spec"]
        assert nothing == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}

    @pytest.mark.parametrize("overlay", EDGES)
    def test_from_outside_only_the_gateway_is_reached_by_the_edge(self, overlay: str) -> None:
        for edge in EDGES.values():
            reached = {name for name, labels in self.pods().items() if self.let_in(labels, {}, 8000, edge, overlay)}
            assert reached == ({"gateway"} if EDGES[overlay] == edge else set())
        assert not any(
            self.let_in(labels, {}, port, "default") for labels in self.pods().values() for port in (8000, 5432, 5672)
        )

    def test_services_are_called_by_the_gateway_and_auth_for_its_keys(self) -> None:
        pods = self.pods()
        for name in SERVICES:
            callers = {pod for pod, labels in pods.items() if self.let_in(pods[f"{name}-api"], labels, 8000)}
            everyone = {f"{other}-{role}" for other in SERVICES for role in ("api", "worker")} | {"gateway"}
            assert callers == (everyone if name == "auth" else {"gateway"}), name
            assert not any(self.let_in(pods[f"{name}-worker"], labels, 8000) for labels in pods.values())

    def test_only_the_processes_reach_database_and_broker(self) -> None:
        pods = self.pods()
        processes = {f"{name}-{role}" for name in SERVICES for role in ("api", "worker")} | {"gateway"}
        to_database = {pod for pod, labels in pods.items() if self.let_in(pods["database"], labels, 5432)}
        assert to_database == processes | {"migrate", "cli", "database"}
        to_broker = {pod for pod, labels in pods.items() if self.let_in(pods["broker"], labels, 5672)}
        assert to_broker == processes | {"migrate", "cli"}

    def test_only_pods_that_need_it_reach_the_internet_and_no_private_network(self) -> None:
        policy = of_kind("NetworkPolicy")["reaches-out"]["spec"]
        out = {name for name, labels in self.pods().items() if selects(policy["podSelector"], labels)}
        assert out == {"booking-worker", "calendar-worker", "notifications-worker"}
        first = policy["egress"][0]["to"][0]["ipBlock"]
        assert {"10.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"} <= set(first["except"])

    def test_only_notifications_reaches_mail_servers_on_the_port_of_the_installation(self) -> None:
        for overlay, port in (("production", 587), ("dev", 25)):
            policy = of_kind("NetworkPolicy", overlay)["mail"]["spec"]
            out = {name for name, labels in self.pods().items() if selects(policy["podSelector"], labels)}
            assert out == {"notifications-worker"}
            assert [port_["port"] for rule in policy["egress"] for port_ in rule["ports"]] == [port], overlay

    @pytest.mark.parametrize("overlay", EDGES)
    def test_the_edge_reaches_the_pods_that_answer_the_certificate_authority(self, overlay: str) -> None:
        solver = {"acme.cert-manager.io/http01-solver": "true"}
        assert {edge: self.let_in(solver, {}, 8089, edge, overlay) for edge in EDGES.values()} == {
            edge: edge == EDGES[overlay] for edge in EDGES.values()
        }
        assert not self.let_in(solver, {}, 8089, "default", overlay)

    def test_prometheus_reaches_whatever_it_is_told_to_ask(self) -> None:
        for name, port in (("database", 9187), ("broker", 15692)):
            assert name in of_kind("PodMonitor")
            assert self.let_in(self.pods()[name], {}, port, "monitoring")
