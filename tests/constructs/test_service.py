"""`BlueGreenService`, alone in somebody else's app."""

from typing import Any

import pytest
from aws_cdk import CfnParameter, Duration, NestedStack, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Annotations, Match
from constructs import Construct

from seachange import AlarmOverride, BlueGreenLoadBalancer, Hook, InvalidArgumentError, SmokeTest
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
from tests.constructs.deployment.test_order import DEPLOYMENT, before

GROUP = "AWS::CodeDeploy::DeploymentGroup"


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
    assert only(found, "Custom::SeaChangeDeployment")[1]["Properties"]["CommonAlarms"][1:] == ["orders-late"]
    assert {"Name": "orders-late"} in only(found, "AWS::CodeDeploy::DeploymentGroup")[1]["Properties"][
        "AlarmConfiguration"
    ]["Alarms"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"vpc": None}, "vpc=, cluster=.*'nothing'"),
        ({"min_tasks": 3, "max_tasks": 2}, "min_tasks=, max_tasks="),
        ({"initial_desired_count": -1}, "initial_desired_count=.*0 or more"),
    ],
)
def test_refuses(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        new_service(new_stack(), **arguments)


def test_refuses_a_vpc_beside_a_cluster() -> None:
    stack = new_stack()
    vpc = their_vpc(stack)
    balancer = BlueGreenLoadBalancer(stack, "Balancer", vpc=vpc)
    cluster = ecs.Cluster.from_cluster_attributes(stack, "Cluster", cluster_name="theirs", vpc=vpc)
    with pytest.raises(InvalidArgumentError, match=r"vpc=, cluster=.*'both'"):
        new_service(stack, "One", load_balancer=balancer, cluster=cluster)


def test_more_alarms_than_codedeploy_takes_are_put_under_one() -> None:
    stack = new_stack()
    alarms = [cloudwatch.Alarm.from_alarm_name(stack, f"Alarm{n}", f"alarm-{n}") for n in range(5)]
    new_service(stack, common_alarms=alarms)
    found = resources(stack)
    properties = only(found, "Custom::SeaChangeDeployment")[1]["Properties"]
    assert properties["CommonAlarms"][1:] == [f"alarm-{n}" for n in range(5)]
    composite = found[properties["CommonComposite"]["Ref"]]
    assert composite["Type"] == "AWS::CloudWatch::CompositeAlarm"
    assert all(f"alarm-{n}" in str(composite["Properties"]["AlarmRule"]) for n in range(5))


def test_a_release_brings_port_network_platform_and_capacity_of_its_own() -> None:
    stack = new_stack()
    vpc = their_vpc(stack)
    new_service(
        stack,
        container_port=9090,
        task_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
        task_security_groups=[ec2.SecurityGroup.from_security_group_id(stack, "More", "sg-more")],
        platform_version=ecs.FargatePlatformVersion.VERSION1_4,
        capacity_providers=[ecs.CapacityProviderStrategy(capacity_provider="FARGATE_SPOT", weight=3, base=1)],
        vpc=vpc,
    )
    found = resources(stack)
    properties = only(found, "Custom::SeaChangeDeployment")[1]["Properties"]
    assert (properties["ContainerPort"], properties["Subnets"]) == ("9090", ["subnet-p1", "subnet-p2"])
    assert properties["SecurityGroups"][1:] == ["sg-more"]
    assert properties["PlatformVersion"] == "1.4.0"
    assert properties["CapacityProviders"] == [{"CapacityProvider": "FARGATE_SPOT", "Base": "1", "Weight": "3"}]
    service = only(found, "AWS::ECS::Service")[1]["Properties"]
    assert service["LoadBalancers"][0]["ContainerPort"] == 8080
    assert service["NetworkConfiguration"]["AwsvpcConfiguration"]["Subnets"] == ["subnet-1", "subnet-2"]
    assert {"PlatformVersion", "CapacityProviderStrategy"}.isdisjoint(service)
    # The load balancer reaches the old tasks on the old port and the new ones on theirs.
    rules = [b["Properties"] for b in found.values() if b["Type"] == "AWS::EC2::SecurityGroupIngress"]
    assert {8080, 9090} <= {rule["FromPort"] for rule in rules}
    container = only(found, "AWS::ECS::TaskDefinition")[1]["Properties"]["ContainerDefinitions"][0]
    assert {"Name": "PORT", "Value": "9090"} in container["Environment"]


def test_the_first_tasks_are_watched_beside_the_service_not_after_it() -> None:
    stack = new_stack()
    new_service(stack, database=their_database(stack))
    found = resources(stack)
    service, _ = only(found, "AWS::ECS::Service")
    watch, body = only(found, "Custom::SeaChangeFirstTasks")
    assert service not in before(found, watch)
    # But for its task definition, the watch waits for what the service waits for.
    listeners = {name for name, b in found.items() if b["Type"] == "AWS::ElasticLoadBalancingV2::Listener"}
    assert listeners <= before(found, watch)
    assert body["Properties"]["ServiceName"] == "orders"
    assert body["Properties"]["ServiceToken"] == only(found, DEPLOYMENT)[1]["Properties"]["ServiceToken"]
    assert watch in before(found, only(found, DEPLOYMENT)[0])


def test_a_sidecar_may_get_the_traffic_and_one_that_is_not_there_may_not() -> None:
    stack = new_stack()
    service = new_service(stack, container_port=9090, traffic_container="proxy")
    with pytest.raises(RuntimeError, match=r"traffic_container=\) cannot be 'proxy': there is no such container"):
        template(stack)

    stack = new_stack()
    service = new_service(stack, container_port=9090, traffic_container="proxy")
    image = ecs.ContainerImage.from_registry("example.com/proxy:1")
    proxy = service.task_definition.add_container(
        "proxy", image=image, logging=ecs.LogDrivers.aws_logs(stream_prefix="p")
    )
    proxy.add_port_mappings(ecs.PortMapping(container_port=9090))
    properties = only(resources(stack), DEPLOYMENT)[1]["Properties"]
    assert (properties["ContainerName"], properties["ContainerPort"]) == ("proxy", "9090")


def test_a_container_must_map_the_port() -> None:
    stack = new_stack()
    service = new_service(stack, traffic_container="proxy")
    image = ecs.ContainerImage.from_registry("example.com/proxy:1")
    service.task_definition.add_container("proxy", image=image, logging=ecs.LogDrivers.aws_logs(stream_prefix="p"))
    with pytest.raises(RuntimeError, match=r"container_port=\) cannot be 8080: container 'proxy' maps no such port"):
        template(stack)


def test_two_services_in_one_stack_are_deployed_apart_and_last() -> None:
    stack = new_stack()
    new_service(stack, "Orders")
    new_service(stack, "Bills")
    found = resources(stack)
    deployments = {name for name, body in found.items() if body["Type"] == DEPLOYMENT}
    assert len(deployments) == 2
    for deployment in deployments:
        assert before(found, deployment) == found.keys() - deployments
    names = {b["Properties"]["DeploymentGroupName"] for b in found.values() if b["Type"] == GROUP}
    assert names == {"Foreign-orders", "Foreign-bills"}


def test_it_warns_when_blue_and_green_want_more_connections_than_there_are() -> None:
    stack = new_stack()
    new_service(stack, max_tasks=10, connections_per_task=10, max_connections=200)
    Annotations.from_stack(stack).has_no_warning("*", Match.string_like_regexp("connections"))
    stack = new_stack()
    new_service(stack, max_tasks=10, connections_per_task=10, max_connections=199)
    Annotations.from_stack(stack).has_warning(
        "/Foreign/Orders", Match.string_like_regexp("200 connections.*max_connections=199")
    )


def test_alarms_and_deployments_tell_the_topic() -> None:
    stack = new_stack()
    topic = sns.Topic(stack, "Topic")
    new_service(stack, notifications=topic)
    found = resources(stack)
    [trigger] = only(found, GROUP)[1]["Properties"]["TriggerConfigurations"]
    assert trigger["TriggerTargetArn"] == stack.resolve(topic.topic_arn)
    assert "DeploymentRollback" in trigger["TriggerEvents"]
    role = found[only(found, GROUP)[1]["Properties"]["ServiceRoleArn"]["Fn::GetAtt"][0]]["Properties"]
    [publish] = [s for s in role["Policies"][0]["PolicyDocument"]["Statement"] if s["Action"] == "sns:Publish"]
    assert publish["Resource"] == stack.resolve(topic.topic_arn)
    alarms = [b["Properties"] for b in found.values() if b["Type"] == "AWS::CloudWatch::Alarm"]
    assert all(alarm["AlarmActions"] == [stack.resolve(topic.topic_arn)] for alarm in alarms)


def test_hooks_and_the_smoke_test_are_called_and_may_answer() -> None:
    stack = new_stack()
    code = lambda_.Code.from_inline("def handler(event, context): pass")
    function = lambda_.Function(stack, "Gate", runtime=lambda_.Runtime.PYTHON_3_13, handler="index.handler", code=code)
    new_service(
        stack,
        smoke_test=SmokeTest(steps=[{"name": "health", "path": "/health"}]),
        hooks={"BeforeAllowTraffic": Hook(function=function, timeout=Duration.minutes(2))},
    )
    found = resources(stack)
    hooks = only(found, DEPLOYMENT)[1]["Properties"]["Hooks"]
    assert hooks.keys() == {"BeforeAllowTraffic", "AfterAllowTestTraffic"}
    assert hooks["BeforeAllowTraffic"] == stack.resolve(function.function_arn)
    role = found[only(found, GROUP)[1]["Properties"]["ServiceRoleArn"]["Fn::GetAtt"][0]]["Properties"]
    statements = role["Policies"][0]["PolicyDocument"]["Statement"]
    [invoke] = [s for s in statements if s["Action"] == "lambda:InvokeFunction"]
    assert sorted(map(str, invoke["Resource"])) == sorted(map(str, hooks.values()))
    policies = [b["Properties"] for b in found.values() if b["Type"] in ("AWS::IAM::Policy", "AWS::IAM::Role")]
    answers = [p for p in policies if "PutLifecycleEventHookExecutionStatus" in str(p)]
    assert len(answers) == 2
    assert all("deploymentgroup:Foreign-orders/Foreign-orders" in str(answer) for answer in answers)


def test_in_a_nested_stack_it_is_refused() -> None:
    nested = NestedStack(new_stack(), "Nested")
    with pytest.raises(InvalidArgumentError, match=r"scope=.*nested stack.*stack of its own"):
        new_service(nested)


def test_listeners_of_another_stack_are_refused() -> None:
    stack = new_stack()
    other = Stack(stack.node.root, "Other")  # type: ignore[arg-type]
    balancer = BlueGreenLoadBalancer(other, "Balancer", vpc=their_vpc(other))
    with pytest.raises(InvalidArgumentError, match=r"load_balancer=\) cannot be 'Other'.*the service's stack"):
        new_service(stack, load_balancer=balancer)


def test_a_second_service_of_the_same_name_is_refused() -> None:
    stack = new_stack()
    new_service(stack, "Orders")
    with pytest.raises(
        InvalidArgumentError, match=r"service_name=\) cannot be 'orders': another service of this stack"
    ):
        new_service(stack, "Again", service_name="orders")


def test_an_override_is_in_the_template_of_its_release_only() -> None:
    override = AlarmOverride(release="2", alarms=["late"], because="this release mends it")
    for release, expected in (("1", None), ("2", ["late"])):
        stack = new_stack()
        new_service(stack, release=release, alarm_override=override)
        assert only(resources(stack), DEPLOYMENT)[1]["Properties"].get("OverriddenAlarms") == expected


def test_counts_and_ports_that_are_known_only_at_deployment_are_let_through() -> None:
    stack = new_stack()
    number = CfnParameter(stack, "Number", type="Number").value_as_number
    new_service(stack, min_tasks=number, max_tasks=number, max_connections=number, connections_per_task=4)
    target = only(resources(stack), "AWS::ApplicationAutoScaling::ScalableTarget")[1]["Properties"]
    assert target["MaxCapacity"] == {"Ref": "Number"}
