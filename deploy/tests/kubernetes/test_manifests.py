"""The manifests: valid, consistent with the code, closed except for the edge."""

import base64

import kubernetes_validate
import pytest
import yaml

from cli.broker_manifests import manifests
from cli.secret_files import kubernetes_secrets, secret_files
from deploy.tests.documents import DEPLOYABLES, ROOT, SERVICES, given_to, known_variables, required_variables
from deploy.tests.kubernetes.crds import SPECS, unknown
from deploy.tests.kubernetes.manifests import (
    BY_HAND,
    EDGES,
    OVERLAYS,
    deployable_of,
    environment_of,
    needs_kubectl,
    of_kind,
    rendered,
    workloads,
)
from migrations.broker import permissions, topic_permissions
from shared.messaging.consumer import LANES, STOP_TIMEOUT
from shared.messaging.topology import events_queue
from shared.messaging.topology import load as topology

OLDEST, NEWEST = "1.30", "1.34"  # releases of Kubernetes
DATABASE_VARIABLES = {"PGSSLMODE", "PGSSLROOTCERT"}  # read by the driver
ANSWERS_STRAIGHT = "booking-api"  # with a second pool as large, for calls of one statement
OTHER_CONNECTIONS = 3  # of a process, beside its pool: relay, notifier, and one to spare
RUN = "/run/loctician/"
pytestmark = needs_kubectl


class TestSchemas:
    @pytest.mark.parametrize(("overlay", "version"), [("production", NEWEST), ("dev", OLDEST)])
    def test_kubernetes_own_kinds_fit_their_schemas(self, overlay: str, version: str) -> None:
        own = [object_ for object_ in rendered(overlay) if f"{object_['apiVersion']} {object_['kind']}" not in SPECS]
        assert len(own) > 40
        for object_ in own:
            kubernetes_validate.validate(object_, version, strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS)
class TestForm:
    def test_operators_kinds_have_only_published_fields(self, overlay: str) -> None:
        by_kind = {f"{object_['apiVersion']} {object_['kind']}": object_ for object_ in rendered(overlay)}
        edge = {kind for kind in SPECS if kind.startswith("gateway.")}
        gitops = {kind for kind in SPECS if "argoproj" in kind or "fluxcd" in kind}
        wanted = SPECS.keys() - gitops - (edge if overlay == "production-nginx" else set())
        assert by_kind.keys() & SPECS.keys() == wanted
        for kind, fields in SPECS.items():
            for object_ in (
                object_ for object_ in rendered(overlay) if f"{object_['apiVersion']} {object_['kind']}" == kind
            ):
                assert list(unknown(object_["spec"], fields)) == [], object_["metadata"]["name"]

    def test_every_name_that_is_referred_to_is_there_or_made_by_an_operator(self, overlay: str) -> None:
        own = {f"loctician-{name}" for name in DEPLOYABLES}
        from_operators = {"broker-default-user", "database-ca", "database-app", "loctician-secrets", *own}
        for name, template in workloads(overlay):
            volumes = {volume["name"]: volume for volume in template["spec"]["volumes"]}
            mounts = {mount["name"] for mount in template["spec"]["containers"][0]["volumeMounts"]}
            assert mounts == volumes.keys(), name
            secrets = {source["secret"]["name"] for source in volumes["secrets"]["projected"]["sources"]}
            assert secrets <= from_operators, name
            assert template["spec"]["serviceAccountName"] in of_kind("ServiceAccount", overlay)
        for kind in ("HorizontalPodAutoscaler", "ScaledObject"):
            targets = {scaler["spec"]["scaleTargetRef"]["name"] for scaler in of_kind(kind, overlay).values()}
            assert targets <= of_kind("Deployment", overlay).keys(), kind
        for name, ingress in of_kind("Ingress", overlay).items():
            backend = ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"]
            assert backend in of_kind("Service", overlay), name
        for name, route in of_kind("HTTPRoute", overlay).items():
            backends = {backend["name"] for rule in route["spec"]["rules"] for backend in rule.get("backendRefs", [])}
            assert backends <= of_kind("Service", overlay).keys(), name
            assert {parent["name"] for parent in route["spec"]["parentRefs"]} == of_kind("Gateway", overlay).keys()
        for kind in ("ClientTrafficPolicy", "BackendTrafficPolicy"):
            for name, policy in of_kind(kind, overlay).items():
                for target in policy["spec"]["targetRefs"]:
                    assert target["name"] in of_kind(target["kind"], overlay), name


class TestUnknown:
    def test_a_misspelt_field_is_found_at_any_depth(self) -> None:
        fields = SPECS["keda.sh/v1alpha1 ScaledObject"]
        spec = {"scaleTargetRef": {"name": "a"}, "triggers": [{"type": "rabbitmq", "authenticationRef": {"nome": "b"}}]}
        assert list(unknown(spec, fields)) == ["spec.triggers[0].authenticationRef.nome"]


