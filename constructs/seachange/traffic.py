"""How traffic moves from blue to green."""

from dataclasses import dataclass
from typing import Self

from aws_cdk import Duration, Token
from aws_cdk import aws_codedeploy as codedeploy
from constructs import Construct

from seachange.errors import InvalidArgumentError
from seachange.known import LATER, synthesis_time

_WHY_KNOWN = "the synthesis computes from it whether the shift ends before the deployment's deadline"


@dataclass(frozen=True, kw_only=True)
class TrafficShift:
    """A plan for the shift; make one with `all_at_once`, `canary` or `linear`.

    Attributes:
        percent: The weight of one step, 1 to 99; 100 for everything at once.
        interval_minutes: Minutes between two steps; 0 for everything at once.
        repeats: Whether steps of `percent` go on until 100 (linear), or the second step takes all the rest.
    """

    percent: int
    interval_minutes: int
    repeats: bool

    def __post_init__(self) -> None:
        if Token.is_unresolved(self.percent):
            raise InvalidArgumentError(
                "TrafficShift(percent=)", LATER, f"give a number that the program knows: {_WHY_KNOWN}"
            )
        # CodeDeploy's limits: TimeBasedCanary and TimeBasedLinear take whole percents and whole minutes.
        if (
            not isinstance(self.percent, int)
            or not 1 <= self.percent <= 100
            or (self.percent == 100) == bool(self.interval_minutes)
        ):
            raise InvalidArgumentError(
                "TrafficShift(percent=)",
                self.percent,
                "give a whole number from 1 to 99, or use TrafficShift.all_at_once()",
            )

    @classmethod
    def all_at_once(cls) -> Self:
        """Everything in one step."""
        return cls(percent=100, interval_minutes=0, repeats=False)

    @classmethod
    def canary(cls, *, percent: int, interval: Duration) -> Self:
        """First `percent`, and `interval` later all the rest.

        Args:
            percent: 1 to 99.
            interval: Whole minutes, one at least.
        """
        return cls(percent=percent, interval_minutes=_whole_minutes(interval), repeats=False)

    @classmethod
    def linear(cls, *, percent: int, interval: Duration) -> Self:
        """`percent` at once, and the same again after each `interval` until green has everything.

        Args:
            percent: 1 to 99.
            interval: Whole minutes, one at least.
        """
        return cls(percent=percent, interval_minutes=_whole_minutes(interval), repeats=True)

    @property
    def duration(self) -> Duration:
        """From the first weight until green has 100 %."""
        later_steps = -(-100 // self.percent) - 1 if self.repeats else 1 if self.percent < 100 else 0
        return Duration.minutes(later_steps * self.interval_minutes)

    def deployment_config(self, scope: Construct, construct_id: str) -> codedeploy.EcsDeploymentConfig:
        """The plan as a deployment configuration of its own, never one of AWS's predefined names: the template then states every step."""
        return codedeploy.EcsDeploymentConfig(scope, construct_id, traffic_routing=self._routing())

    def _routing(self) -> codedeploy.TrafficRouting:
        if self.percent == 100:
            return codedeploy.TrafficRouting.all_at_once()
        routing = (
            codedeploy.TrafficRouting.time_based_linear if self.repeats else codedeploy.TrafficRouting.time_based_canary
        )
        return routing(interval=Duration.minutes(self.interval_minutes), percentage=self.percent)


def _whole_minutes(interval: Duration) -> int:
    seconds = synthesis_time("TrafficShift(interval=)", interval, "seconds", _WHY_KNOWN)
    if seconds < 60 or seconds % 60:
        raise InvalidArgumentError(
            "TrafficShift(interval=)",
            f"{seconds:g} s",
            "give whole minutes, one at least: CodeDeploy counts in minutes",
        )
    return int(seconds // 60)
