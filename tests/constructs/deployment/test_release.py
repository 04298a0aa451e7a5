"""`ReleaseTarget`: what a release brings besides its image."""

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs

from seachange import InvalidArgumentError
from seachange.deployment.release import ReleaseTarget
from tests.constructs.apps import new_stack


def target(stack: cdk.Stack, **changes: Any) -> ReleaseTarget:
    arguments: dict[str, Any] = {
        "name": "v2",
        "container_name": "app",
        "container_port": 8080,
        "subnets": ["subnet-1"],
        "security_groups": [ec2.SecurityGroup.from_security_group_id(stack, "Group", "sg-1")],
        "platform_version": None,
        "capacity_providers": None,
    }
    return ReleaseTarget(**arguments | changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"container_port": 0}, r"container_port=\) cannot be 0: give 1 to 65535"),
        ({"container_port": 65536}, r"container_port=\) cannot be 65536: give 1 to 65535"),
        ({"container_port": "8080"}, r"container_port=\) cannot be '8080': give 1 to 65535, as a number"),
        ({"platform_version": "1.4.0"}, r"platform_version=\) cannot be '1.4.0': .*FargatePlatformVersion.VERSION1_4"),
        ({"subnets": []}, r"task_subnets=\) cannot be '0 of them'"),
        ({"capacity_providers": []}, r"capacity_providers=\) cannot be '0 of them'"),
    ],
)
def test_refuses(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        target(new_stack(), **changes)


def test_numbers_that_are_known_later_stay_whole() -> None:
    stack = new_stack()
    number = cdk.CfnParameter(stack, "Number", type="Number").value_as_number
    strategy = ecs.CapacityProviderStrategy(capacity_provider="FARGATE", base=number, weight=number)
    properties = stack.resolve(target(stack, container_port=number, capacity_providers=[strategy]).properties())
    reference = {"Ref": "Number"}
    assert properties["ContainerPort"] == reference
    assert properties["CapacityProviders"] == [{"CapacityProvider": "FARGATE", "Base": reference, "Weight": reference}]


def test_numbers_are_texts_without_a_point() -> None:
    strategies = [ecs.CapacityProviderStrategy(capacity_provider="FARGATE", weight=3.0)]
    properties = target(new_stack(), capacity_providers=strategies).properties()
    assert properties["ContainerPort"] == "8080"
    assert properties["CapacityProviders"] == [{"CapacityProvider": "FARGATE", "Base": "0", "Weight": "3"}]
