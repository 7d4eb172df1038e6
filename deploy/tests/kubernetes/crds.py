"""The published fields of the operators' objects, as far down as the manifests go.

Names alone, read from: CloudNativePG's API reference (postgresql.cnpg.io/v1), the types of plugin-barman-cloud and
barman-cloud (barmancloud.cnpg.io/v1), those of RabbitMQ's two operators (rabbitmq.com/v1beta1), and the
definitions of KEDA (keda.sh/v1alpha1), of the Prometheus Operator (monitoring.coreos.com/v1), of Gateway API
(gateway.networking.k8s.io/v1), of Envoy Gateway (gateway.envoyproxy.io/v1alpha1), of Argo CD and of Flux.
"""

from collections.abc import Iterator, Mapping
from typing import Any

FREE = None  # any content: a string, a number, or one of Kubernetes' own types
Fields = Mapping[str, Any]


def names(text: str) -> dict[str, Any]:
    return dict.fromkeys(text.split(), FREE)


SECRET_KEY = names("name key")
REFERENCE = names("name")
BROKER = names("name namespace connectionSecret")

CLUSTER = names(
    "description inheritedMetadata imageName imageCatalogRef imagePullPolicy schedulerName postgresUID postgresGID"
    " instances minSyncReplicas maxSyncReplicas replicationSlots replica superuserSecret enableSuperuserAccess"
    " certificates imagePullSecrets serviceAccountTemplate ephemeralVolumeSource startDelay stopDelay"
    " smartShutdownTimeout switchoverDelay failoverDelay livenessProbeTimeout affinity topologySpreadConstraints"
    " resources ephemeralVolumesSizeLimit priorityClassName primaryUpdateStrategy primaryUpdateMethod backup"
    " nodeMaintenanceWindow monitoring externalClusters logLevel projectedVolumeTemplate env envFrom seccompProfile"
    " podSecurityContext securityContext tablespaces enablePDB probes"
)
STORAGE = names("storageClass size resizeInUseVolumes pvcTemplate resize")
INITDB = names(
    "database owner secret options dataChecksums encoding localeCollate localeCType locale localeProvider icuLocale"
    " icuRules builtinLocale walSegmentSize postInitSQL postInitApplicationSQL postInitTemplateSQL import"
    " postInitApplicationSQLRefs postInitTemplateSQLRefs postInitSQLRefs"
)
ROLE = names(
    "name comment ensure passwordSecret connectionLimit validUntil inRoles inherit disablePassword superuser createdb"
    " createrole login replication bypassrls"
)
POSTGRESQL = names(
    "pg_hba pg_ident promotionTimeout shared_preload_libraries ldap enableAlterSystem extensions"
    " syncReplicaElectionConstraint"
)
SYNCHRONOUS = names(
    "method number maxStandbyNamesFromCluster standbyNamesPre standbyNamesPost dataDurability failoverQuorum"
)
S3 = names("inheritFromIAMRole") | dict.fromkeys(
    ("accessKeyId", "secretAccessKey", "region", "sessionToken"), SECRET_KEY
)
WAL = names("compression encryption maxParallel archiveAdditionalCommandArgs restoreAdditionalCommandArgs")
DATA = names("compression encryption jobs immediateCheckpoint additionalCommandArgs")
STORE = names("endpointURL endpointCA destinationPath serverName tags historyTags googleCredentials azureCredentials")
RABBITMQ = names(
    "replicas image imagePullSecrets service resources affinity tolerations tls override skipPostDeploySteps"
    " terminationGracePeriodSeconds secretBackend delayStartSeconds autoEnableAllFeatureFlags"
)
TRIGGER = names("type metadata name metricType useCachedMetrics")
SERVICE_MONITOR = names(
    "attachMetadata bodySizeLimit fallbackScrapeProtocol jobLabel keepDroppedTargets labelLimit labelNameLengthLimit"
    " labelValueLengthLimit namespaceSelector nativeHistogramBucketLimit nativeHistogramMinBucketFactor podTargetLabels"
    " sampleLimit scrapeClass scrapeClassicHistograms scrapeProtocols selectorMechanism targetLabels targetLimit"
)
ENDPOINT = names(
    "authorization basicAuth bearerTokenFile bearerTokenSecret enableHttp2 filterRunning followRedirects honorLabels"
    " honorTimestamps interval metricRelabelings oauth2 params path port proxyUrl relabelings scheme scrapeTimeout"
    " targetPort tlsConfig trackTimestampsStaleness"
)

