"""What the scripted AWS answers when no check has anything to say."""

from collections.abc import Callable, Mapping
from typing import Any

from tools.aws_acceptance.dry.answers import NEW, deployment, reached, service, task_set
from tools.aws_acceptance.dry.world import ACCOUNT, Answer, AwsError, World

OUTPUTS = {
    "Release": "v2",
    "Cluster": "cluster",
    "Service": "plain",
    "Application": "application",
    "Group": "group",
    "BlueTargetGroup": "blue",
    "GreenTargetGroup": "green",
    "Host": "balancer.example.com",
    "LoadBalancer": "app/balancer/1",
    "Subnets": "subnet-1,subnet-2",
    "OtherGroup": "sg-other",
    "Queue": "https://sqs.example.com/queue",
    "Probe": "probe",
    "Lever": "lever",
    "Silent": "silent",
}
CONTAINER = {
    "name": "app",
    "image": "public.ecr.aws/docker/library/python:3.13-slim",
    "environment": [{"name": "PORT", "value": "8080"}, {"name": "RELEASE", "value": "v1"}],
    "portMappings": [{"containerPort": 8080, "hostPort": 8080, "protocol": "tcp"}],
}


def _describe_stacks(world: World, request: dict[str, Any]) -> Answer:
    name = request["StackName"]
    if name not in world.stacks:
        return AwsError("ValidationError", f"Stack with id {name} does not exist")
    stack = {"StackName": name, "StackStatus": world.stacks[name], "CreationTime": world.clock.now()}
    if not name.endswith("-die"):
        stack["Outputs"] = [{"OutputKey": f"Out{key}", "OutputValue": value} for key, value in OUTPUTS.items()]
    return {"Stacks": [stack]}


def _delete_stack(world: World, request: dict[str, Any]) -> Answer:
    world.stacks.pop(request["StackName"], None)
    return {}


def _rolled_back(world: World, request: dict[str, Any]) -> Answer:
    world.stacks[request["StackName"]] = "UPDATE_ROLLBACK_COMPLETE"
    return {}


def _removed(kind: str, key: str) -> Callable[[World, dict[str, Any]], Answer]:
    """An answer to the removal of one leftover, named in the request."""

    def answer(world: World, request: dict[str, Any]) -> Answer:
        world.left[kind].remove(request[key])
        return {}

    return answer


def _listed(kind: str, key: str, name: str | None = None) -> Callable[[World, dict[str, Any]], Answer]:
    """A list of the leftovers of a kind, each under `name` or as it is."""
    return lambda world, _request: {key: [{name: one} if name else one for one in world.left[kind]]}


def _deregister(world: World, request: dict[str, Any]) -> Answer:
    world.left["ACTIVE"].remove(request["taskDefinition"])
    world.left["INACTIVE"].append(request["taskDefinition"])
    return {}


def _delete_task_definitions(world: World, request: dict[str, Any]) -> Answer:
    for arn in request["taskDefinitions"]:
        world.left["INACTIVE"].remove(arn)
    return {}


def _same(answer: Answer) -> Callable[[World, dict[str, Any]], Answer]:
    return lambda _world, _request: answer


BASE: Mapping[str, Callable[[World, dict[str, Any]], Answer]] = {
    "sts.GetCallerIdentity": _same({"Account": ACCOUNT}),
    "ssm.GetParameter": _same({"Parameter": {"Name": "version", "Value": "30"}}),
    "cloudformation.DescribeStacks": _describe_stacks,
    "cloudformation.DescribeStackEvents": lambda world, request: {
        "StackEvents": world.events.get(request["StackName"], [])
    },
    "cloudformation.ListStackResources": lambda world, _request: {
        "StackResourceSummaries": [
            {
                "LogicalResourceId": "Service",
                "ResourceType": "AWS::ECS::Service",
                "LastUpdatedTimestamp": world.clock.now(),
                "ResourceStatus": "UPDATE_FAILED",
            }
        ]
    },
    "cloudformation.ContinueUpdateRollback": _rolled_back,
    "cloudformation.CancelUpdateStack": _rolled_back,
    "cloudformation.DeleteStack": _delete_stack,
    "codedeploy.CreateDeployment": _same({"deploymentId": "d-1"}),
    "codedeploy.GetDeployment": _same(deployment("InProgress")),
    "codedeploy.ListDeployments": _same({"deployments": []}),
    "codedeploy.ListDeploymentTargets": _same({"targetIds": ["plain"]}),
    "codedeploy.BatchGetDeploymentTargets": _same(reached("AllowTraffic")),
    "codedeploy.StopDeployment": _same({"status": "Succeeded"}),
    "ecs.DescribeServices": _same(service(task_set("blue", "PRIMARY"))),
    "ecs.DescribeTaskDefinition": lambda _world, _request: {
        "taskDefinition": {"family": "plain", "cpu": "256", "memory": "512", "containerDefinitions": [dict(CONTAINER)]}
    },
    "ecs.RegisterTaskDefinition": _same({"taskDefinition": {"taskDefinitionArn": NEW}}),
    "ecs.ListTaskDefinitionFamilies": _same({"families": ["plain"]}),
    "ecs.ListTaskDefinitions": lambda world, request: {"taskDefinitionArns": world.left[request["status"]]},
    "ecs.DeregisterTaskDefinition": _deregister,
    "ecs.DeleteTaskDefinitions": _delete_task_definitions,
    "elbv2.DescribeTargetHealth": _same({}),
    "cloudwatch.SetAlarmState": _same({}),
    "logs.DescribeLogGroups": _listed("log group", "logGroups", "logGroupName"),
    "logs.DeleteLogGroup": _removed("log group", "logGroupName"),
    "rds.DescribeDBSnapshots": _listed("snapshot", "DBSnapshots", "DBSnapshotIdentifier"),
    "rds.DeleteDBSnapshot": _removed("snapshot", "DBSnapshotIdentifier"),
    "s3.ListBuckets": _listed("bucket", "Buckets", "Name"),
    "s3.ListObjectVersions": _same({"Versions": [{"Key": "log", "VersionId": "1"}]}),
    "s3.DeleteObject": _same({}),
    "s3.DeleteBucket": _removed("bucket", "Bucket"),
    "ec2.DescribeNetworkInterfaces": _same({"NetworkInterfaces": [{"PrivateIpAddress": "10.0.0.10"}]}),
}