@pytest.mark.parametrize("overlay", OVERLAYS)
class TestSettings:
    def test_each_process_gets_the_settings_it_needs_and_no_unknown_ones(self, overlay: str) -> None:
        for name, template in workloads(overlay):
            environment = environment_of(template, overlay)
            known = known_variables(deployable_of(template)) | DATABASE_VARIABLES
            known |= {"AUDIT_ANCHOR_FILE"} if name == "cli" else set()  # what gdpr's commands read
            assert environment.keys() - known == set(), name
            assert required_variables(deployable_of(template)) - given_to(environment) == set(), name

    def test_every_process_that_makes_links_is_told_where_they_lead(self, overlay: str) -> None:
        makes_links = {name for name in SERVICES if "APP_URL" in known_variables(name)}
        assert makes_links >= {"calendar", "notifications"}
        for name, template in workloads(overlay):
            named = "APP_URL" in environment_of(template, overlay)
            assert named == (deployable_of(template) in makes_links), name

    def test_a_file_that_a_variable_names_is_mounted(self, overlay: str) -> None:
        for name, template in workloads(overlay):
            (secrets,) = (volume for volume in template["spec"]["volumes"] if volume["name"] == "secrets")
            paths = {item["path"] for source in secrets["projected"]["sources"] for item in source["secret"]["items"]}
            named = {
                value.removeprefix(RUN)
                for value in environment_of(template, overlay).values()
                if value and value.startswith(RUN)
            }
            assert named == paths, name

    def test_only_the_operators_commands_have_the_owners_login(self, overlay: str) -> None:
        for name, template in workloads(overlay):
            text = yaml.safe_dump(template)
            assert ("database-app" in text) == (name in BY_HAND), name
            assert "@" not in str(environment_of(template, overlay).get("DATABASE_URL")), name

    def test_a_service_gets_its_own_secrets_and_only_the_migration_their_key(self, overlay: str) -> None:
        for name, template in workloads(overlay):
            text, deployable = yaml.safe_dump(template), deployable_of(template)
            own = {service for service in DEPLOYABLES if f"loctician-{service}\n" in text}
            assert own == ({deployable} if deployable != "cli" else set()), name
            for secret in ("secret_key", "broker-default-user"):
                assert (secret in text) == (name in BY_HAND), name


class TestLogins:
    def test_the_operator_makes_them_as_the_code_needs_them(self) -> None:
        """Each with the credentials that the service has."""
        assert (ROOT / "deploy/kubernetes/base/broker-logins.yaml").read_text() == manifests()
        for kind in ("User", "Permission", "TopicPermission"):
            assert of_kind(kind).keys() == DEPLOYABLES
        assert of_kind("Permission")["gdpr"]["spec"]["permissions"] == permissions("gdpr")
        written = of_kind("TopicPermission")["notifications"]["spec"]["permissions"]
        assert written == topic_permissions("notifications")
        assert of_kind("User")["auth"]["spec"]["importCredentialsSecret"]["name"] == "loctician-auth"

    def test_the_secrets_of_dev_follow_from_its_key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("DATABASE_ROLE_PREFIX")
        key = base64.b64decode(of_kind("Secret", "dev")["loctician-secrets"]["data"]["secret_key"]).decode()
        files = secret_files(key, None, "postgresql://database-rw:5432/loctician", "amqp://broker:5672/")
        assert (ROOT / "deploy/kubernetes/overlays/dev/services.yaml").read_text() == kubernetes_secrets(files)


