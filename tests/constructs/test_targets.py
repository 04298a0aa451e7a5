"""`ExistingTargets`: listeners and target groups that were there before."""

from typing import Any, cast

import aws_cdk as cdk
import pytest
from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from seachange import ExistingTargets, InvalidArgumentError, ScalingTargets, SmokeTest, TrafficShift
from tests.constructs.apps import new_service, new_stack, only, resources, their_vpc

ALL_AT_ONCE = TrafficShift.all_at_once()
IP = elbv2.TargetType.IP


def behind_their_application_balancer(stack: cdk.Stack, green: dict[str, Any] | None = None) -> ExistingTargets:
    vpc = their_vpc(stack)
    balancer = elbv2.ApplicationLoadBalancer(stack, "Theirs", vpc=vpc)
    common: dict[str, Any] = {"vpc": vpc, "port": 80, "protocol": elbv2.ApplicationProtocol.HTTP, "target_type": IP}
    groups = [
        elbv2.ApplicationTargetGroup(stack, name, **{**common, **changes})
        for name, changes in (("One", {}), ("Two", green or {}))
    ]
    listeners = [
        balancer.add_listener(
            f"L{port}", port=port, default_target_groups=[group], open=False, protocol=elbv2.ApplicationProtocol.HTTP
        )
        for port, group in zip((80, 8080), groups, strict=True)
    ]
    return ExistingTargets(
        load_balancer=balancer,
        production_listener=listeners[0],
        test_listener=listeners[1],
        blue=groups[0],
        green=groups[1],
        container_port=8080,
    )


def behind_their_network_balancer(stack: cdk.Stack, **arguments: Any) -> ExistingTargets:
    vpc = cast("ec2.IVpc | None", stack.node.try_find_child("TheirVpc")) or their_vpc(stack)
    balancer = elbv2.NetworkLoadBalancer(stack, "Theirs", vpc=vpc, **arguments)
    groups = [elbv2.NetworkTargetGroup(stack, name, vpc=vpc, port=80, target_type=IP) for name in ("One", "Two")]
    listeners = [
        balancer.add_listener(f"L{port}", port=port, default_target_groups=[group])
        for port, group in zip((80, 8080), groups, strict=True)
    ]
    return ExistingTargets(
        load_balancer=balancer,
        production_listener=listeners[0],
        test_listener=listeners[1],
        blue=groups[0],
        green=groups[1],
        container_port=8080,
    )


def test_a_service_moves_between_their_groups() -> None:
    stack = new_stack()
    targets = behind_their_application_balancer(stack)
    new_service(stack, load_balancer=targets)
    found = resources(stack)
    pair = only(found, "AWS::CodeDeploy::DeploymentGroup")[1]["Properties"]["LoadBalancerInfo"][
        "TargetGroupPairInfoList"
    ][0]
    assert pair["ProdTrafficRoute"]["ListenerArns"] == [stack.resolve(targets.production_listener.listener_arn)]
    deployment = only(found, "Custom::SeaChangeDeployment")[1]["Properties"]
    assert deployment["GreenTargetGroup"] == stack.resolve(targets.green.target_group_arn)
    # Somebody else's traffic goes through their load balancer too: its own 5xx are nobody's in particular.
    assert (len(deployment["BlueAlarms"]), deployment["CommonAlarms"]) == (6, [])


def test_behind_a_network_load_balancer_all_traffic_moves_at_once_under_the_alarms_it_has() -> None:
    stack = new_stack()
    new_service(stack, load_balancer=behind_their_network_balancer(stack), traffic_shift=ALL_AT_ONCE)
    deployment = only(found := resources(stack), "Custom::SeaChangeDeployment")[1]["Properties"]
    [alarm] = deployment["GreenAlarms"]
    assert found[alarm["Ref"]]["Properties"]["MetricName"] == "UnHealthyHostCount"
    assert found[alarm["Ref"]]["Properties"]["Namespace"] == "AWS/NetworkELB"


def test_a_network_load_balancers_group_reaches_the_tasks() -> None:
    stack = new_stack()
    group = ec2.SecurityGroup(stack, "BalancerGroup", vpc=their_vpc(stack), allow_all_outbound=False)
    new_service(
        stack,
        load_balancer=behind_their_network_balancer(stack, security_groups=[group]),
        traffic_shift=ALL_AT_ONCE,
        container_port=9090,
    )
    found = resources(stack)
    for direction in ("Ingress", "Egress"):
        rules = [b["Properties"] for b in found.values() if b["Type"] == f"AWS::EC2::SecurityGroup{direction}"]
        assert {8080, 9090} <= {rule["FromPort"] for rule in rules}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, r"traffic_shift=\) cannot be '10 % every 3 min': give TrafficShift.all_at_once\(\)"),
        (
            {"traffic_shift": ALL_AT_ONCE, "smoke_test": SmokeTest(steps=[{"name": "health", "path": "/"}])},
            r"smoke_test=\).*Application Load Balancer",
        ),
        (
            {"traffic_shift": ALL_AT_ONCE, "scaling": ScalingTargets(requests_per_task=10)},
            r"requests_per_task=\).*counts no requests",
        ),
    ],
)
def test_what_a_network_load_balancer_cannot_do_is_refused(arguments: dict[str, Any], message: str) -> None:
    stack = new_stack()
    with pytest.raises(InvalidArgumentError, match=message):
        new_service(stack, load_balancer=behind_their_network_balancer(stack), **arguments)


@pytest.mark.parametrize(
    ("green", "message"),
    [
        ({"port": 81}, "port 80 and 81"),
        ({"health_check": elbv2.HealthCheck(path="/up")}, "health_check_path None and /up"),
        ({"health_check": elbv2.HealthCheck(interval=Duration.seconds(9))}, "health_check_interval_seconds None and 9"),
        ({"target_type": elbv2.TargetType.INSTANCE}, "target_type ip and instance"),
    ],
)
def test_target_groups_that_differ_are_refused(green: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        behind_their_application_balancer(new_stack(), green)


def test_groups_of_instances_are_refused() -> None:
    stack = new_stack()
    vpc = their_vpc(stack)
    balancer = elbv2.NetworkLoadBalancer(stack, "Theirs", vpc=vpc)
    groups = [
        elbv2.NetworkTargetGroup(stack, name, vpc=vpc, port=80, target_type=elbv2.TargetType.INSTANCE)
        for name in ("One", "Two")
    ]
    one, two = (balancer.add_listener(f"L{port}", port=port, default_target_groups=[groups[0]]) for port in (80, 81))
    with pytest.raises(InvalidArgumentError, match=r"'target type instance'.*as Fargate needs"):
        ExistingTargets(
            load_balancer=balancer,
            production_listener=one,
            test_listener=two,
            blue=groups[0],
            green=groups[1],
            container_port=8080,
        )


def test_the_same_listener_or_group_twice_is_refused() -> None:
    targets = behind_their_application_balancer(new_stack())
    given = {name: getattr(targets, name) for name in vars(targets)}
    with pytest.raises(InvalidArgumentError, match="another one than production's"):
        ExistingTargets(**{**given, "test_listener": targets.production_listener})
    with pytest.raises(InvalidArgumentError, match="another target group than blue's"):
        ExistingTargets(**{**given, "green": targets.blue})
