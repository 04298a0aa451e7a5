"""The stage of a rehearsal: a real PostgreSQL, a real load balancer, real processes of the service, on the loopback interface."""

import contextlib
import dataclasses
import shutil
import tempfile
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Self, TypeVar

from seachange.assembly import canonical, intrinsics, substitute
from seachange.plan.faults import NO_FAULT, Fault
from seachange.plan.model import COLOURS, Migration, Plan, Release
from seachange.rehearsal.clock import local_health_interval_s
from seachange.rehearsal.config import RehearsalConfig, Source
from seachange.rehearsal.errors import ConfigError
from seachange.rehearsal.options import Options
from seachange.rehearsal.provider import Invocation
from seachange.rehearsal.releases import prepared
from seachange.rehearsal.stage.database import StageDatabase
from seachange.rehearsal.stage.envoy import LoadBalancer
from seachange.rehearsal.stage.fault_proxy import FaultProxy, on_this_stage
from seachange.rehearsal.stage.launch import Launcher, inherited_environment, local_command
from seachange.rehearsal.stage.postgres import PostgresServer
from seachange.rehearsal.stage.secrets import SecretsManager
from seachange.rehearsal.stage.tasks import TaskSet

_Part = TypeVar("_Part")

# The wheel's PostgreSQL is built without TLS.
_WITHOUT_TLS = {"PGSSLMODE": "disable"}


class Stage(AbstractContextManager["Stage"]):
    """Everything that a rehearsal runs on; leaving it ends every process and removes every file but the logs.

    `green_fault` is what green's tasks will do wrong, in the plan's words; nothing by default.

    Args:
        plan: What will be rehearsed.
        config: The service's part.
        options: How: speed, port, drill, and where each part writes its log.
    """

    def __init__(self, plan: Plan, config: RehearsalConfig, options: Options) -> None:
        self._plan = plan
        self._config = config
        self._options = options
        self._logs = options.logs
        self._exit = contextlib.ExitStack()
        self.unresolved: set[str] = set()
        self.green_fault = NO_FAULT
        interval_s = local_health_interval_s(plan.health, options.speed)
        self._health = dataclasses.replace(plan.health, interval_s=interval_s)
        self._doors: dict[str, list[FaultProxy]] = {"blue": [], "green": []}

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as undo:
            undo.push(self._exit)
            self.directory = Path(tempfile.mkdtemp(prefix="seachange-"))
            self._exit.callback(shutil.rmtree, self.directory, ignore_errors=True)
            # Another account, PostgreSQL's, must reach its data below when we are root.
            self.directory.chmod(0o711)
            # The cheap things first: a missing revision, image or program is said before anything starts.
            self._prepared = {
                colour: self._exit.enter_context(prepared(self._source(colour), self.directory)) for colour in COLOURS
            }
            self.secrets = self._exit.enter_context(SecretsManager(logs=self._logs))
            data = self.directory / "postgres"
            data.mkdir()
            self.server = self._exit.enter_context(PostgresServer(data, logs=self._logs))
            balancer = LoadBalancer(
                self.directory / "envoy",
                logs=self._logs,
                health=self._health,
                listener=self._plan.listener,
                production_port=self._options.port,
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
        """Tasks of a release, started and registered in a group; they end with the stage.

        The faults of a drill are green's: blue's build in the green group, and blue itself until `begin_fault`, have none.
        """
        drill = self._options.drill
        green = release is self._plan.green
        fault = on_this_stage(self.green_fault, speed=self._options.speed, tasks=release.tasks)
        faulty = (fault != NO_FAULT or drill.smoke_fails) if green else drill.blue != NO_FAULT and colour == "blue"
        tasks = TaskSet(
            colour,
            self._launcher(release),
            name=colour if green or colour == "blue" else "blue-in-green",
            count=release.tasks,
            balancer=self.balancer,
            stop_timeout_s=release.stop_timeout_s,
            in_front=(lambda name, port: self._door(colour, name, port, fault if green else NO_FAULT))
            if faulty
            else None,
            crash_after_s=drill.crash_after_s if green else None,
        )
        self._exit.callback(tasks.stop)
        tasks.start()
        return tasks

    def begin_fault(self, colour: str, fault: Fault) -> None:
        """Has the tasks of a colour that a drill wants faulty perform the fault from now on."""
        for door in self._doors[colour]:
            door.set(fault)

    def _source(self, colour: str) -> Source:
        """A colour's code and command: the configuration's, else the command of the template's container."""
        source = self._config.source(colour)
        if source.start or source.image is not None:
            return source
        release = self._plan.green if colour == "green" else self._plan.blue
        if not release.command:
            raise ConfigError(
                f"{self._config.path} does not say how {colour} starts, and the template leaves that to the image; add [service] start"
            )
        start = local_command(release.command, release.container_port)
        return dataclasses.replace(source, start=start)

    def _door(self, colour: str, name: str, port: int, fault: Fault) -> FaultProxy:
        # A task that replaces another goes on with the fault's time.
        begun = [since for door in self._doors[colour] if (since := door.performed().since) is not None]
        door = FaultProxy(
            port,
            fault,
            production_port=self.balancer.forwarded_port,
            health_path=self._plan.health.path,
            smoke=self._options.drill.smoke_fails,
            since=min(begun, default=None),
            name=f"{name}-fault",
            work=self.directory,
            logs=self._logs,
        )
        self._doors[colour].append(door)
        return door

    def _launcher(self, release: Release) -> Launcher:
        colour = "green" if release is self._plan.green else "blue"
        source = self._config.source(colour)
        left_out = [name for name in release.secrets if name not in source.environment]
        self.unresolved |= {f"{name}, which ECS fills from a secret or parameter" for name in left_out}
        known = self._local(release.environment, release, given=source.environment.keys())
        own = source.local_environment(known, self.database.placeholders)
        return Launcher(
            self._prepared[colour],
            environment={**known, **own, **self.secrets.environment, **_WITHOUT_TLS},
            container_port=release.container_port,
            logs=self._logs,
        )

    def _local(
        self, environment: Mapping[str, Any], release: Release, *, given: Collection[str] = ()
    ) -> dict[str, str]:
        """The template's environment with local values; what stays unknown here, and nobody gives, is noted and left out."""
        local = substitute(dict(environment), self.database.known(release))
        unknown = {name for name, value in local.items() if any(True for _ in intrinsics(value))}
        self.unresolved |= {f"{name} = {canonical(local[name])}" for name in unknown - set(given)}
        return {name: str(value) for name, value in local.items() if name not in unknown}
