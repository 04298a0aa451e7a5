"""The stage of a rehearsal: a real PostgreSQL, a real load balancer, real processes of the service, on the loopback interface."""

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Self, TypeVar

from seachange.assembly import canonical, intrinsics, substitute
from seachange.plan.model import HealthCheck, Migration, Plan, Release
from seachange.rehearsal.config import RehearsalConfig
from seachange.rehearsal.provider import Invocation
from seachange.rehearsal.stage.database import StageDatabase
from seachange.rehearsal.stage.envoy import LoadBalancer
from seachange.rehearsal.stage.postgres import PostgresServer
from seachange.rehearsal.stage.secrets import SecretsManager
from seachange.rehearsal.stage.tasks import TaskSet, inherited_environment

_Part = TypeVar("_Part")

# The wheel's PostgreSQL is built without TLS.
_WITHOUT_TLS = {"PGSSLMODE": "disable"}


class Stage(AbstractContextManager["Stage"]):
    """Everything that a rehearsal runs on; leaving it ends every process and removes every file but the logs.

    Args:
        plan: What will be rehearsed.
        config: The service's part.
        health: The health check with its local interval.
        logs: Where each part writes its log.
        port: The production listener's port; a free one by default.
        green_errors_percent: Percent of green's answers that become 500.
    """

    def __init__(
        self,
        plan: Plan,
        config: RehearsalConfig,
        *,
        health: HealthCheck,
        logs: Path,
        port: int | None,
        green_errors_percent: float,
    ) -> None:
        self._plan = plan
        self._config = config
        self._logs = logs
        self._exit = contextlib.ExitStack()
        self.unresolved: set[str] = set()
        self._health = health
        self._port = port
        self._green_errors_percent = green_errors_percent

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as undo:
            undo.push(self._exit)
            self.directory = Path(tempfile.mkdtemp(prefix="seachange-"))
            self._exit.callback(shutil.rmtree, self.directory, ignore_errors=True)
            # Another account, PostgreSQL's, must reach its data below when we are root.
            self.directory.chmod(0o711)
            self.secrets = self._exit.enter_context(SecretsManager(logs=self._logs))
            data = self.directory / "postgres"
            data.mkdir()
            self.server = self._exit.enter_context(PostgresServer(data, logs=self._logs))
            balancer = LoadBalancer(
                self.directory / "envoy",
                logs=self._logs,
                health=self._health,
                production_port=self._port,
                green_errors_percent=self._green_errors_percent,
            )
            self.balancer = self._exit.enter_context(balancer)
            self.database = StageDatabase(self.server, self.secrets, self._plan.blue)
            undo.pop_all()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._exit.__exit__(*exception)

    def enter(self, part: AbstractContextManager[_Part]) -> _Part:
        """Adds a part that ends with the stage."""
        return self._exit.enter_context(part)

    def at_exit(self, end: Callable[[], object]) -> None:
        """Has `end` called when the stage ends."""
        self._exit.callback(end)

    def migrate(self, release: Release, request_type: str) -> Invocation:
        """Sends a release's migration resource through its Lambda's handlers."""
        migration: Migration = release.migration
        properties = substitute(dict(migration.properties), self.database.known(release))
        # Nor has a rehearsal's database an instance whose storage anybody measures.
        for name in ("ServiceToken", "InstanceIdentifier"):
            properties.pop(name, None)
        environment = {
            **inherited_environment(),
            **self._local(migration.environment, release),
            **self.secrets.environment,
            **_WITHOUT_TLS,
            "LAMBDA_TASK_ROOT": str(migration.directory),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        invocation = Invocation(
            migration,
            properties,
            environment=environment,
            request_type=request_type,
            work=self.directory,
            logs=self._logs,
        )
        self._exit.callback(invocation.abort)
        return invocation

    def task_set(self, colour: str, release: Release) -> TaskSet:
        """Tasks of a release, started and registered; they end with the stage."""
        environment = {**self._local(release.environment, release), **self.secrets.environment, **_WITHOUT_TLS}
        tasks = TaskSet(
            colour,
            self._config.start,
            directory=self._config.directory,
            environment=environment,
            container_port=release.container_port,
            logs=self._logs,
            balancer=self.balancer,
        )
        self._exit.callback(tasks.stop)
        tasks.start(release.tasks)
        return tasks

    def _local(self, environment: Mapping[str, Any], release: Release) -> dict[str, str]:
        """The template's environment with local values; what stays unknown here is noted, and left out."""
        local = substitute(dict(environment), self.database.known(release))
        unknown = {name for name, value in local.items() if any(True for _ in intrinsics(value))}
        self.unresolved |= {f"{name} = {canonical(local[name])}" for name in unknown}
        return {name: str(value) for name, value in local.items() if name not in unknown}
