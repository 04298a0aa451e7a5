"""Runs a plan: blue serves, the schema expands, green comes up, traffic shifts, blue bakes and ends, and every claim is measured."""

import dataclasses
import math
import time
from collections.abc import Sequence
from typing import Any

from seachange.plan.model import Plan, Release
from seachange.rehearsal import data
from seachange.rehearsal.access_log import Entry, numbered
from seachange.rehearsal.acts import Moment
from seachange.rehearsal.clock import healthy_within_s
from seachange.rehearsal.config import RehearsalConfig
from seachange.rehearsal.deployment import deploy
from seachange.rehearsal.duration import longest_s
from seachange.rehearsal.errors import MigrationFailedError, NotApplicableError, StageError
from seachange.rehearsal.expectations import concerned, expect, measured
from seachange.rehearsal.live import Live, StoppedError
from seachange.rehearsal.load.record import Record
from seachange.rehearsal.machine import Machine, overload
from seachange.rehearsal.metrics import Measurements
from seachange.rehearsal.observers import Observer
from seachange.rehearsal.options import Options
from seachange.rehearsal.outcome import BASELINE, BASELINE_ENDS, Ending, Outcome
from seachange.rehearsal.phases import baseline_answers
from seachange.rehearsal.progress import Progress
from seachange.rehearsal.stage.sabotage import breaking
from seachange.rehearsal.stage.stage import Stage
from seachange.rehearsal.stage.tasks import TaskSet
from seachange.rehearsal.traffic import Traffic

# A minute of the plan's clock is CloudWatch's and the ALB's unit; measurements are kept in slices of it.
MINUTE_S = 60.0
BASELINE_S = 10.0
_AFTER_S = 1.0


