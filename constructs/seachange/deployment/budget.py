"""The time that a deployment may take, checked before AWS sees it."""

from collections.abc import Mapping
from typing import Literal, get_args

from aws_cdk import Duration

from seachange.errors import InvalidArgumentError
from seachange.traffic import TrafficShift

CompleteWhen = Literal["shifted", "ended", "started"]

# The deployment resource gives a deployment 45 minutes, for an hour is all that CloudFormation gives a custom resource. Green needs some of
# them to start and to become healthy.
DEADLINE_MINUTES = 45
MINUTES_TO_START = 10
# CodeDeploy's own limits, in minutes: until blue may end; one lifecycle event; the whole way until traffic has shifted.
LONGEST_BAKE = 2880
LONGEST_EVENT = 60
LONGEST_DEPLOYMENT = 120 * 60


def check_time(
    *,
    traffic_shift: TrafficShift,
    bake_time: Duration,
    hooks: Mapping[str, Duration],
    approval_wait: Duration | None,
    complete_when: CompleteWhen,
) -> None:
    """Refuses, with the numbers, what CodeDeploy does not take and what cannot end before the resource's deadline.

    Times that are known only when the stack deploys are let through, and not counted.

    Args:
        traffic_shift: The plan.
        bake_time: Until blue may end; it counts only when the resource waits for blue's end.
        hooks: Lifecycle event → the longest that its hook may take.
        approval_wait: How long the deployment may wait for an approval; None without one.
        complete_when: When the resource is complete; one that is complete at the start waits for nothing.
    """
    if complete_when not in get_args(CompleteWhen):
        choice = ", ".join(get_args(CompleteWhen))
        raise InvalidArgumentError("BlueGreenService(complete_when=)", complete_when, f"give one of: {choice}")
    bake = _whole_minutes("bake_time", bake_time, LONGEST_BAKE)
    known = {event: time for event, time in hooks.items() if not time.is_unresolved()}
    for event, time in known.items():
        if not 0 < time.to_minutes(integral=False) <= LONGEST_EVENT:
            raise InvalidArgumentError(
                f"BlueGreenService(hooks=) at {event}",
                f"{time.to_minutes(integral=False):g} min",
                f"give {LONGEST_EVENT} min at most: CodeDeploy waits no longer for one lifecycle event",
            )
    approval = 0.0
    if approval_wait is not None:
        approval = _whole_minutes("approval_wait", approval_wait, LONGEST_DEPLOYMENT, fewest=1)
    parts = {
        "green's start": MINUTES_TO_START,
        **{f"the hook at {event}": time.to_minutes(integral=False) for event, time in known.items()},
        "the approval": approval,
        "the traffic shift": traffic_shift.duration.to_minutes(),
        "the bake": bake if complete_when == "ended" else 0,
    }
    total = sum(parts.values())
    limit = LONGEST_DEPLOYMENT if complete_when == "started" else DEADLINE_MINUTES
    if total > limit:
        spent = " + ".join(f"{minutes:g} min for {part}" for part, minutes in parts.items() if minutes)
        raise InvalidArgumentError(
            "BlueGreenService(traffic_shift=, bake_time=, hooks=, smoke_test=, approval_wait=)",
            f"{total:g} min",
            f"give {limit:g} min at most, for this is {spent}; {_why(complete_when)}",
        )


def _whole_minutes(argument: str, time: Duration, longest: int, *, fewest: int = 0) -> float:
    if time.is_unresolved():
        return 0  # known only when the stack deploys
    minutes = time.to_minutes(integral=False)
    if minutes % 1 or not fewest <= minutes <= longest:
        raise InvalidArgumentError(
            f"BlueGreenService({argument}=)", f"{minutes:g} min", f"give whole minutes, {fewest} to {longest}"
        )
    return minutes


def _why(complete_when: CompleteWhen) -> str:
    if complete_when == "started":
        return "CodeDeploy ends a deployment whose traffic has not shifted after 120 hours"
    return (
        "CloudFormation gives a custom resource an hour, and the deployment must be stopped before that. Shorten a part, or let the resource "
        'be complete earlier: complete_when="started" waits for nothing'
    )