class TestWorkloads:
    def test_each_service_has_an_api_and_a_worker_with_its_role(self) -> None:
        roles = {name: environment_of(template, "production").get("ROLE") for name, template in workloads()}
        wanted = {f"{name}-{role}": role for name in SERVICES for role in ("api", "worker")}
        assert roles == wanted | {"gateway": None, "migrate": None, "cli": None}

    @pytest.mark.parametrize("overlay", OVERLAYS)
    def test_pods_are_as_restricted_as_kubernetes_knows(self, overlay: str) -> None:
        for name, template in workloads(overlay):
            pod, container = template["spec"], template["spec"]["containers"][0]
            assert pod["securityContext"]["runAsNonRoot"] is True, name
            assert pod["securityContext"]["runAsUser"] == 10001, "the image's own user"
            assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
            assert pod["automountServiceAccountToken"] is False, name
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name
            assert container["resources"]["limits"].keys() == container["resources"]["requests"].keys(), name

    def test_probes_use_existing_paths_and_pods_have_time_to_end(self) -> None:
        for name, deployment in of_kind("Deployment").items():
            pod = deployment["spec"]["template"]["spec"]
            (container,) = pod["containers"]
            probes = {
                probe: container[f"{probe}Probe"]["httpGet"]["path"] for probe in ("startup", "liveness", "readiness")
            }
            assert probes == {
                "startup": "/health/live",
                "liveness": "/health/live",
                "readiness": "/health/ready",
            }, name
            pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
            assert pod["terminationGracePeriodSeconds"] > pause + 20 + STOP_TIMEOUT, name
            assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0, name
            assert len(pod["topologySpreadConstraints"]) == 2, name

    def test_workers_scale_with_the_queue_the_code_declares(self) -> None:
        queues = {
            scaler["spec"]["scaleTargetRef"]["name"]: scaler["spec"]["triggers"][0]["metadata"]["queueName"]
            for scaler in of_kind("ScaledObject").values()
        }
        assert queues == {f"{name}-worker": events_queue(name) for name in SERVICES}
        assert set(topology()) == set(SERVICES)

    def test_every_deployment_is_scaled_by_one_and_disrupted_one_at_a_time(self) -> None:
        scaled = [
            scaler["spec"]["scaleTargetRef"]["name"]
            for kind in ("HorizontalPodAutoscaler", "ScaledObject")
            for scaler in of_kind(kind).values()
        ]
        assert sorted(scaled) == sorted(of_kind("Deployment"))
        assert of_kind("PodDisruptionBudget").keys() == {*of_kind("Deployment"), "broker"}

    def test_the_gateway_finds_every_replica_by_name(self) -> None:
        environment = environment_of(of_kind("Deployment")["gateway"]["spec"]["template"], "production")
        for name in SERVICES:
            service = of_kind("Service")[f"{name}-api"]
            assert environment[f"{name.upper()}_URL"] == f"http://{name}-api:{service['spec']['ports'][0]['port']}"
            assert service["spec"]["clusterIP"] == "None"
            assert service["spec"]["publishNotReadyAddresses"] is True, "one that waits says so itself"
            labels = of_kind("Deployment")[f"{name}-api"]["spec"]["template"]["metadata"]["labels"]
            assert service["spec"]["selector"].items() <= labels.items()

    def test_the_database_has_connections_for_the_most_replicas(self) -> None:
        most = {name: scaler["spec"]["maxReplicas"] for name, scaler in of_kind("HorizontalPodAutoscaler").items()}
        most |= {name: scaler["spec"]["maxReplicaCount"] for name, scaler in of_kind("ScaledObject").items()}
        replicas = {name: count + 1 for name, count in most.items()}  # one more of each while it is changed over
        wanted = sum(
            count * ((1 + (name == ANSWERS_STRAIGHT)) * self.pool_of(name) + OTHER_CONNECTIONS)
            for name, count in replicas.items()
        )
        parameters = of_kind("Cluster")["database"]["spec"]["postgresql"]["parameters"]
        assert wanted <= int(parameters["max_connections"]) - 20, wanted

    def test_a_workers_pool_leaves_connections_beside_its_lanes(self) -> None:
        for name in SERVICES:
            assert self.pool_of(f"{name}-worker") > LANES

    def pool_of(self, deployment: str) -> int:
        template = of_kind("Deployment")[deployment]["spec"]["template"]
        return int(environment_of(template, "production")["DATABASE_POOL_SIZE"] or 0)


class TestEdge:
    def test_bodies_are_gathered_but_those_of_websockets(self) -> None:
        policies = of_kind("BackendTrafficPolicy")
        assert policies["calls"]["spec"]["requestBuffer"] == {"limit": "9Mi"}
        assert "requestBuffer" not in policies["websockets"]["spec"]
        routes = of_kind("HTTPRoute")
        assert routes["websockets"]["spec"]["rules"][0]["timeouts"] == {"request": "0s"}

    def test_plain_http_leads_to_https_and_nowhere_else(self) -> None:
        for name, route in of_kind("HTTPRoute").items():
            (parent,) = route["spec"]["parentRefs"]
            assert (parent["sectionName"] == "http") == ("backendRefs" not in route["spec"]["rules"][0]), name

    def test_slow_clients_are_ended(self) -> None:
        policy = of_kind("ClientTrafficPolicy")["edge"]["spec"]
        assert policy["timeout"]["http"].keys() == {"requestReceivedTimeout", "idleTimeout"}
        assert policy["connection"]["connectionLimit"]["value"] > 0

    @pytest.mark.parametrize("overlay", EDGES)
    def test_there_is_one_way_in(self, overlay: str) -> None:
        assert bool(of_kind("Ingress", overlay)) != bool(of_kind("Gateway", overlay))


class TestDatabase:
    def test_the_owner_makes_no_roles_and_reaches_one_database(self) -> None:
        cluster = of_kind("Cluster")["database"]["spec"]
        (owner,) = cluster["managed"]["roles"]
        assert {owner["superuser"], owner["createrole"], owner["bypassrls"]} == {False}
        (rights,) = cluster["bootstrap"]["initdb"]["postInitApplicationSQLRefs"]["configMapRefs"]
        assert "FUNCTION service_roles.ensure" in of_kind("ConfigMap")[rights["name"]]["data"][rights["key"]]
        logins = "loctician,/^loctician_"
        assert cluster["postgresql"]["pg_hba"] == [
            f"hostssl loctician {logins} all scram-sha-256",
            f"host all {logins} all reject",
        ]
