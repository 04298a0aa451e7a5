"""The service is frozen: whatever a release changes, what CloudFormation would send to ECS and to the listeners stays the same."""

from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import Duration, Stack, Tags
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_ssm as ssm
from aws_cdk.assertions import Annotations, Match

from seachange import (
    AlarmOverride,
    BlueGreenLoadBalancer,
    BlueGreenService,
    Hook,
    Network,
    ReleaseThresholds,
    ScalingTargets,
    SmokeTest,
    TrafficShift,
)
from seachange import fragments as ours
from tests.constructs.apps import new_service, new_stack, resources, their_database
from tests.constructs.fragments import frozen_fragments

Change = Callable[[Stack, BlueGreenService, BlueGreenLoadBalancer], None]


def release(change: Change | None = None, **arguments: Any) -> dict[str, dict[str, Any]]:
    """The frozen fragments of a release; its own network, so that they refer to much."""
    stack = new_stack()
    network = Network(stack, "Network")
    balancer = BlueGreenLoadBalancer(stack, "Balancer", vpc=network.vpc)
    given = {name: value(stack) if callable(value) else value for name, value in arguments.items()}
    service = new_service(stack, vpc=network.vpc, load_balancer=balancer, database=their_database(stack), **given)
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
        image=ecs.ContainerImage.from_registry("example.com/sidecar:1"),
        logging=ecs.LogDrivers.aws_logs(stream_prefix="sidecar"),
    )


def give_secrets(stack: Stack, service: BlueGreenService, _balancer: BlueGreenLoadBalancer) -> None:
    container = service.task_definition.default_container
    assert container is not None
    container.add_secret("KEY", secret(stack))


def add_a_rule(stack: Stack, _service: BlueGreenService, balancer: BlueGreenLoadBalancer) -> None:
    """Somebody else's path on the production listener."""
    elbv2.ApplicationListenerRule(
        stack,
        "Rule",
        listener=balancer.production_listener,
        priority=10,
        conditions=[elbv2.ListenerCondition.path_patterns(["/elsewhere"])],
        action=elbv2.ListenerAction.fixed_response(404),
    )


def map_services(_stack: Stack, service: BlueGreenService, _balancer: BlueGreenLoadBalancer) -> None:
    assert isinstance(service.cluster, ecs.Cluster)
    service.cluster.add_default_cloud_map_namespace(name="shop.internal")


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
    "port": {"container_port": 9090},
    "subnets": {"task_subnets": ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC)},
    "security groups": {
        "task_security_groups": lambda stack: [ec2.SecurityGroup.from_security_group_id(stack, "More", "sg-more")]
    },
    "platform": {"platform_version": ecs.FargatePlatformVersion.VERSION1_4},
    "capacity": {"capacity_providers": [ecs.CapacityProviderStrategy(capacity_provider="FARGATE_SPOT", weight=1)]},
    "scaling": {"scaling": ScalingTargets(cpu_percent=60, memory_percent=70, requests_per_task=600)},
    "common alarms": {
        "common_alarms": lambda stack: [
            cloudwatch.Alarm.from_alarm_name(stack, f"Alarm{n}", f"alarm-{n}") for n in range(6)
        ]
    },
    "smoke test": {
        "smoke_test": SmokeTest(steps=[{"name": "health", "path": "/health"}], timeout=Duration.minutes(3)),
    },
    "hooks": {
        "hooks": lambda stack: {
            "BeforeAllowTraffic": Hook(
                function=lambda_.Function.from_function_name(stack, "Gate", "gate"), timeout=Duration.minutes(2)
            )
        }
    },
    "approval": {"approval_wait": Duration.hours(12), "complete_when": "started"},
    "override": {"alarm_override": AlarmOverride(release="2", alarms=["late"], because="it mends that")},
    "notifications": {"notifications": lambda stack: sns.Topic(stack, "Topic")},
}
CHANGES: dict[str, Change] = {
    "tags": tag_everything,
    "scaling policy": add_a_scaling_policy,
    "grant": grant,
    "connections": let_out,
    "secrets": give_secrets,
    "sidecar": add_a_sidecar,
    "rule": add_a_rule,
    "service discovery": map_services,
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


def test_the_record_watches_what_this_test_does() -> None:
    """The fragments of the library, which the record keeps, against those found here by CloudFormation's schemas."""
    stack = new_stack()
    new_service(stack, database=their_database(stack))
    found = resources(stack)
    assert ours.frozen_fragments(found) == frozen_fragments(found)


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
