"""Between which target groups traffic moves, and by which listeners: ours, or some that exist already."""

from dataclasses import dataclass
from typing import Protocol, cast

from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from seachange.errors import InvalidArgumentError
from seachange.traffic import TrafficShift

Listener = elbv2.ApplicationListener | elbv2.NetworkListener
TargetGroup = elbv2.ApplicationTargetGroup | elbv2.NetworkTargetGroup

# Were they different, green would be judged or reached in another way than blue.
_ALIKE = (
    "target_type",
    "port",
    "protocol",
    "protocol_version",
    "vpc_id",
    "health_check_path",
    "health_check_port",
    "health_check_protocol",
    "health_check_interval_seconds",
    "health_check_timeout_seconds",
    "healthy_threshold_count",
    "unhealthy_threshold_count",
)


class Targets(Protocol):
    """What a blue/green service needs of a load balancer; `BlueGreenLoadBalancer` and `ExistingTargets` have it."""

    @property
    def load_balancer(self) -> elbv2.IApplicationLoadBalancer | elbv2.INetworkLoadBalancer:
        """Whose listeners these are."""

    @property
    def production_listener(self) -> Listener:
        """Where the public asks."""

    @property
    def test_listener(self) -> Listener:
        """Where green can be asked before it serves."""

    @property
    def blue(self) -> TargetGroup:
        """One target group; which of the two serves changes with every deployment."""

    @property
    def green(self) -> TargetGroup:
        """The other one."""

    @property
    def container_port(self) -> int:
        """The port of the service's container at its creation."""

    @property
    def is_own(self) -> bool:
        """Whether nobody else's traffic goes through the load balancer."""

    def allow_test_traffic_from(self, peer: ec2.IConnectable) -> None:
        """Lets a peer reach the test listener."""


@dataclass(frozen=True, kw_only=True)
class ExistingTargets:
    """Listeners and target groups that your app has already, instead of a `BlueGreenLoadBalancer`.

    From now on they are frozen: CodeDeploy rewrites the listeners' actions at every deployment, and a change that CloudFormation makes to one
    of them sends traffic to the wrong group (`keep_frozen` watches that). Behind a Network Load Balancer CodeDeploy moves all traffic at once, and
    of the alarms made here only those on unhealthy targets remain, for it counts neither requests nor errors. One without security groups
    shows the tasks its clients' addresses: let these in with `service.connections.allow_from(...)`.

    Attributes:
        load_balancer: Whose listeners they are.
        production_listener, test_listener: Two different listeners, which forward to `blue` and `green`. What the test listener shows is not
            released: close it (`open=False`), for only you decide whom it lets in.
        blue, green: Two target groups alike, of target type `ip`.
        container_port: The port of the service's container at its creation.
        is_own: Whether nobody else's traffic goes through the load balancer; its own 5xx answers then count as the service's. No by default.
    """

    load_balancer: elbv2.IApplicationLoadBalancer | elbv2.INetworkLoadBalancer
    production_listener: Listener
    test_listener: Listener
    blue: TargetGroup
    green: TargetGroup
    container_port: int
    is_own: bool = False

    def __post_init__(self) -> None:
        if self.production_listener.node.path == self.test_listener.node.path:
            raise InvalidArgumentError(
                "ExistingTargets(test_listener=)", self.test_listener.node.path, "give another one than production's"
            )
        if self.blue.node.path == self.green.node.path:
            raise InvalidArgumentError(
                "ExistingTargets(green=)", self.green.node.path, "give another target group than blue's"
            )
        _check_alike(self.blue, self.green)

    def allow_test_traffic_from(self, peer: ec2.IConnectable) -> None:
        """Lets `peer`, an address range or anything with connections, reach the test listener."""
        if isinstance(self.test_listener, elbv2.NetworkListener):
            raise InvalidArgumentError(
                "ExistingTargets.allow_test_traffic_from(peer=)",
                "a peer of a Network Load Balancer",
                "add the rule to that load balancer's security groups yourself: its listeners have none",
            )
        self.test_listener.connections.allow_default_port_from(peer, "Test traffic")


def through_network_load_balancer(targets: Targets) -> bool:
    """Whether traffic moves by a Network Load Balancer."""
    return isinstance(targets.production_listener, elbv2.NetworkListener)


def own_application_load_balancer(targets: Targets) -> elbv2.IApplicationLoadBalancer | None:
    """The Application Load Balancer through which only this service's traffic goes; None for any other."""
    if not targets.is_own or through_network_load_balancer(targets):
        return None
    return cast("elbv2.IApplicationLoadBalancer", targets.load_balancer)


def check_shift(targets: Targets, traffic_shift: TrafficShift) -> None:
    """Refuses a plan in steps behind a Network Load Balancer, which has no weights."""
    if through_network_load_balancer(targets) and traffic_shift.percent != 100:
        raise InvalidArgumentError(
            "BlueGreenService(traffic_shift=)",
            f"{traffic_shift.percent} % every {traffic_shift.interval_minutes} min",
            "give TrafficShift.all_at_once(): CodeDeploy moves the traffic of a Network Load Balancer in one step only",
        )


def _check_alike(blue: TargetGroup, green: TargetGroup) -> None:
    first, second = blue.node.default_child, green.node.default_child
    if not isinstance(first, elbv2.CfnTargetGroup) or not isinstance(second, elbv2.CfnTargetGroup):
        return
    stack = Stack.of(blue)
    for name in _ALIKE:
        one, other = (stack.resolve(getattr(group, name)) for group in (first, second))
        if one != other:
            raise InvalidArgumentError(
                "ExistingTargets(blue=, green=)",
                f"{name} {one} and {other}",
                "give two target groups alike: after each deployment the other one serves",
            )
    kind = stack.resolve(first.target_type)
    if kind not in (None, "ip"):
        raise InvalidArgumentError(
            "ExistingTargets(blue=, green=)", f"target type {kind}", "give target groups of type ip, as Fargate needs"
        )