class Rehearsal:
    """One run of one plan."""

    def __init__(self, plan: Plan, config: RehearsalConfig, options: Options, progress: Progress) -> None:
        self._plan = plan
        # A client stays with its colour by the cookie that it keeps.
        self._config = dataclasses.replace(config, cookies=True) if options.drill.sticky else config
        self._options = options
        self._progress = progress
        self._ready_timeout_s = healthy_within_s(plan.health, options.speed, config.ready_timeout_s)
        self._outcome = Outcome()

    def run(self) -> Outcome:
        """Runs the plan to its end, good or bad; an error means that it could not be rehearsed."""
        options, outcome = self._options, self._outcome
        if options.drill.sticky and not self._plan.listener.is_sticky:
            raise NotApplicableError("the listener's target groups are not sticky: every client follows the weights")
        if not self._plan.shift.bake_s and any(act.moment is Moment.BAKE for act in options.drill.acts):
            raise NotApplicableError("the deployment has no bake: blue ends as soon as green has all the traffic")
        slice_s = MINUTE_S / options.speed
        outcome.phases.append(("stage", time.time()))
        stage = Stage(self._plan, self._config, options)
        with stage:
            live = self._live = Live(stage, outcome, self._progress, slice_s=slice_s)
            blue = self._serve_blue()
            live.begin("count the rows")
            values = data.sample(stage.database.owner_dsn, self._config.values)
            live.measurements = stage.enter(Measurements(stage.balancer.access_log, slice_s=slice_s))
            machine = stage.enter(Machine())
            observer = stage.enter(Observer(stage.server.dsn(stage.database.name)))
            outcome.rows_before = data.count(stage.database.owner_dsn, self._config.blue_view)
            live.traffic = self._load(values)
            live.carried_rate = options.rate
            outcome.started = time.time()
            live.weigh(0)
            self._compare_blue_with_itself()
            self._prepare_the_drill()
            self._release(blue)
            live.begin("last answers")
            live.finish_background()
            outcome.records = live.traffic.end()
            live.traffic = None
            live.begin("compare every row")
            # Without its migration green has no view of its own: the rows must be there, as blue sees them.
            green_view = self._config.green_view if outcome.migration else self._config.blue_view
            outcome.comparison = data.compare(stage.database.owner_dsn, self._config.blue_view, green_view)
            live.begin("end")
            outcome.logged = self._logged(outcome.records)
            outcome.slices = live.measurements.slices()
            outcome.cpu_percent = [percent for at, percent in machine.cpu if at > outcome.started]
            outcome.seen = observer.seen
            began = outcome.began("migration") or math.inf
            spans = observer.spans(options.logs / "migration.log")
            outcome.spans = [span for span in spans if span.start >= began]
            outcome.unresolved = sorted(stage.unresolved)
        return outcome

    def _serve_blue(self) -> TaskSet:
        """Makes the world before the deployment: blue's schema, rows, and blue's tasks."""
        live, release = self._live, self._plan.blue
        if self._config.dump is not None:
            # It brings its alembic_version: blue's migration then has nothing to run, or the rest.
            live.begin("restore the dump")
            live.stage.database.restore(self._config.dump)
        live.begin("blue: migration")
        self._migrate(release, "Create")
        if self._config.seed_sql is not None:
            rows = self._options.rows or 0
            live.begin(f"seed {rows:,} rows")
            data.seed(live.stage.database.owner_dsn, self._config.seed_sql, rows)
        live.begin("blue: tasks start")
        return self._start("blue", release)

    def _load(self, values: dict[str, Any]) -> Traffic:
        stage = self._live.stage
        traffic = Traffic(
            self._config,
            values,
            rate=self._options.rate,
            max_s=longest_s(self._plan, self._options, ready_timeout_s=self._ready_timeout_s),
            idle_timeout_s=self._plan.listener.idle_timeout_s,
            balancer=stage.balancer,
            work=stage.directory,
            logs=self._options.logs,
        )
        stage.at_exit(traffic.abort)
        return traffic

    def _logged(self, records: Sequence[Record]) -> dict[int, Entry]:
        """What the load balancer wrote of these requests, by their numbers."""
        numbers = [str(record.number) for record in records]
        found = numbered(self._live.stage.balancer.access_log, numbers)
        return {int(number): entry for number, entry in found.items()}

    def _compare_blue_with_itself(self) -> None:
        """The A/A phase: blue's build in both groups, half the traffic each; what differs there differs by chance."""
        live = self._live
        live.begin("baseline starts")
        twin = self._start("green", self._plan.blue)
        live.begin(BASELINE)
        live.weigh(50)
        live.wait(time.time() + BASELINE_S)
        live.weigh(0)
        live.carried_rate = None
        live.begin(BASELINE_ENDS)
        self._end(twin)

    def _prepare_the_drill(self) -> None:
        """What the drill does to this service, and what must come of it."""
        live, drill, outcome = self._live, self._options.drill, self._outcome
        assert live.traffic is not None  # the baseline was under load
        so_far = live.traffic.so_far()
        why = overload(
            live.traffic.totals().sent, len(so_far), [record.lag_s for record in so_far], rate=self._options.rate
        )
        if why is not None:
            raise StageError(why)
        fault = concerned(drill.fault(self._plan.shift), so_far)
        if fault is None:
            raise NotApplicableError("the load asks but one endpoint, so none of them can go bad alone")
        # Not from the measurements: a slice of theirs, a minute of the plan, may be longer than the baseline.
        answers = baseline_answers(outcome, so_far, self._logged(so_far))
        if len(answers) < 2:
            raise StageError("no target answered in the baseline; look at the tasks' logs")
        profile = measured(self._plan, self._options, answers)
        outcome.expectation = expect(drill, fault, self._plan, self._options, profile)
        live.stage.green_fault = outcome.fault = fault
        live.stage.begin_fault("blue", drill.blue)

    def _release(self, blue: TaskSet) -> None:
        """The deployment itself, under load: expand, green, shift, bake; then blue ends, or green does."""
        live = self._live
        green: TaskSet | None = None
        try:
            self._expand()
            live.begin("green: tasks start")
            green = live.deploying = self._task_set("green", self._plan.green)
            deploy(live, self._plan, self._options, ready_timeout_s=self._ready_timeout_s)
        except StoppedError as stopped:
            live.outcome.ending = Ending(kind=stopped.kind, why=stopped.why, at=time.time())
            live.watch = None
            if stopped.kind != "stops":
                live.weigh(0)
        live.deploying = live.watch = None
        # What the drill had still to do is of a deployment that is over.
        live.forget_acts()
        if live.outcome.ending.kind == "completes":
            live.begin("blue: ends")
            self._end(blue)
        elif green is not None and live.outcome.ending.kind != "stops":
            live.begin("green: ends")
            self._end(green)

    def _expand(self) -> None:
        """Green's migration, beside the load on blue; on AWS its failure fails the stack's update before green exists."""
        live, drill = self._live, self._options.drill
        live.begin("migration")
        live.plan_acts([act for act in drill.acts if act.moment is Moment.BEFORE_MIGRATION], lambda _: 0.0)
        live.tick()
        began = time.time()
        live.plan_acts([act for act in drill.acts if act.moment is Moment.MIGRATION], lambda act: began + act.at)
        release = self._plan.green
        if drill.breaks_blue:
            changed = breaking(release.migration, live.stage.database.owner_dsn, live.stage.directory)
            release = dataclasses.replace(release, migration=changed)
        try:
            live.outcome.migration = self._migrate(release, "Update")
        except MigrationFailedError as error:
            raise StoppedError("refused", f"before green started: {error}") from error

    def _migrate(self, release: Release, request_type: str) -> dict[str, str]:
        """Sends the request until it is answered: one whose process is killed is sent again, as the next deploy would."""
        while True:
            invocation = self._live.stage.migrate(release, request_type)
            self._live.migrating(invocation.kill)
            self._live.wait(math.inf, sooner=invocation.done)
            self._live.migrating()
            if not invocation.killed:
                return invocation.attributes()

    def _start(self, colour: str, release: Release) -> TaskSet:
        """Blue's tasks, healthy; a release that serves on AWS and does not here cannot be rehearsed."""
        tasks = self._task_set(colour, release)
        limit_s = self._ready_timeout_s
        self._live.wait(time.time() + limit_s, sooner=lambda: tasks.ready() or tasks.keep_dying())
        if tasks.keep_dying():
            last = tasks.deaths[-1]
            raise StageError(f"blue's tasks keep dying, the last of them, task {last.name}, {last.reason}")
        if not tasks.ready():
            raise StageError(
                f"blue's tasks were not healthy after {limit_s:.0f} s; if they need longer, raise [service] ready_timeout_s; "
                f"a task's last lines: {tasks.last_lines()}"
            )
        return tasks

    def _task_set(self, colour: str, release: Release) -> TaskSet:
        tasks = self._live.stage.task_set(colour, release)
        self._live.tasks.append(tasks)
        return tasks

    def _end(self, tasks: TaskSet) -> None:
        """Ends tasks in good order: out of the target group, the requests under way to their end, then SIGTERM."""
        live = self._live
        live.tasks.remove(tasks)
        tasks.deregister()
        live.wait(time.time() + self._plan.deregistration_delay_s, sooner=tasks.idle)
        tasks.stop()
        live.wait(time.time() + _AFTER_S)
