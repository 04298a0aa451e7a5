"""`python -m benchmarks.simulation`: the tables of docs/facts/cloudwatch.md, simulated again; and how long a hundred thousand releases take.

Each cell is shown as it stands there, and as it comes out here.
"""

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from seachange.assembly import Assembly
from seachange.evaluation import Alarm, Metric
from seachange.plan.faults import Fault
from seachange.plan.model import Shift, Step
from seachange.plan.template import read_shift
from seachange.simulation.engine import simulate
from seachange.simulation.profile import Profile
from seachange.simulation.result import Result
from seachange.simulation.unknowns import Unknowns, exactly

RELEASES = 20_000
GROUP = '{"Ref": "Green"}'
LINEAR = tuple(Step(at_s=180.0 * index, green_weight=10 * (index + 1)) for index in range(10))
# The tables' assumption.
AFTER_A_MINUTE = Unknowns(visible=exactly(60))


def metric(name: str) -> Metric:
    """A metric of green's."""
    return Metric(
        namespace="AWS/ApplicationELB",
        name=name,
        dimensions={"LoadBalancer": '"app"', "TargetGroup": GROUP},
        statistic="Sum",
    )


def alarm(expression: str, threshold: float, datapoints: int, periods: int, missing: str = "notBreaching") -> Alarm:
    """An alarm over green's requests and errors."""
    metrics = {"requests": metric("RequestCount"), "errors": metric("HTTPCode_Target_5XX_Count")}
    return Alarm(
        name="watched",
        metrics={name: found for name, found in metrics.items() if name in expression},
        expression=expression,
        period_s=60,
        threshold=threshold,
        comparison="GreaterThanThreshold",
        evaluation_periods=periods,
        datapoints_to_alarm=datapoints,
        missing_data=missing,
    )


COUNT = alarm("errors", 10, 2, 2)
RATE = alarm("IF(requests >= 50, errors / requests, 0)", 0.02, 2, 3)
ALARMS = {"count": COUNT, "rate": RATE}


def shift(watched: Alarm) -> Shift:
    """Ten percent every three minutes, then half an hour of bake, under one alarm."""
    return Shift(
        steps=LINEAR,
        bake_s=1800.0,
        alarms=(watched,),
        unread_alarms=(),
        decisive=frozenset({watched.name}),
        colours={"Green": "green", "Blue": "blue"},
        rolls_back_on_alarm=True,
    )


