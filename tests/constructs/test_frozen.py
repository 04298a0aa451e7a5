"""The service is frozen: whatever a release changes, what CloudFormation would send to ECS and to the listeners stays the same."""

from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import Duration, Stack, Tags
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ssm as ssm
from aws_cdk.assertions import Annotations, Match

from seachange import BlueGreenLoadBalancer, BlueGreenService, Network, ReleaseThresholds, TrafficShift
from tests.constructs.apps import new_service, new_stack, resources, their_database
from tests.constructs.fragments import frozen_fragments

Change = Callable[[Stack, BlueGreenService, BlueGreenLoadBalancer], None]


def release(change: Change | None = None, **arguments: Any) -> dict[str, dict[str, Any]]:
    """The frozen fragments of a release; its own network, so that they refer to much."""
    stack = new_stack()
    network = Network(stack, "Network")
    balancer = BlueGreenLoadBalancer(stack, "Balancer", vpc=network.vpc)
    service = new_service(stack, vpc=network.vpc, load_balancer=balancer, database=their_database(stack), **arguments)
    if change is not None:
        change(stack, service, balancer)
    return frozen_fragments(resources(stack))


@pytest.fixture(scope="module")
def before() -> dict[str, dict[str, Any]]:
    return release()


def secret(stack: Stack) -> ecs.Secret:
    return ecs.Secret.from_ssm_parameter(ssm.StringParameter.from_string_parameter_name(stack, "Key", "/shop/key"))


def tag_everything(stack: Stack, _service: BlueGreenService, _balancer: BlueGreenLoadBalancer) -> None:
    Tags.of(stack.node.root).add("GitSha", "abc")


def add_a_scaling_policy(_stack: Stack, service: BlueGreenService, _balancer: BlueGreenLoadBalancer) -> None:
    service.scaling.scale_on_cpu_utilization("Cpu", target_utilization_percent=60)


def grant(stack: Stack, service: BlueGreenService, _balancer: BlueGreenLoadBalancer) -> None:
    s3.Bucket.from_bucket_name(stack, "Bucket", "theirs").grant_read(service)


def let_out(_stack: Stack, service: BlueGreenService, _balancer: BlueGreenLoadBalancer) -> None:
    service.connections.allow_from(ec2.Peer.ipv4("10.9.0.0/16"), ec2.Port.tcp(9999))


def add_a_sidecar(_stack: Stack, service: BlueGreenService, _balancer: BlueGreenLoadBalancer) -> None:
    service.task_definition.add_container(
        "sidecar",
        image=ecs.ContainerImage.from_registry("example.com/sidecar"),
        logging=ecs.LogDrivers.aws_logs(stream_prefix="sidecar"),
    )


def give_secrets(stack: Stack, service: BlueGreenService, _balancer: BlueGreenLoadBalancer) -> None:
    container = service.task_definition.default_container
    assert container is not None
    container.add_secret("KEY", secret(stack))


def add_a_certificate(stack: Stack, _service: BlueGreenService, balancer: BlueGreenLoadBalancer) -> None:
    arn = "arn:aws:acm:eu-west-1:123456789012:certificate/2"
    elbv2.ApplicationListenerCertificate(
        stack,
        "Further",
        listener=balancer.production_listener,
        certificates=[
            elbv2.ListenerCertificate.from_certificate_manager(acm.Certificate.from_certificate_arn(stack, "Two", arn))
        ],
    )


ARGUMENTS: dict[str, dict[str, Any]] = {
    "release": {"release": "2"},
    "image": {"image": ecs.ContainerImage.from_registry("example.com/orders:2")},
    "command": {"command": ["serve", "--fast"]},
    "cpu and memory": {"cpu": 1024, "memory_limit_mib": 2048},
    "architecture": {"architecture": ecs.CpuArchitecture.X86_64},
    "environment": {"environment": {"COLOUR": "sea"}},
    "alarms": {"thresholds": ReleaseThresholds(error_percent=5, p99_seconds=3, minimum_requests=10)},
    "autoscaling": {"min_tasks": 4, "max_tasks": 40},
    "plan": {
        "traffic_shift": TrafficShift.canary(percent=5, interval=Duration.minutes(10)),
        "bake_time": Duration.minutes(5),
    },
    "log retention": {"log_retention": logs.RetentionDays.ONE_YEAR},
}
CHANGES: dict[str, Change] = {
    "tags": tag_everything,
    "scaling policy": add_a_scaling_policy,
    "grant": grant,
    "connections": let_out,
    "secrets": give_secrets,
    "sidecar": add_a_sidecar,
    "certificate": add_a_certificate,
}


def test_the_fragments_hold_what_they_should(before: dict[str, dict[str, Any]]) -> None:
    types = {fragment["Type"] for fragment in before.values()}
    assert {
        "AWS::ECS::Service",
        "AWS::ECS::Cluster",
        "AWS::EC2::SecurityGroup",
        "AWS::EC2::Subnet",
        "AWS::EC2::VPC",
        "AWS::ElasticLoadBalancingV2::Listener",
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        "AWS::ElasticLoadBalancingV2::TargetGroup",
    } <= types
    assert "AWS::ECS::TaskDefinition" not in types


def test_a_release_that_differs_in_everything_leaves_them_alone(before: dict[str, dict[str, Any]]) -> None:
    def everything(stack: Stack, service: BlueGreenService, balancer: BlueGreenLoadBalancer) -> None:
        for change in CHANGES.values():
            change(stack, service, balancer)

    arguments = {name: value for group in ARGUMENTS.values() for name, value in group.items()}
    assert release(everything, **arguments) == before


@pytest.mark.slow
@pytest.mark.parametrize("what", ARGUMENTS)
def test_an_argument_leaves_them_alone(before: dict[str, dict[str, Any]], what: str) -> None:
    assert release(**ARGUMENTS[what]) == before


@pytest.mark.slow
@pytest.mark.parametrize("what", CHANGES)
def test_a_change_leaves_them_alone(before: dict[str, dict[str, Any]], what: str) -> None:
    assert release(CHANGES[what]) == before


def test_a_create_time_argument_does_move_them(before: dict[str, dict[str, Any]]) -> None:
    assert release(initial_desired_count=3) != before


def test_a_replacement_of_what_they_refer_to_is_seen(before: dict[str, dict[str, Any]]) -> None:
    def describe(_stack: Stack, service: BlueGreenService, _balancer: BlueGreenLoadBalancer) -> None:
        group = service.connections.security_groups[0].node.default_child
        assert isinstance(group, ec2.CfnSecurityGroup)
        group.group_description = "new words replace the group"

    assert release(describe) != before


def test_a_tag_of_the_stack_itself_is_warned_of() -> None:
    stack = new_stack()
    new_service(stack)
    Annotations.from_stack(stack).has_no_warning("*", Match.string_like_regexp("The stack has tags"))

    tagged = new_stack()
    new_service(tagged)
    Tags.of(tagged).add("GitSha", "abc")
    Annotations.from_stack(tagged).has_warning(
        "/Foreign/Orders/Service", Match.string_like_regexp("The stack has tags")
    )
