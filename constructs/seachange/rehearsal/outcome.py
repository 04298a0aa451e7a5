"""What comes out of a rehearsal before it is judged."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from seachange.plan.faults import NO_FAULT, Fault
from seachange.rehearsal.access_log import Entry
from seachange.rehearsal.clock import Clock
from seachange.rehearsal.data import Comparison
from seachange.rehearsal.expectations import Expectation
from seachange.rehearsal.incidents import Happening
from seachange.rehearsal.load import Record
from seachange.rehearsal.metrics import Bucket
from seachange.rehearsal.observers import Seen, Span
from seachange.rehearsal.stage.task import Death
from seachange.rehearsal.watch import AlarmWatch
from seachange_deployments.smoke import SmokeReport

BASELINE = "baseline"
BASELINE_ENDS = "baseline ends"

Kind = Literal["completes", "rolls-back", "stops", "refused"]


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How the deployment ended.

    Attributes:
        kind: `completes`; `rolls-back`; `stops`, without automatic rollback; or `refused`: green never got a request.
        why: A sentence's end: "… by alarm X"; empty when it completes.
        at: The epoch second at which it was decided.
    """

    kind: Kind = "completes"
    why: str = ""
    at: float = 0.0


@dataclass(kw_only=True)
class Outcome:
    """What happened, for the verdict to judge. Times are epoch seconds.

    Attributes:
        started: When the load began.
        phases: Each phase's name and beginning, in order.
        weights: When green got which percent of the production listener's requests.
        clock: The plan's clock; None when traffic never began to shift.
        records, logged: Every request as the client saw it, and as the load balancer did, by its number.
        fault: What green did wrong on purpose, with the share of the traffic that it concerned.
        slices: Start, group and contents of every minute of the plan that the load balancer measured.
        expectation: What the drill must end with, computed after the baseline.
        cpu_percent: How busy all processors were, once a second under load.
        seen: Waits for locks, as they were looked for.
        spans: What each of green's revisions took.
        disturbances: What the drill's acts did to everybody.
        deaths: Tasks that died or failed their health checks.
        not_performed: Acts of the drill that found nothing to act on.
        kept_idle: Whether green's tasks keep an idle connection for as long as the load balancer does; None when nobody waited for that.
        rows_before: Rows of blue's view when the load began.
        unresolved: Environment of the template that has no local value.
    """

    started: float = 0.0
    phases: list[tuple[str, float]] = field(default_factory=list)
    weights: list[tuple[float, int]] = field(default_factory=list)
    clock: Clock | None = None
    migration: Mapping[str, str] = field(default_factory=dict)
    smoke: SmokeReport | None = None
    watch: AlarmWatch | None = None
    ending: Ending = Ending()
    fault: Fault = NO_FAULT
    slices: list[tuple[float, str, Bucket]] = field(default_factory=list)
    expectation: Expectation | None = None
    records: list[Record] = field(default_factory=list)
    logged: dict[int, Entry] = field(default_factory=dict)
    cpu_percent: list[float] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    disturbances: list[Happening] = field(default_factory=list)
    deaths: list[Death] = field(default_factory=list)
    not_performed: list[str] = field(default_factory=list)
    kept_idle: bool | None = None
    rows_before: int = 0
    comparison: Comparison | None = None
    unresolved: list[str] = field(default_factory=list)

    @property
    def green_from(self) -> float:
        """From when on green's group may hold green: in the baseline blue's build stands in both. Never, where that did not end."""
        return self.began(BASELINE_ENDS) or math.inf

    def began(self, phase: str) -> float | None:
        """The epoch second at which a phase began; None when it never did."""
        return next((at for name, at in self.phases if name == phase), None)