def profile(per_s: float, background: float = 0.0, dispersion: float = 1.0) -> Profile:
    return Profile(
        requests_per_s=(per_s,),
        latency_median_s=0.05,
        latency_sigma=0.5,
        error_rate=background,
        dispersion=dispersion,
        tasks=2,
    )


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One alarm in one row of "Two common alarms, compared".

    Attributes:
        until_full, until_baked: Probability of a rollback until then.
        minutes: Median until the rollback; None when fewer than half of the releases are rolled back.
        failed: Mean failed requests.
    """

    alarm: str
    per_s: float
    errors: float
    until_full: float
    until_baked: float
    minutes: float | None
    failed: float


def _row(
    per_s: float,
    errors: float,
    count: tuple[float, float, float | None, float],
    rate: tuple[float, float, float | None, float],
) -> list[Cell]:
    return [
        Cell(alarm=name, per_s=per_s, errors=errors, until_full=full, until_baked=baked, minutes=minutes, failed=failed)
        for name, (full, baked, minutes, failed) in (("count", count), ("rate", rate))
    ]


CELLS = [
    *_row(2, 0.01, (0, 0, None, 52), (0.39, 0.71, 35, 29)),
    *_row(2, 0.05, (0, 0.05, None, 257), (1, 1, 15.5, 29)),
    *_row(20, 0.01, (0.42, 1, 27.7, 173), (0.10, 0.10, None, 470)),
    *_row(20, 0.05, (1, 1, 7.9, 93), (1, 1, 4.0, 30)),
    *_row(200, 0.005, (1, 1, 7.9, 93), (0, 0, None, 2610)),
    *_row(200, 0.05, (1, 1, 3.6, 252), (1, 1, 3.5, 238)),
    *_row(2000, 0.01, (1, 1, 3.5, 486), (0, 0, None, 52_200)),
    *_row(2000, 0.5, (1, 1, 3.4, 23_200), (1, 1, 3.4, 23_300)),
]


def draw(cell: Cell, releases: int = RELEASES) -> Result:
    """The cell, simulated again."""
    return simulate(
        shift(ALARMS[cell.alarm]),
        profile(cell.per_s),
        fault=Fault(errors=cell.errors),
        releases=releases,
        unknowns=AFTER_A_MINUTE,
    )


def good(name: str, per_s: float, releases: int = RELEASES, dispersion: float = 1.0) -> Result:
    """A good release with 0.1 percent of errors anyway."""
    return simulate(shift(ALARMS[name]), profile(per_s, 0.001, dispersion), releases=releases, unknowns=AFTER_A_MINUTE)


def floor(visible_s: float, releases: int = RELEASES) -> Result:
    """How soon a saturated alarm, 2 of 2 minutes, rolls back."""
    return simulate(
        shift(alarm("errors", 0, 2, 2)),
        profile(2000),
        fault=Fault(errors=0.5),
        releases=releases,
        unknowns=replace(AFTER_A_MINUTE, visible=exactly(visible_s)),
    )


def sparse(extra_points: int, releases: int = RELEASES) -> Result:
    """A good release under a count that is seldom there, where the number of points fetched decides."""
    return simulate(
        shift(alarm("errors", 1, 2, 2)),
        profile(5, 0.001),
        releases=releases,
        unknowns=replace(AFTER_A_MINUTE, extra_points=extra_points),
    )


def _minutes(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds / 60:.1f}"


def _lines() -> Iterator[str]:
    yield "two common alarms: probability before 100 % / by the end of the bake, median minutes, mean failed requests"
    for cell in CELLS:
        found = draw(cell)
        stated = f"{cell.until_full:.2f}/{cell.until_baked:.2f} {'-' if cell.minutes is None else cell.minutes} {cell.failed:,.0f}"
        here = f"{found.before_full.value:.3f}/{found.rolled_back.value:.3f} {_minutes(found.time_s.p50)} {found.failed.mean:,.1f}"
        yield f"  {cell.alarm:5} {cell.per_s:>5g}/s {100 * cell.errors:>4g} %   stated {stated:28} here {here}"
    yield "good releases, 0.1 % errors anyway: rolled back by the end of the bake"
    for per_s, stated in ((2, "0"), (200, "1.0"), (2000, "1.0")):
        yield f"  count {per_s:>5g}/s   stated {stated:8} here {good('count', per_s).rolled_back.value:.4f}"
        yield f"  rate  {per_s:>5g}/s   stated {'<= .011':8} here {good('rate', per_s).rolled_back.value:.4f}"
    for dispersion in (10, 50, 100, 200):
        found = good("count", 200, dispersion=dispersion)
        yield f"  count   200/s   stated {'.70':8} here {found.rolled_back.value:.4f} with errors of variance/mean {dispersion}"
    yield "a count of more than 1 error, 2 of 2 minutes, 5 requests/s with 0.1 % errors: rolled back by the end of the bake"
    for extra, stated in ((2, ".073"), (0, ".032")):
        found = sparse(extra)
        yield f"  N + {extra} points fetched   stated {stated}, traffic and alarm not   here {found.rolled_back.value:.3f}"
    yield "a saturated alarm, 2 of 2 minutes: 5 %, 50 %, 95 % of the rollbacks in minutes, mean percent on green"
    for visible_s, stated in ((60, "2.7/3.4/4.2"), (180, "4.7/5.4/6.1")):
        found = floor(visible_s)
        times = "/".join(_minutes(each) for each in (found.time_s.p5, found.time_s.p50, found.time_s.p95))
        yield f"  visible after {visible_s} s   stated {stated} 18 to 21 %   here {times} {found.green_weight:.1f} %"


def main() -> None:
    for line in _lines():
        print(line, flush=True)
    directory = Path("build/assembly/v2")
    if not directory.is_dir():
        sys.exit(f"there is no {directory} to time: run make synth RELEASE=v2 first")
    template = read_shift(Assembly.load(directory))
    for name, fault in (
        ("a good release", Fault()),
        ("5 % errors", Fault(errors=0.05)),
        ("twice as slow", Fault(slowdown=2)),
    ):
        began, processor = time.perf_counter(), time.process_time()
        simulate(template, profile(200, 0.001), fault=fault, releases=100_000)
        took, processor = time.perf_counter() - began, time.process_time() - processor
        print(f"100,000 releases of the example, {name}: {took:.1f} s ({processor:.1f} s of processor)", flush=True)


if __name__ == "__main__":
    main()
