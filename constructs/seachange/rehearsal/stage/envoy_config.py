"""Envoy's configuration, written so that it behaves like an Application Load Balancer.

Like the ALB it weighs two target groups, checks health with thresholds, routes to all targets when none is healthy (fail open), closes idle
connections after a minute, and retries nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seachange.plan.model import COLOURS, HealthCheck
from seachange.rehearsal.stage.ports import LOOPBACK

_IDLE_TIMEOUT = "60s"  # the ALB's default
_TYPE = "type.googleapis.com/envoy.extensions"
_FAULT = f"{_TYPE}.filters.http.fault.v3.HTTPFault"


@dataclass(frozen=True, kw_only=True)
class EnvoySettings:
    """What Envoy is told.

    Attributes:
        production_port, test_port, admin_port: Ports on the loopback interface.
        directory: Where each group's registered targets lie; Envoy watches it.
        access_log: Where the production listener's requests are written.
        health: The target groups' health check; times are taken as given.
        green_errors_percent: Percent of green's requests on the production listener that are answered 500 in its place.
    """

    production_port: int
    test_port: int
    admin_port: int
    directory: Path
    access_log: Path
    health: HealthCheck
    green_errors_percent: float

    def targets(self, colour: str) -> Path:
        """The file with a group's targets, alone in a directory of its own."""
        return self.directory / f"targets-{colour}" / "targets.json"


def envoy_config(settings: EnvoySettings) -> dict[str, Any]:
    """The whole bootstrap configuration."""
    green = {"name": "green", "weight": 0} | _errors(settings.green_errors_percent)
    weighted = {"clusters": [{"name": "blue", "weight": 100}, green], "runtime_key_prefix": "prod"}
    listeners = [
        _listener(
            "production", settings.production_port, {"weighted_clusters": weighted}, _access_log(settings.access_log)
        ),
        _listener("test", settings.test_port, {"cluster": "green"}),
    ]
    return {
        "node": {"id": "rehearsal", "cluster": "rehearsal"},
        "admin": {"address": _address(settings.admin_port)},
        "layered_runtime": {"layers": [{"name": "admin", "admin_layer": {}}]},
        "static_resources": {
            "listeners": listeners,
            "clusters": [_cluster(colour, settings.targets(colour), settings.health) for colour in COLOURS],
        },
    }


def endpoints(colour: str, ports: list[int], version: str) -> dict[str, Any]:
    """The contents of a targets file."""
    resource = {
        "@type": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
        "cluster_name": colour,
        "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _address(port)}} for port in ports]}],
    }
    return {"version_info": version, "resources": [resource]}


def _errors(percent: float) -> dict[str, Any]:
    if not percent:
        return {}
    percentage = {"numerator": round(percent * 10_000), "denominator": "MILLION"}
    fault = {"@type": _FAULT, "abort": {"http_status": 500, "percentage": percentage}}
    return {"typed_per_filter_config": {"envoy.filters.http.fault": fault}}


def _listener(name: str, port: int, route: Mapping[str, Any], *access_logs: Mapping[str, Any]) -> dict[str, Any]:
    routes = [{"match": {"prefix": "/"}, "route": {**route, "timeout": _IDLE_TIMEOUT}}]
    router = {"@type": f"{_TYPE}.filters.http.router.v3.Router"}
    manager = {
        "@type": f"{_TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": name,
        "route_config": {
            "virtual_hosts": [{"name": name, "domains": ["*"], "routes": routes}],
            # As the ALB tells its targets, whatever the client says; that is how a fault finds the public's requests.
            "request_headers_to_add": [
                {
                    "header": {"key": "x-forwarded-port", "value": str(port)},
                    "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
                }
            ],
        },
        "common_http_protocol_options": {"idle_timeout": _IDLE_TIMEOUT},
        "access_log": list(access_logs),
        "http_filters": [
            {"name": "envoy.filters.http.fault", "typed_config": {"@type": _FAULT}},
            {"name": "envoy.filters.http.router", "typed_config": router},
        ],
    }
    filters = [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]
    return {"name": name, "address": _address(port), "filter_chains": [{"filters": filters}]}


def _access_log(path: Path) -> dict[str, Any]:
    line = {
        "start": "%START_TIME(%s.%6f)%",
        "duration_us": "%COMMON_DURATION(DS_RX_BEG:DS_TX_END:us)%",
        # The ALB's TargetResponseTime: from the request sent to the first of the response's headers.
        "target_us": "%COMMON_DURATION(US_TX_BEG:US_RX_BEG:us)%",
        "colour": "%UPSTREAM_CLUSTER%",
        "status": "%RESPONSE_CODE%",
        "flags": "%RESPONSE_FLAGS%",
    }
    log_type = f"{_TYPE}.access_loggers.file.v3.FileAccessLog"
    log = {"@type": log_type, "path": str(path), "log_format": {"json_format": line}}
    return {"name": "envoy.access_loggers.file", "typed_config": log}


def _cluster(colour: str, targets: Path, health: HealthCheck) -> dict[str, Any]:
    check = {
        "timeout": f"{health.timeout_s}s",
        "interval": f"{health.interval_s}s",
        "no_traffic_interval": f"{health.interval_s}s",
        "unhealthy_threshold": health.unhealthy,
        "healthy_threshold": health.healthy,
        "http_health_check": {
            "path": health.path,
            "host": LOOPBACK,
            "expected_statuses": _ranges(health.codes),
            # Without this Envoy takes a target out at its first wrong answer, whatever the threshold.
            "retriable_statuses": [{"start": 100, "end": 600}],
        },
    }
    source = {"path": str(targets), "watched_directory": {"path": str(targets.parent)}}
    return {
        "name": colour,
        "type": "EDS",
        "eds_cluster_config": {"eds_config": {"path_config_source": source, "resource_api_version": "V3"}},
        "connect_timeout": "10s",
        "common_lb_config": {"healthy_panic_threshold": {"value": 1}},
        "ignore_health_on_host_removal": True,
        "health_checks": [check],
    }


def _ranges(codes: str) -> list[dict[str, int]]:
    """Envoy's half-open ranges for a matcher such as `200`, `200,204` or `200-299`."""
    bounds = [part.split("-") for part in codes.split(",")]
    return [{"start": int(bound[0]), "end": int(bound[-1]) + 1} for bound in bounds]


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": LOOPBACK, "port_value": port}}
