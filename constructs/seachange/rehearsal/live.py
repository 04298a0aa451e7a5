"""A rehearsal while it runs: every part is kept in view between two steps, and what goes wrong ends the wait."""

import dataclasses
import math
import threading
import time
from collections.abc import Callable, Sequence

from seachange.plan.model import COLOURS
from seachange.rehearsal.acts import Act
from seachange.rehearsal.errors import StageError
from seachange.rehearsal.incidents import Happening
from seachange.rehearsal.machine import drowned
from seachange.rehearsal.metrics import Measurements
from seachange.rehearsal.outcome import Kind, Outcome
from seachange.rehearsal.progress import Progress, Status
from seachange.rehearsal.stage.postgres import PostgresServer
from seachange.rehearsal.stage.stage import Stage
from seachange.rehearsal.stage.tasks import TaskSet
from seachange.rehearsal.traffic import Traffic
from seachange.rehearsal.watch import AlarmWatch
from seachange_deployments.tasks import too_many

_TICK_S = 0.05
# A service whose sessions were ended needs a moment to have them again.
_AFTERMATH_S = 2.0


class StoppedError(Exception):
    """The deployment does not go on: how it ends, and why."""

    def __init__(self, kind: Kind, why: str) -> None:
        super().__init__(why)
        self.kind: Kind = kind
        self.why = why


class Live:
    """The running parts of one rehearsal.

    Args:
        stage: A stage that has been entered.
        outcome: Is filled with what happens.
        progress: Is shown every change.
        slice_s: Seconds of a slice of measurements.
    """

    def __init__(self, stage: Stage, outcome: Outcome, progress: Progress, *, slice_s: float) -> None:
        self.stage = stage
        self.outcome = outcome
        self.tasks: list[TaskSet] = []
        self.measurements: Measurements | None = None
        self.traffic: Traffic | None = None
        self.watch: AlarmWatch | None = None
        # Of the release under way: the deployment resource stops it when its tasks keep dying.
        self.deploying: TaskSet | None = None
        # Requests per second, for as long as blue alone must carry them; a release may slow its own.
        self.carried_rate: float | None = None
        self._progress = progress
        self._status = Status()
        self._slice_s = slice_s
        self._observed_slice = 0
        self._due: list[tuple[float, Act]] = []
        self._stop_asked = False
        self._kill_migration: Callable[[], bool] = lambda: False
        self._background: list[threading.Thread] = []
        self._problem: BaseException | None = None

    # --- what a journey is made of ---

    def begin(self, phase: str) -> None:
        """Names the phase that begins now."""
        self.outcome.phases.append((phase, time.time()))
        self._show(phase=phase)

    def wait(self, until: float, *, sooner: Callable[[], bool] = lambda: False) -> None:
        """Waits until an epoch second, or `sooner`; meanwhile every part must live, is measured, and nothing may stop the deployment."""
        while not sooner() and (left := until - time.time()) > 0:
            self.tick()
            time.sleep(min(_TICK_S, left))

    def tick(self) -> None:
        """Looks at everything once; StoppedError when the deployment does not go on."""
        now = time.time()
        self.stage.balancer.must_run()
        if self._problem is not None:
            raise self._problem
        for tasks in self.tasks:
            known = len(tasks.deaths)
            tasks.tend(now)
            self.outcome.deaths += tasks.deaths[known:]
        if self.traffic and self.measurements:
            totals = self.traffic.totals()
            self._show(requests=totals.sent, failed=totals.failed)
            if self.carried_rate and (why := drowned(totals.sent, totals.done, rate=self.carried_rate)):
                raise StageError(why)
            if now // self._slice_s > self._observed_slice:
                self._observed_slice = int(now // self._slice_s)
                for colour in COLOURS:
                    self.measurements.observe_hosts(now, colour, self.stage.balancer.hosts(colour))
        self._act(now)
        self._stop_if_need_be(now)

    def weigh(self, green_percent: int) -> None:
        """Gives green that share of the production listener's requests."""
        self.stage.balancer.weigh(green_percent)
        self.outcome.weights.append((time.time(), green_percent))
        self._show(green_weight=green_percent)

    def plan_acts(self, acts: Sequence[Act], when: Callable[[Act], float]) -> None:
        """Has each act done at the epoch second that `when` gives it."""
        self._due += [(when(act), act) for act in acts]

    def forget_acts(self) -> None:
        """Does none of the acts that are not yet due."""
        self._due.clear()

    def migrating(self, kill: Callable[[], bool] = lambda: False) -> None:
        """Says how to kill the migration that runs now; nothing to kill by default."""
        self._kill_migration = kill

    def finish_background(self) -> None:
        """Waits for what runs beside the rehearsal."""
        # Each has an end of its own; an idle timeout may be an hour.
        self.wait(math.inf, sooner=lambda: not any(thread.is_alive() for thread in self._background))
        if self._problem is not None:
            raise self._problem

    # --- what acts reach (`acts.Scene`) ---

    @property
    def server(self) -> PostgresServer:
        return self.stage.server

    @property
    def database(self) -> str:
        return self.stage.database.name

    def kill_migration(self) -> None:
        if not self._kill_migration():
            self.outcome.not_performed.append(
                "the migration had ended before it could be killed: rehearse with more rows"
            )

    def stop_deployment(self) -> None:
        self._stop_asked = True

    def set_rate(self, requests_per_s: float) -> None:
        if self.traffic is not None:
            self.traffic.set_rate(requests_per_s)

    def in_background(self, work: Callable[[], None], name: str, *, disturbs: str = "") -> None:
        def run() -> None:
            start = time.time()
            try:
                work()
            except BaseException as error:  # noqa: BLE001 (raised again by the next tick)
                self._problem = error
            if disturbs:
                self.outcome.disturbances.append(Happening(start=start, end=time.time() + _AFTERMATH_S, words=disturbs))

        thread = threading.Thread(target=run, name=name, daemon=True)
        self._background.append(thread)
        thread.start()

    # --- one look ---

    def _act(self, now: float) -> None:
        for due in [entry for entry in self._due if entry[0] <= now]:
            self._due.remove(due)
            due[1].do(self)

    def _stop_if_need_be(self, now: float) -> None:
        if self._stop_asked:
            self._stop_asked = False
            raise StoppedError("rolls-back", "by somebody who stopped the deployment with rollback")
        if self.watch and (names := self.watch.poll(now)):
            kind: Kind = "rolls-back" if self.watch.rolls_back else "stops"
            raise StoppedError(kind, f"by alarm {', '.join(names)}")
        green = self.deploying
        if green and green.keep_dying():
            last = green.deaths[-1]
            raise StoppedError(
                "rolls-back",
                f"because green's tasks keep dying: {too_many(len(green.deaths), green.wanted)}; the last, {last.name}, {last.reason}",
            )

    def _show(self, **changes: object) -> None:
        self._status = dataclasses.replace(self._status, **changes)  # type: ignore[arg-type]
        self._progress.show(self._status)
