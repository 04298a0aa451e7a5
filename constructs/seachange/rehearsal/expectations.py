"""What a drill must end with, computed before it is judged: by the deployment's rules, or by simulating its alarms at this speed and rate."""

import math
import re
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from seachange.plan.faults import Fault
from seachange.plan.model import Plan
from seachange.rehearsal.access_log import Entry
from seachange.rehearsal.clock import local_health_interval_s
from seachange.rehearsal.drills import ONE_ENDPOINT, Drill
from seachange.rehearsal.load.record import Record
from seachange.rehearsal.options import Options
from seachange.rehearsal.watch import VISIBLE_AFTER_S, watched
from seachange.simulation.engine import simulate
from seachange.simulation.profile import Profile
from seachange.simulation.unknowns import Unknowns, exactly

# Beyond these the simulation's answer counts as an expectation.
SURELY, HARDLY = 0.999, 0.001
_RELEASES = 4000
# The twin has no unknowns: its clock begins on a whole minute of the plan, and it looks at once.
_TWIN = Unknowns(begins=exactly(0), visible=exactly(VISIBLE_AFTER_S), evaluated=exactly(0), polled=exactly(0))


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What must come of a drill.

    Attributes:
        outcome: `completes`, `rolls-back`, `stops`, `refused`, or `undecided`, which does not count.
        probability: Of being rolled back, or stopped where an alarm does no more; None where it was not simulated.
        why: What the expectation stands on.
        between_s: From green's first traffic to that, in nine of ten simulated releases, seconds of the plan's clock; None where fewer were.
    """

    outcome: str
    probability: float | None
    why: str
    between_s: tuple[float, float] | None = None


def expect(drill: Drill, fault: Fault, plan: Plan, options: Options, profile: Profile) -> Expectation:
    """The expectation for one drill.

    Args:
        fault: What green does wrong, with the share of the traffic that it concerns.
        profile: The traffic as the baseline measured it.
    """
    if drill.decided is not None:
        return Expectation(
            outcome=drill.decided, probability=None, why="a rule of the deployment, whatever the alarms say"
        )
    if drill.unforeseen:
        return Expectation(outcome="undecided", probability=None, why=drill.unforeseen)
    if drill.silent:
        profile = replace(profile, requests_per_s=(0.0,))
    # Whether an alarm that stops the deployment also takes traffic back changes nothing of when it fires.
    shift = replace(plan.shift, rolls_back_on_alarm=True)
    soonest_s, latest_s = _seen_after_s(fault, plan, options)
    seen = replace(fault, after_s=fault.after_s + soonest_s)
    result = simulate(shift, profile, fault=seen, releases=_RELEASES, unknowns=_TWIN, compression=options.speed)
    chance = result.rolled_back.value
    if chance < SURELY and (
        unknown := sorted(watched(plan) & {text.partition(":")[0] for text in result.not_simulated})
    ):
        return Expectation(
            outcome="undecided", probability=None, why=f"{', '.join(unknown)} is watched here, and cannot be simulated"
        )
    fires = "rolls-back" if plan.shift.rolls_back_on_alarm else "stops"
    outcome = fires if chance >= SURELY else "completes" if chance <= HARDLY else "undecided"
    return Expectation(
        outcome=outcome,
        probability=chance,
        why=f"{_RELEASES} simulated releases at {options.rate:g} requests/s and speed {options.speed:g}",
        between_s=None
        if (earliest := result.time_s.p5) is None or (latest := result.time_s.p95) is None
        else (earliest, latest + latest_s - soonest_s),
    )


def _seen_after_s(fault: Fault, plan: Plan, options: Options) -> tuple[float, float]:
    """Between how many seconds of the plan's clock after it has begun the load balancer sees a fault.

    An answer that is held back counts when it comes, and a target is sick once its checks have failed, the first of them within an interval. Both
    take as long here as anywhere: on the plan's clock `speed` times as long.
    """
    checks = plan.health.unhealthy if fault.unhealthy else 0
    interval_s = local_health_interval_s(plan.health, options.speed)
    soonest_s = fault.delay_s + max(0, checks - 1) * interval_s
    return soonest_s * options.speed, (fault.delay_s + checks * interval_s) * options.speed


def measured(plan: Plan, options: Options, answers: Sequence[Entry]) -> Profile:
    """The traffic of a rehearsal, from its baseline.

    Args:
        answers: At least two answers of targets.
    """
    answer_s = [entry.target_s for entry in answers if entry.target_s is not None]
    logarithms = [math.log(seconds) for seconds in answer_s]
    return Profile(
        requests_per_s=(options.rate,),
        latency_median_s=statistics.median(answer_s),
        latency_sigma=statistics.pstdev(logarithms),
        error_rate=sum(entry.status >= 500 for entry in answers) / len(answers),
        dispersion=1.0,
        tasks=plan.green.tasks,
    )


def concerned(fault: Fault, records: Sequence[Record]) -> Fault | None:
    """The fault with its one endpoint and the share of the traffic that goes there; None when the load asks but one endpoint.

    Args:
        records: At least one request of the load.
    """
    if fault.path != ONE_ENDPOINT:
        return fault
    asked = [re.split(r"\{\{|\*", record.path)[0] for record in records]
    counts = {prefix: sum(path.startswith(prefix) for path in asked) for prefix in Counter(asked)}
    prefix, count = min(counts.items(), key=lambda item: item[1])
    return None if count == len(asked) else replace(fault, path=prefix, share=count / len(asked))
