"""Runs a plan: blue serves, the schema expands, green comes up, traffic shifts, blue bakes and ends, and every claim is measured."""

import dataclasses
import math
import time
from collections.abc import Callable

from seachange.plan.model import COLOURS, HealthCheck, Plan, Release
from seachange.rehearsal import data
from seachange.rehearsal.clock import Clock
from seachange.rehearsal.config import RehearsalConfig
from seachange.rehearsal.metrics import Measurements
from seachange.rehearsal.outcome import Options, Outcome
from seachange.rehearsal.progress import Progress, Status
from seachange.rehearsal.stage import Stage
from seachange.rehearsal.stage.tasks import TaskSet
from seachange.rehearsal.traffic import Traffic
from seachange.rehearsal.watch import AlarmWatch
from seachange_deployments.smoke import run as run_steps

# A minute of the plan's clock is CloudWatch's and the ALB's unit; measurements are kept in slices of it.
MINUTE_S = 60.0
_BASELINE_S = 5.0
_AFTER_S = 1.0
_TICK_S = 0.05
_SURROUNDINGS_S = 600.0
_SHORTEST_HEALTH_INTERVAL_S = 1.0


class AlarmFiredError(Exception):
    """Decisive alarms are in ALARM: CodeDeploy stops the deployment."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(", ".join(names))
        self.names = names


class Rehearsal:
    """One run of one plan."""

    def __init__(self, plan: Plan, config: RehearsalConfig, options: Options, progress: Progress) -> None:
        self._plan = plan
        self._config = config
        self._options = options
        self._progress = progress
        self._status = Status()
        self._outcome = Outcome()
        self._tasks: list[TaskSet] = []
        self._slice_s = MINUTE_S / options.speed
        self._observed_slice = 0
        self._measurements: Measurements | None = None
        self._traffic: Traffic | None = None
        self._watch: AlarmWatch | None = None

    def run(self) -> Outcome:
        """Runs the plan to its end, good or bad; an error means that it could not be rehearsed."""
        options = self._options
        health = dataclasses.replace(
            self._plan.health, interval_s=local_health_interval_s(self._plan.health, options.speed)
        )
        self._begin("stage")
        stage = Stage(
            self._plan,
            self._config,
            health=health,
            logs=options.logs,
            port=options.port,
            green_errors_percent=options.drill.green_errors_percent,
        )
        with stage:
            self._stage = stage
            blue = self._serve_blue()
            values = data.sample(stage.database.owner_dsn, self._config.values)
            measurements = stage.enter(Measurements(stage.balancer.access_log, slice_s=self._slice_s))
            self._measurements = measurements
            self._traffic = Traffic(
                self._config,
                values,
                rate=options.rate,
                max_s=self._longest_s(),
                balancer=stage.balancer,
                work=stage.directory,
                logs=options.logs,
            )
            stage.at_exit(self._traffic.abort)
            self._outcome.started = time.time()
            self._weigh(0)
            self._release(blue, measurements)
            self._begin("last answers")
            self._outcome.records = self._traffic.end()
            self._traffic = None
            self._begin("compare every row")
            self._outcome.comparison = data.compare(
                stage.database.owner_dsn, self._config.blue_view, self._config.green_view
            )
            self._begin("end")
            self._outcome.slices = measurements.slices()
            self._outcome.unresolved = sorted(stage.unresolved)
        return self._outcome

    def _serve_blue(self) -> TaskSet:
        """Makes the world before the deployment: blue's schema, rows, and blue's tasks."""
        self._begin("blue: migration")
        self._migrate(self._plan.blue, "Create")
        self._begin(f"seed {self._options.rows:,} rows")
        data.seed(self._stage.database.owner_dsn, self._config.seed_sql, self._options.rows)
        self._begin("blue: tasks start")
        return self._start("blue", self._plan.blue)

    def _release(self, blue: TaskSet, measurements: Measurements) -> None:
        """The deployment itself, under load."""
        self._begin("baseline")
        self._wait(time.time() + _BASELINE_S)
        self._begin("migration")
        self._outcome.migration = self._migrate(self._plan.green, "Update")
        self._begin("green: tasks start")
        green = self._start("green", self._plan.green)
        try:
            if self._smoke_passes():
                self._shift_and_bake(measurements)
            else:
                self._outcome.rolled_back = True
        except AlarmFiredError as fired:
            self._outcome.rolled_back = self._plan.shift.rolls_back_on_alarm
            self._outcome.stopped_by = fired.names
            if self._plan.shift.rolls_back_on_alarm:
                self._weigh(0)
        self._watch = None
        if self._outcome.rolled_back:
            self._end(green)
        elif not self._outcome.stopped_by:
            self._end(blue)

    def _smoke_passes(self) -> bool:
        """Whether the release's smoke test passes behind the test listener; a release without one passes."""
        smoke = self._plan.smoke
        if smoke is None:
            return True
        self._begin("smoke tests")
        balancer = self._stage.balancer
        self._outcome.smoke = run_steps(
            smoke.steps, [balancer.host], balancer.test_port, server_name=smoke.host, limit_s=smoke.limit_s
        )
        return self._outcome.smoke.passed

    def _shift_and_bake(self, measurements: Measurements) -> None:
        """Shifts step by step, then bakes; AlarmFiredError when a decisive alarm does."""
        self._begin("shift")
        # The plan's clock starts on a whole slice, so that alarm periods and measurements agree.
        clock = Clock(start=self._slice_s * math.ceil(time.time() / self._slice_s), speed=self._options.speed)
        self._outcome.clock = clock
        self._watch = AlarmWatch(self._plan, measurements, clock)
        self._outcome.watch = self._watch
        for step in self._plan.shift.steps:
            self._wait(clock.real(step.at_s))
            self._weigh(step.green_weight)
        self._begin("bake")
        self._wait(clock.real(self._plan.shift.duration_s + self._plan.shift.bake_s))

    def _end(self, tasks: TaskSet) -> None:
        """Ends tasks in good order: out of the target group, the requests under way to their end, then SIGTERM."""
        self._begin(f"{tasks.colour}: ends")
        self._tasks.remove(tasks)
        tasks.deregister()
        deadline = time.time() + self._plan.deregistration_delay_s
        self._wait(deadline, sooner=tasks.idle)
        tasks.stop()
        self._wait(time.time() + _AFTER_S)

    def _migrate(self, release: Release, request_type: str) -> dict[str, str]:
        invocation = self._stage.migrate(release, request_type)
        self._wait(math.inf, sooner=invocation.done)
        return invocation.attributes()

    def _start(self, colour: str, release: Release) -> TaskSet:
        tasks = self._stage.task_set(colour, release)
        self._tasks.append(tasks)
        self._wait(math.inf, sooner=lambda: tasks.ready(self._config.ready_timeout_s))
        return tasks

    def _wait(self, until: float, *, sooner: Callable[[], bool] = lambda: False) -> None:
        """Waits until an epoch second, or `sooner`; meanwhile every part must live, is measured, and the decisive alarms must be quiet."""
        while not sooner() and (left := until - time.time()) > 0:
            self._tick()
            time.sleep(min(_TICK_S, left))

    def _tick(self) -> None:
        now = time.time()
        self._stage.balancer.must_run()
        for tasks in self._tasks:
            tasks.must_run()
        if self._traffic and self._measurements:
            totals = self._traffic.totals()
            self._show(requests=totals.sent, failed=totals.failed)
            if now // self._slice_s > self._observed_slice:
                self._observed_slice = int(now // self._slice_s)
                for colour in COLOURS:
                    self._measurements.observe_hosts(now, colour, self._stage.balancer.hosts(colour))
        if self._watch and (names := self._watch.poll(now)):
            raise AlarmFiredError(tuple(names))

    def _weigh(self, green_percent: int) -> None:
        self._stage.balancer.weigh(green_percent)
        self._outcome.weights.append((time.time(), green_percent))
        self._show(green_weight=green_percent)

    def _longest_s(self) -> float:
        """How long the load may last at most: the plan, the migration's limit, and what surrounds them."""
        plan = self._plan
        return (
            (plan.shift.duration_s + plan.shift.bake_s) / self._options.speed
            + plan.green.migration.limit_s
            + _SURROUNDINGS_S
        )

    def _begin(self, phase: str) -> None:
        self._outcome.phases.append((phase, time.time()))
        self._show(phase=phase)

    def _show(self, **changes: object) -> None:
        self._status = dataclasses.replace(self._status, **changes)  # type: ignore[arg-type]
        self._progress.show(self._status)


def local_health_interval_s(health: HealthCheck, speed: float) -> float:
    """The health check's interval here: scaled like the plan's clock, but never below a second, as checks cost the service work."""
    return max(_SHORTEST_HEALTH_INTERVAL_S, health.interval_s / speed)
