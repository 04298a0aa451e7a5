"""The alarms of both directions, and what CodeDeploy is given of them."""

from collections.abc import Sequence

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_sns as sns
from constructs import Construct

from seachange.alarms.balancer import against, of_balancer, of_group, of_network_group
from seachange.alarms.definition import make
from seachange.alarms.directed import DirectedAlarm
from seachange.alarms.thresholds import ReleaseThresholds
from seachange.errors import InvalidArgumentError
from seachange.targets import TargetGroup

# CodeDeploy's limit for a deployment and for a group. A composite alarm counts as one.
MOST_ALARMS = 10
# CloudWatch's limit for a composite's rule, of which an alarm's name may take 255 characters, beside `ALARM("") OR `.
_LONGEST_RULE = 10_240
_MOST_COMPOSED = _LONGEST_RULE // (255 + len('ALARM("") OR '))


class ReleaseAlarms(Construct):
    """Six alarms on each of the two target groups: the groups swap roles at every deployment, so either may be the one to watch.

    The deployment resource finds out which group is green and hands CodeDeploy that group's alarms and the common ones: a sick blue must not
    stop the release that heals it. Four of the six look at the group alone (5xx rate, failed connections, 99th percentile, unhealthy targets), two
    compare it with the other one (5xx rate, 90th percentile), while both have traffic.

    Args:
        blue, green: The target groups. Of groups behind a Network Load Balancer only unhealthy targets are seen.
        thresholds: `ReleaseThresholds()` by default.
        load_balancer: Adds a common alarm on its own 502, 503 and 504, which no target group's metric shows: a green that closes its connections
            makes them. CloudWatch does not tell whose they are, so blue's count as well, and so do those of any other service behind it: leave
            it out for a load balancer that you share. None by default.
        directed: Alarms of yours that know the direction, a pair for each concern; none by default.
        common: Alarms of yours over neither group, which watch every release; none by default. With ten in one direction and more, CodeDeploy gets
            one composite for all common ones.
        notifications: Told when an alarm made here fires or is quiet again; see `notify` for what an encrypted topic needs. None by default.

    Attributes:
        blue, green: The alarms over each group.
        common: The load balancer's, then as given.
        common_composite: One alarm over all common ones, when those of one direction with them are more than ten; else None.
        for_group: What the deployment group lists, for deployments that are started by hand and know no direction: all alarms, or composites
            when these are more than ten.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        blue: TargetGroup,
        green: TargetGroup,
        thresholds: ReleaseThresholds | None = None,
        load_balancer: elbv2.IApplicationLoadBalancer | None = None,
        directed: Sequence[DirectedAlarm] = (),
        common: Sequence[cloudwatch.IAlarm] = (),
        notifications: sns.ITopic | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._thresholds = thresholds or ReleaseThresholds()
        self._notifications = notifications
        self.blue = [*self._over("Blue", blue, "Green", green), *(pair.blue for pair in directed)]
        self.green = [*self._over("Green", green, "Blue", blue), *(pair.green for pair in directed)]
        self.common: list[cloudwatch.IAlarm] = list(common)
        if load_balancer is not None:
            self.common.insert(0, make(self, of_balancer(load_balancer, self._thresholds), notifications))
        self._check(len(directed))
        self.common_composite = (
            self._composite("Common", self.common) if len(self.green) + len(self.common) > MOST_ALARMS else None
        )
        self.for_group = self._for_group()

    def _over(self, name: str, group: TargetGroup, other_name: str, other: TargetGroup) -> list[cloudwatch.IAlarm]:
        if isinstance(group, elbv2.NetworkTargetGroup) or isinstance(other, elbv2.NetworkTargetGroup):
            assert isinstance(group, elbv2.NetworkTargetGroup)
            definitions = of_network_group(name, group)
        else:
            definitions = [
                *of_group(name, group, self._thresholds),
                *against(name, group, other_name, other, self._thresholds),
            ]
        return [make(self, definition, self._notifications) for definition in definitions]

    def _check(self, directed: int) -> None:
        ours = len(self.green) - directed
        most = MOST_ALARMS - bool(self.common)
        if len(self.green) > most:
            beside = ", one of them for the common alarms" if self.common else ""
            raise InvalidArgumentError(
                "ReleaseAlarms(directed=)",
                f"{directed} pairs",
                f"give {most - ours} at most: CodeDeploy watches {MOST_ALARMS} alarms{beside}, and {ours} of each direction are made here; "
                "put several of yours under a composite alarm",
            )
        if len(self.common) > _MOST_COMPOSED:
            raise InvalidArgumentError(
                "ReleaseAlarms(common=)",
                f"{len(self.common)} alarms",
                f"give {_MOST_COMPOSED} at most: a composite's rule takes {_LONGEST_RULE:,} characters, and an alarm's name up to 255",
            )

    def _for_group(self) -> list[cloudwatch.IAlarm]:
        every = [*self.blue, *self.green, *self.common]
        if len(every) <= MOST_ALARMS:
            return every
        common = self.common if self.common_composite is None else [self.common_composite]
        return [self._composite("BlueRelease", self.blue), self._composite("GreenRelease", self.green), *common]

    def _composite(self, name: str, alarms: Sequence[cloudwatch.IAlarm]) -> cloudwatch.CompositeAlarm:
        """One alarm that fires while any of `alarms` does; it tells nobody, for each of them does so by itself."""
        rule = cloudwatch.AlarmRule
        composite = cloudwatch.CompositeAlarm(
            self, name, alarm_rule=rule.any_of(*(rule.from_string(f'ALARM("{alarm.alarm_name}")') for alarm in alarms))
        )
        resource = composite.node.default_child
        assert isinstance(resource, cloudwatch.CfnCompositeAlarm)
        # The CDK names it after its path, which two environments of an app may share (aws-cdk#38057): CloudFormation shall name it.
        resource.add_property_deletion_override("AlarmName")
        return composite