RULE = names("alert record expr for keep_firing_for") | {"labels": FREE, "annotations": FREE}

TARGET = names("group kind name sectionName")
PARENT = names("group kind namespace name sectionName port")
LISTENER = names("name hostname port protocol allowedRoutes") | {
    "tls": names("mode options") | {"certificateRefs": names("group kind name namespace")}
}
ROUTE_RULE = names("name retry sessionPersistence") | {
    "matches": {"path": names("type value"), "headers": FREE, "queryParams": FREE, "method": FREE},
    "filters": names("type requestHeaderModifier responseHeaderModifier requestMirror urlRewrite extensionRef cors")
    | {"requestRedirect": names("scheme hostname path port statusCode")},
    "backendRefs": names("group kind name namespace port weight filters"),
    "timeouts": names("request backendRequest"),
}
HTTP_ROUTE = names("hostnames") | {"parentRefs": PARENT, "rules": ROUTE_RULE}
CLIENT_TRAFFIC = names(
    "targetRef targetSelectors tcpKeepalive enableProxyProtocol proxyProtocol clientIPDetection http1 grpc healthCheck"
    " scheme"
) | {
    "targetRefs": TARGET,
    "timeout": {
        "tcp": names("idleTimeout"),
        "http": names("requestReceivedTimeout idleTimeout"),
    },
    "connection": names("bufferLimit") | {"connectionLimit": names("value closeDelay")},
    "tls": names("minVersion maxVersion ciphers ecdhCurves signatureAlgorithms alpnProtocols clientValidation session"),
    "http2": names("initialStreamWindowSize initialConnectionWindowSize maxConcurrentStreams onInvalidMessage"),
    "http3": FREE,
    "path": names("escapedSlashesAction disableMergeSlashes"),
    "headers": names(
        "enableEnvoyHeaders disableRateLimitHeaders xForwardedClientCert withUnderscoresAction preserveXRequestID"
        " requestID earlyRequestHeaders"
    )
    | {"lateResponseHeaders": {"set": names("name value"), "add": names("name value"), "remove": FREE}},
}
BACKEND_TRAFFIC = names(
    "targetRef targetSelectors mergeType rateLimit faultInjection useClientProtocol compression responseOverride"
    " httpUpgrade telemetry proxyProtocol tcpKeepalive healthCheck connection dns http2"
) | {
    "targetRefs": TARGET,
    "requestBuffer": names("limit"),
    "circuitBreaker": names(
        "maxConnections maxPendingRequests maxParallelRequests maxParallelRetries maxRequestsPerConnection perEndpoint"
    ),
    "loadBalancer": names("type consistentHash slowStart endpointOverride zoneAware"),
    "timeout": {
        "tcp": names("connectTimeout"),
        "http": names("connectionIdleTimeout maxConnectionDuration requestTimeout maxStreamDuration"),
    },
    "retry": names("numRetries numAttemptsPerPriority perRetry") | {"retryOn": names("triggers httpStatusCodes")},
}

