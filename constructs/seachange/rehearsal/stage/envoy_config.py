"""Envoy's configuration, written so that it behaves like an Application Load Balancer.

Like the ALB it weighs two target groups, follows the listener's rules, checks health with thresholds, routes to all targets when none is healthy
(fail open), keeps idle connections as long on both sides, limits neither requests nor connections, asks targets with HTTP/1.1, and retries nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from seachange.plan.model import COLOURS, HealthCheck
from seachange.plan.routing import Listener
from seachange.rehearsal.stage.envoy_routes import cluster_route, routes
from seachange.rehearsal.stage.ports import LOOPBACK

_TYPE = "type.googleapis.com/envoy.extensions"
# The ALB gives up a connection to a target after ten seconds.
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html
_CONNECT_TIMEOUT = "10s"
# Envoy's own limits of 1,024 would answer 503 where an ALB lets a slow target's requests pile up.
_UNLIMITED = 1_000_000
_ALGORITHMS = {"round_robin": "ROUND_ROBIN", "least_outstanding_requests": "LEAST_REQUEST", "weighted_random": "RANDOM"}
# What an ALB answers in a target's place where Envoy would say 503.
_STATUSES = {("UF", "UC", "UR", "LR", "UPE"): 502, ("SI", "UT"): 504}


@dataclass(frozen=True, kw_only=True)
class EnvoySettings:
    """What Envoy is told.

    Attributes:
        production_port, test_port, admin_port: Ports on the loopback interface.
        directory: Where each group's registered targets lie; Envoy watches it.
        access_log: Where the production listener's requests are written.
        health: The target groups' health check; times are taken as given.
        listener: The production listener.
    """

    production_port: int
    test_port: int
    admin_port: int
    directory: Path
    access_log: Path
    health: HealthCheck
    listener: Listener = field(default_factory=Listener)

    def targets(self, colour: str) -> Path:
        """The file with a group's targets, alone in a directory of its own."""
        return self.directory / f"targets-{colour}" / "targets.json"


def envoy_config(settings: EnvoySettings) -> dict[str, Any]:
    """The whole bootstrap configuration."""
    listener = settings.listener
    test = {"match": {"prefix": "/"}, "route": cluster_route({"cluster": "green"}, listener.idle_timeout_s)}
    listeners = [
        _listener("production", settings.production_port, listener, routes(listener), _access_log(settings.access_log)),
        _listener("test", settings.test_port, replace(listener, port=None), [test]),
    ]
    return {
        "node": {"id": "rehearsal", "cluster": "rehearsal"},
        "admin": {"address": _address(settings.admin_port)},
        "layered_runtime": {"layers": [{"name": "admin", "admin_layer": {}}]},
        "static_resources": {
            "listeners": listeners,
            "clusters": [_cluster(colour, settings) for colour in COLOURS],
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


def _listener(
    name: str, port: int, listener: Listener, routes: Sequence[Mapping[str, Any]], *access_logs: Mapping[str, Any]
) -> dict[str, Any]:
    idle = f"{listener.idle_timeout_s:g}s"
    manager = {
        "@type": f"{_TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": name,
        "route_config": {
            "virtual_hosts": [{"name": name, "domains": ["*"], "routes": list(routes)}],
            # As the ALB tells its targets, whatever the client says; the port is also how a fault finds the public's requests.
            "request_headers_to_add": [
                _request_header("x-forwarded-port", str(listener.port or port)),
                _request_header("x-forwarded-proto", listener.protocol),
            ],
            "request_headers_to_remove": ["x-envoy-internal", "x-envoy-external-address"],
        },
        "common_http_protocol_options": {"idle_timeout": idle},
        "stream_idle_timeout": idle,
        # Else a connection that has been idle for too long would still take requests for five seconds.
        "drain_timeout": "0.001s",
        # The client's address is appended to X-Forwarded-For; nothing of Envoy's own is added.
        "use_remote_address": True,
        "generate_request_id": False,
        "server_header_transformation": "PASS_THROUGH",
        "local_reply_config": {"mappers": [_status(flags, status) for flags, status in _STATUSES.items()]},
        "access_log": list(access_logs),
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"{_TYPE}.filters.http.router.v3.Router", "suppress_envoy_headers": True},
            }
        ],
    }
    filters = [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]
    return {"name": name, "address": _address(port), "filter_chains": [{"filters": filters}]}


def _request_header(name: str, value: str) -> dict[str, Any]:
    return {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}


def _status(flags: Sequence[str], status: int) -> dict[str, Any]:
    return {"filter": {"response_flag_filter": {"flags": list(flags)}}, "status_code": status}


def _access_log(path: Path) -> dict[str, Any]:
    line = {
        "start": "%START_TIME(%s.%6f)%",
        "duration_us": "%COMMON_DURATION(DS_RX_BEG:DS_TX_END:us)%",
        # The ALB's TargetResponseTime: from the request sent to the first of the response's headers.
        "target_us": "%COMMON_DURATION(US_TX_BEG:US_RX_BEG:us)%",
        "colour": "%UPSTREAM_CLUSTER%",
        "status": "%RESPONSE_CODE%",
        "flags": "%RESPONSE_FLAGS%",
        # The load numbers its requests, so that each of its records finds its line.
        "number": "%REQ(X-SEACHANGE-REQUEST)%",
    }
    log_type = f"{_TYPE}.access_loggers.file.v3.FileAccessLog"
    log = {"@type": log_type, "path": str(path), "log_format": {"json_format": line}}
    return {"name": "envoy.access_loggers.file", "typed_config": log}


def _cluster(colour: str, settings: EnvoySettings) -> dict[str, Any]:
    targets, health = settings.targets(colour), settings.health
    idle = {"idle_timeout": f"{settings.listener.idle_timeout_s:g}s"}
    http = {
        "@type": f"{_TYPE}.upstreams.http.v3.HttpProtocolOptions",
        "common_http_protocol_options": idle,
        "explicit_http_config": {"http_protocol_options": {}},
    }
    limits = dict.fromkeys(("max_connections", "max_pending_requests", "max_requests"), _UNLIMITED)
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
        "lb_policy": _ALGORITHMS.get(settings.listener.algorithm, "ROUND_ROBIN"),
        "connect_timeout": _CONNECT_TIMEOUT,
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": http},
        "circuit_breakers": {"thresholds": [limits]},
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
