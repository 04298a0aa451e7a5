"""What goes into a rehearsal beside its plan, and what comes out of it before it is judged."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from seachange.rehearsal.clock import Clock
from seachange.rehearsal.data import Comparison
from seachange.rehearsal.drills import Drill
from seachange.rehearsal.load import Record
from seachange.rehearsal.metrics import Bucket
from seachange.rehearsal.watch import AlarmWatch
from seachange_deployments.smoke import SmokeReport


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to rehearse.

    Attributes:
        speed: Seconds of the plan's clock per second here.
        rate: Requests per second; the service's own by default.
        rows: Rows to seed; the service's own by default.
        port: The production listener's local port; a free one by default.
        drill: What goes wrong on purpose.
        logs: A directory for the logs.
    """

    speed: float
    rate: float
    rows: int
    port: int | None
    drill: Drill
    logs: Path


@dataclass(kw_only=True)
class Outcome:
    """What happened, for the verdict to judge. Times are epoch seconds.

    Attributes:
        started: When the load began.
        phases: Each phase's name and beginning, in order.
        weights: When green got which percent of the production listener's requests.
        clock: The plan's clock; None when traffic never began to shift.
        stopped_by: The alarms that stopped the deployment.
        slices: Start, colour and contents of every slice that the load balancer measured.
        unresolved: Environment of the template that has no local value.
    """

    started: float = 0.0
    phases: list[tuple[str, float]] = field(default_factory=list)
    weights: list[tuple[float, int]] = field(default_factory=list)
    clock: Clock | None = None
    migration: Mapping[str, str] = field(default_factory=dict)
    smoke: SmokeReport | None = None
    watch: AlarmWatch | None = None
    stopped_by: tuple[str, ...] = ()
    rolled_back: bool = False
    records: list[Record] = field(default_factory=list)
    slices: list[tuple[float, str, Bucket]] = field(default_factory=list)
    comparison: Comparison | None = None
    unresolved: list[str] = field(default_factory=list)
