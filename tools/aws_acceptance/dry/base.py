"""What the scripted AWS answers when no check has anything to say."""

from collections.abc import Callable, Mapping
from typing import Any

from tools.aws_acceptance.dry.answers import NEW, OLD, deployment, reached, service, task_set
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
    if not name.endswith("-first"):
        stack["Outputs"] = [{"OutputKey": f"Out{key}", "OutputValue": value} for key, value in OUTPUTS.items()]
    return {"Stacks": [stack]}


def _delete_stack(world: World, request: dict[str, Any]) -> Answer:
    world.stacks.pop(request["StackName"], None)
    return {}


def _continue_rollback(world: World, request: dict[str, Any]) -> Answer:
    world.stacks[request["StackName"]] = "UPDATE_ROLLBACK_COMPLETE"
    return {}


def _delete_log_group(world: World, request: dict[str, Any]) -> Answer:
    world.log_groups.remove(request["logGroupName"])
    return {}


def _delete_snapshot(world: World, request: dict[str, Any]) -> Answer:
    world.snapshots.remove(request["DBSnapshotIdentifier"])
    return {}


def _task_definitions(_world: World, request: dict[str, Any]) -> Answer:
    return {"taskDefinitionArns": [OLD] if request["status"] == "ACTIVE" else [OLD, NEW]}


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
    "cloudformation.ContinueUpdateRollback": _continue_rollback,
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
    "ecs.ListTaskDefinitions": _task_definitions,
    "ecs.DeregisterTaskDefinition": _same({}),
    "ecs.DeleteTaskDefinitions": _same({}),
    "elbv2.DescribeTargetHealth": _same({}),
    "cloudwatch.SetAlarmState": _same({}),
    "logs.DescribeLogGroups": lambda world, _request: {
        "logGroups": [{"logGroupName": name} for name in world.log_groups]
    },
    "logs.DeleteLogGroup": _delete_log_group,
    "rds.DescribeDBSnapshots": lambda world, _request: {
        "DBSnapshots": [{"DBSnapshotIdentifier": name} for name in world.snapshots]
    },
    "rds.DeleteDBSnapshot": _delete_snapshot,
    "ec2.DescribeNetworkInterfaces": _same({"NetworkInterfaces": [{"PrivateIpAddress": "10.0.0.10"}]}),
}