SPECS: dict[str, Fields] = {
    "postgresql.cnpg.io/v1 Cluster": CLUSTER
    | {
        "bootstrap": {"initdb": INITDB, "recovery": FREE, "pg_basebackup": FREE},
        "managed": {"roles": ROLE, "services": FREE},
        "postgresql": POSTGRESQL | {"parameters": FREE, "synchronous": SYNCHRONOUS},
        "storage": STORAGE,
        "walStorage": STORAGE,
        "plugins": names("name enabled isWALArchiver parameters"),
    },
    "postgresql.cnpg.io/v1 ScheduledBackup": names(
        "suspend immediate schedule backupOwnerReference target method online onlineConfiguration"
    )
    | {"cluster": REFERENCE, "pluginConfiguration": names("name parameters")},
    "barmancloud.cnpg.io/v1 ObjectStore": {
        "configuration": STORE | {"s3Credentials": S3, "wal": WAL, "data": DATA},
        "retentionPolicy": FREE,
        "instanceSidecarConfiguration": FREE,
    },
    "rabbitmq.com/v1beta1 RabbitmqCluster": RABBITMQ
    | {
        "persistence": names("storageClassName storage"),
        "rabbitmq": names("additionalPlugins additionalConfig advancedConfig envConfig erlangInetConfig"),
    },
    "rabbitmq.com/v1beta1 User": names("tags limits")
    | {"importCredentialsSecret": REFERENCE, "rabbitmqClusterReference": BROKER},
    "rabbitmq.com/v1beta1 Permission": names("user vhost")
    | {"permissions": names("configure read write"), "userReference": REFERENCE, "rabbitmqClusterReference": BROKER},
    "rabbitmq.com/v1beta1 TopicPermission": names("user vhost")
    | {"permissions": names("exchange read write"), "userReference": REFERENCE, "rabbitmqClusterReference": BROKER},
    "keda.sh/v1alpha1 ScaledObject": names(
        "cooldownPeriod idleReplicaCount initialCooldownPeriod maxReplicaCount minReplicaCount pollingInterval"
    )
    | {
        "advanced": names("horizontalPodAutoscalerConfig restoreToOriginalReplicaCount scalingModifiers"),
        "fallback": names("failureThreshold replicas behavior"),
        "scaleTargetRef": names("apiVersion envSourceContainerName kind name"),
        "triggers": TRIGGER | {"authenticationRef": names("kind name")},
    },
    "keda.sh/v1alpha1 TriggerAuthentication": names(
        "awsSecretManager azureKeyVault configMapTargetRef env gcpSecretManager hashiCorpVault podIdentity"
    )
    | {"secretTargetRef": names("key name parameter")},
    "gateway.networking.k8s.io/v1 Gateway": names("gatewayClassName addresses infrastructure")
    | {"listeners": LISTENER},
    "gateway.networking.k8s.io/v1 HTTPRoute": HTTP_ROUTE,
    "gateway.envoyproxy.io/v1alpha1 ClientTrafficPolicy": CLIENT_TRAFFIC,
    "gateway.envoyproxy.io/v1alpha1 BackendTrafficPolicy": BACKEND_TRAFFIC,
    "argoproj.io/v1alpha1 Application": names("project ignoreDifferences info revisionHistoryLimit sources")
    | {
        "source": names("repoURL targetRevision path chart directory helm kustomize plugin ref name"),
        "destination": names("server name namespace"),
        "syncPolicy": names("syncOptions managedNamespaceMetadata")
        | {
            "automated": names("prune selfHeal allowEmpty enabled"),
            "retry": names("limit refresh") | {"backoff": names("duration factor maxDuration")},
        },
    },
    "kustomize.toolkit.fluxcd.io/v1 Kustomization": names(
        "commonMetadata components decryption deletionPolicy force healthCheckExprs images interval kubeConfig"
        " namePrefix nameSuffix path patches postBuild prune retryInterval serviceAccountName suspend targetNamespace"
        " timeout wait"
    )
    | {
        "dependsOn": names("name namespace readyExpr"),
        "healthChecks": names("apiVersion kind name namespace"),
        "sourceRef": names("apiVersion kind name namespace"),
    },
    "monitoring.coreos.com/v1 PodMonitor": names("selector namespaceSelector podTargetLabels jobLabel sampleLimit")
    | {"podMetricsEndpoints": ENDPOINT},
    "monitoring.coreos.com/v1 PrometheusRule": {
        "groups": names("name interval limit partialResponseStrategy query_offset labels") | {"rules": RULE}
    },
    "monitoring.coreos.com/v1 ServiceMonitor": SERVICE_MONITOR
    | {"selector": names("matchLabels matchExpressions"), "endpoints": ENDPOINT},
}


def unknown(value: Any, fields: Fields | None, path: str = "spec") -> Iterator[str]:
    """The fields of a value that its definition does not have."""
    if fields is FREE:
        return
    if isinstance(value, list):
        for place, item in enumerate(value):
            yield from unknown(item, fields, f"{path}[{place}]")
        return
    for name, within in value.items():
        if name in fields:
            yield from unknown(within, fields[name], f"{path}.{name}")
        else:
            yield f"{path}.{name}"
