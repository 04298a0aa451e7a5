"""`BlueGreenService`, alone in somebody else's app."""

from typing import Any

import pytest
from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from seachange import BlueGreenLoadBalancer, InvalidArgumentError, TrafficShift
from tests.constructs.apps import (
    Resources,
    new_service,
    new_stack,
    only,
    resources,
    template,
    their_database,
    their_vpc,
)


@pytest.fixture(scope="module")
def found() -> Resources:
    stack = new_stack("Shop")
    new_service(stack, database=their_database(stack))
    return resources(stack)


def test_the_service_is_codedeploys(found: Resources) -> None:
    _, service = only(found, "AWS::ECS::Service")
    properties = service["Properties"]
    assert properties["DeploymentController"] == {"Type": "CODE_DEPLOY"}
    assert properties["TaskDefinition"] == "Shop-orders"
    assert "DeploymentCircuitBreaker" not in properties["DeploymentConfiguration"]
    [target] = properties["LoadBalancers"]
    assert (target["ContainerName"], target["ContainerPort"]) == ("app", 8080)
    assert properties["NetworkConfiguration"]["AwsvpcConfiguration"]["Subnets"] == ["subnet-1", "subnet-2"]


def test_it_waits_for_both_listeners(found: Resources) -> None:
    _, service = only(found, "AWS::ECS::Service")
    listeners = {name for name, body in found.items() if body["Type"] == "AWS::ElasticLoadBalancingV2::Listener"}
    assert listeners <= set(service["DependsOn"])


def test_the_desired_count_belongs_to_a_scalable_target(found: Resources) -> None:
    _, target = only(found, "AWS::ApplicationAutoScaling::ScalableTarget")
    assert (target["Properties"]["MinCapacity"], target["Properties"]["MaxCapacity"]) == (2, 4)


def test_the_database_lets_the_tasks_in_before_they_start(found: Resources) -> None:
    [(name, rule)] = [
        item
        for item in found.items()
        if item[1]["Type"] == "AWS::EC2::SecurityGroupIngress" and item[1]["Properties"]["GroupId"] == "sg-database"
    ]
    assert (rule["Properties"]["FromPort"], rule["Properties"]["ToPort"]) == (5433, 5433)
    assert name in only(found, "AWS::ECS::Service")[1]["DependsOn"]


def test_it_comes_after_a_database_that_is_a_construct() -> None:
    stack = new_stack()

    class Migrated(Construct):
        def __init__(self) -> None:
            super().__init__(stack, "Migrated")
            self.__dict__ |= vars(their_database(stack))
            self.schema = s3.CfnBucket(self, "Schema")

    database = Migrated()
    new_service(stack, database=database)
    assert stack.get_logical_id(database.schema) in only(resources(stack), "AWS::ECS::Service")[1]["DependsOn"]


def test_in_a_cluster_and_on_a_load_balancer_of_theirs() -> None:
    stack = new_stack()
    vpc = their_vpc(stack)
    cluster = ecs.Cluster.from_cluster_attributes(stack, "Cluster", cluster_name="theirs", vpc=vpc)
    new_service(stack, vpc=None, cluster=cluster, vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC))
    found = resources(stack)
    assert not [body for body in found.values() if body["Type"] == "AWS::ECS::Cluster"]
    service = only(found, "AWS::ECS::Service")[1]["Properties"]
    assert service["Cluster"] == "theirs"
    assert service["NetworkConfiguration"]["AwsvpcConfiguration"]["Subnets"] == ["subnet-p1", "subnet-p2"]


def test_it_takes_grants_connections_and_scaling_policies() -> None:
    stack = new_stack()
    service = new_service(stack, min_tasks=1, max_tasks=9)
    s3.Bucket.from_bucket_name(stack, "Bucket", "theirs").grant_read(service)
    service.connections.allow_to(ec2.Peer.ipv4("10.9.0.0/16"), ec2.Port.tcp(6379))
    service.scaling.scale_on_cpu_utilization("Cpu", target_utilization_percent=60)
    found = template(stack)
    found.resource_count_is("AWS::ApplicationAutoScaling::ScalingPolicy", 1)
    assert "s3:GetObject*" in str(found.find_resources("AWS::IAM::Policy"))


def test_alarms_of_theirs_watch_too() -> None:
    stack = new_stack()
    alarm = cloudwatch.Alarm.from_alarm_arn(
        stack, "Alarm", "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:orders-late"
    )
    new_service(stack, common_alarms=[alarm])
    found = resources(stack)
    assert only(found, "Custom::SeaChangeDeployment")[1]["Properties"]["CommonAlarms"] == ["orders-late"]
    assert {"Name": "orders-late"} in only(found, "AWS::CodeDeploy::DeploymentGroup")[1]["Properties"][
        "AlarmConfiguration"
    ]["Alarms"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"vpc": None}, "vpc=, cluster=.*'nothing'"),
        ({"min_tasks": 3, "max_tasks": 2}, "min_tasks=, max_tasks="),
        ({"initial_desired_count": -1}, "initial_desired_count=.*0 or more"),
        ({"bake_time": Duration.minutes(2881)}, "bake_time=.*'2881 min'.*2880 at most"),
        ({"bake_time": Duration.seconds(90)}, "bake_time=.*'1.5 min'.*whole minutes"),
        (
            {"traffic_shift": TrafficShift.linear(percent=10, interval=Duration.minutes(4))},
            "traffic_shift=.*'36 min'.*35 min at most",
        ),
    ],
)
def test_refuses(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        new_service(new_stack(), **arguments)


def test_refuses_a_vpc_beside_a_cluster_and_an_eleventh_alarm() -> None:
    stack = new_stack()
    vpc = their_vpc(stack)
    balancer = BlueGreenLoadBalancer(stack, "Balancer", vpc=vpc)
    cluster = ecs.Cluster.from_cluster_attributes(stack, "Cluster", cluster_name="theirs", vpc=vpc)
    with pytest.raises(InvalidArgumentError, match=r"vpc=, cluster=.*'both'"):
        new_service(stack, "One", load_balancer=balancer, cluster=cluster)
    alarms = [cloudwatch.Alarm.from_alarm_name(stack, f"Alarm{n}", f"alarm-{n}") for n in range(5)]
    with pytest.raises(InvalidArgumentError, match=r"common_alarms=.*'5 alarms'.*4 at most"):
        new_service(stack, "Two", load_balancer=balancer, common_alarms=alarms)
