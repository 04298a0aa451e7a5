"""What happens in one sequence, as data: releases, faults, alarms, people. Plain enough to be written by hand in a test."""

from dataclasses import dataclass, field

ALL_AT_ONCE = ((0.0, 100),)
CANARY = ((0.0, 10), (300.0, 100))
LINEAR = tuple((60.0, weight) for weight in (20, 40, 60, 80, 100))
NEVER = float("inf")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How CodeDeploy's deployments go; times in seconds.

    `crashes`: green's tasks keep dying, so that Install lasts its hour. `hook`: a lifecycle event and the message with
    which its hook fails. `breaks`: a lifecycle event at which CodeDeploy itself fails. `approval`: how long a deployment
    is Ready until somebody approves (0: no gate). `stopping`: from StopDeployment to Stopped. `rollback_gap`: from there
    to the rollback's start.
    """

    install: float = 90
    crashes: bool = False
    hook: tuple[str, str] | None = None
    breaks: str | None = None
    approval: float = 0
    steps: tuple[tuple[float, int], ...] = ALL_AT_ONCE
    bake: float = 1800
    ending: float = 60
    stopping: float = 0
    rollback_gap: float = 0
    rollback: float = 60
    rollback_fails: bool = False


@dataclass(frozen=True, kw_only=True)
class CallFault:
    """Something that befalls the update's `nth` AWS call (from 0), and the `length - 1` calls after it.

    `throttled`, `no_route`: it fails and does nothing. `lost_answer`: it takes effect and fails. `slow`: 9 seconds
    pass first. `beside`: a second Lambda polls for the same request, whole, before it. `dies`, `dies_after`: the Lambda
    ends, before or after the call takes effect.
    """

    nth: int
    kind: str
    length: int = 1


@dataclass(frozen=True, kw_only=True)
class Update:
    """One `cdk deploy`, and what happens from its start to the next one's; times in seconds from its start.

    `touched`: a property of the deployment resource changes even if the release does not. `other_fails`: another
    resource fails first. `cancelled`: when somebody cancels the stack's update. `twice`: CloudFormation's event comes
    twice. `lost_polls`: polls whose outcome the framework loses, and repeats. `outage`: start and length of a time in
    which every call is throttled. `alarms`: (when, name, fires). `people`: (when, what they do), see World.person.
    `lag`: how old DescribeServices' answer is. `pause`: from the stack's end to the next deploy. `complete_when`,
    `overridden`: CompleteWhen and OverriddenAlarms among the resource's properties.
    """

    release: int
    plan: Plan = field(default_factory=Plan)
    touched: bool = False
    other_fails: bool = False
    cancelled: float | None = None
    twice: float | None = None
    lost_polls: tuple[int, ...] = ()
    faults: tuple[CallFault, ...] = ()
    outage: tuple[float, float] | None = None
    alarms: tuple[tuple[float, str, bool], ...] = ()
    people: tuple[tuple[float, str], ...] = ()
    lag: float = 0
    pause: float = 60
    complete_when: str | None = None
    overridden: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Script:
    """A sequence of updates of a stack whose service was made with release 1.

    `composite`: a composite alarm stands for the common ones.
    What AWS does not document: `names_rollbacks`: whether lastAttemptedDeployment counts CodeDeploy's own rollbacks;
    `baking`: the status while blue bakes; `left_overs_go`: whether a new deployment ends the tasks that a deployment
    without rollback left in the target group that it needs.
    """

    updates: tuple[Update, ...]
    names_rollbacks: bool = True
    baking: str = "InProgress"
    left_overs_go: bool = True
    composite: bool = False
