"""A release is more than its task definition."""

from typing import Any

import pytest

from seachange_deployments.release import of_task_set, wanted
from tests.deployments.said import (
    BLUE,
    GREEN_WATCH,
    NEW,
    NOW,
    OLD,
    PROPERTIES,
    RUNS,
    RUNS_SET,
    RUNS_SPEC,
    app_spec,
    when,
)
from tests.deployments.world import World, step

WANTED = {**PROPERTIES, **RUNS}
SERVES: dict[str, Any] = {
    "taskDefinition": NEW,
    "loadBalancers": [{"targetGroupArn": BLUE, "containerName": "app", "containerPort": 8080}],
    **RUNS_SET,
}


def vpc(**changes: Any) -> dict[str, Any]:
    return {
        "networkConfiguration": {
            "awsvpcConfiguration": RUNS_SET["networkConfiguration"]["awsvpcConfiguration"] | changes
        }
    }


@pytest.mark.parametrize(
    ("serves", "differences"),
    [
        ({}, []),
        ({"taskDefinition": OLD}, ["task definition"]),
        ({"loadBalancers": [{"targetGroupArn": BLUE, "containerName": "app", "containerPort": 80}]}, ["container"]),
        ({"loadBalancers": [{"targetGroupArn": BLUE, "containerName": "web", "containerPort": 8080}]}, ["container"]),
        (vpc(subnets=["subnet-a"]), ["subnets"]),
        (vpc(securityGroups=["sg-1", "sg-2"]), ["security groups"]),
        (vpc(assignPublicIp="ENABLED"), ["public ip"]),
        ({"platformVersion": "1.3.0"}, ["platform"]),
        ({"capacityProviderStrategy": []}, ["capacity"]),
        ({"capacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 3}]}, ["capacity"]),
        ({"capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT", "base": 1, "weight": 3}]}, ["capacity"]),
    ],
)
def test_every_part_that_the_properties_state_is_compared(serves: dict[str, Any], differences: list[str]) -> None:
    assert wanted(WANTED).differences(of_task_set(SERVES | serves)) == differences


def test_what_the_properties_do_not_state_is_not_compared() -> None:
    assert wanted(PROPERTIES).is_same_as(of_task_set(SERVES))
    assert wanted({**PROPERTIES, "Subnets": [], "CapacityProviders": []}).is_same_as(of_task_set(SERVES))


def test_the_latest_platform_is_whatever_number_ecs_says() -> None:
    for version in ("LATEST", "1.4.0"):
        assert wanted({**WANTED, "PlatformVersion": "LATEST"}).is_same_as(
            of_task_set(SERVES | {"platformVersion": version})
        )
    assert not wanted(WANTED).is_same_as(of_task_set(SERVES | {"platformVersion": "LATEST"}))


def test_a_capacity_provider_may_be_an_arn() -> None:
    arn = "arn:aws:ecs:eu-west-1:123456789012:capacity-provider/FARGATE"
    strategy = [{"capacityProvider": arn, "base": 1, "weight": 3}]
    assert wanted(WANTED).is_same_as(of_task_set(SERVES | {"capacityProviderStrategy": strategy}))


def test_nothing_when_all_of_it_serves(world: World) -> None:
    world.stack().group().service(NEW, runs=RUNS_SET)
    assert step(world, properties=RUNS) == {"DeploymentId": ""}


def test_another_network_alone_is_deployed(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    before = {"completeTime": when(NOW - 9000), "description": "SeaChange: shop:12, request request-0"}
    spec = RUNS_SPEC.replace("sg-1", "sg-0")
    world.look("d-OLD1", NEW, "Succeeded", spec, **before).service(NEW, runs=RUNS_SET | vpc(securityGroups=["sg-0"]))
    world.alarms(*GREEN_WATCH).creates("d-NEW1", *GREEN_WATCH, content=app_spec(NEW, RUNS_SPEC))
    assert step(world, properties=RUNS) is None
    assert "shop:12 serves; shop:12 is wanted, other in its security groups." in caplog.text
    # Its own success counts, though ECS's answer lags behind.
    info = {"completeTime": when(NOW), "description": "SeaChange: shop:12, request request-1"}
    world.look("d-NEW1", NEW, "Succeeded", RUNS_SPEC, **info).service(NEW, runs=RUNS_SET | vpc(securityGroups=["sg-0"]))
    assert step(world, properties=RUNS) == {"DeploymentId": "d-NEW1"}


def test_the_outcome_of_the_same_task_definition_elsewhere_is_not_this_requests(world: World) -> None:
    failed = {"completeTime": when(NOW - 60)}
    world.look("d-OLD1", NEW, "Failed", RUNS_SPEC.replace("sg-1", "sg-0"), **failed).service(OLD)
    world.alarms(*GREEN_WATCH).creates("d-NEW1", *GREEN_WATCH, content=app_spec(NEW, RUNS_SPEC))
    assert step(world, properties=RUNS) is None
