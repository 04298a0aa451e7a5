"""What AWS says of a service in these tests, and the functions of the assembly."""

import time
from typing import Any

from seachange.assembly import Assembly, Resource
from tests.deployments.said import GREEN, NEW, OLD, SERVICE, app_spec

STACK_IS_UPDATED = (
    "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>shop</StackName>"
    "<CreationTime>2026-01-01T00:00:00Z</CreationTime><StackStatus>UPDATE_IN_PROGRESS</StackStatus></member></Stacks>"
    "</DescribeStacksResult></DescribeStacksResponse>"
)


def service_with(task_definition: str) -> dict[str, Any]:
    """What AWS says of a service whose primary task set runs a task definition, and that was never deployed to."""
    primary = {"status": "PRIMARY", "taskDefinition": task_definition, "loadBalancers": [{"targetGroupArn": GREEN}]}
    service = {
        "serviceArn": SERVICE,
        "status": "ACTIVE",
        "deploymentController": {"type": "CODE_DEPLOY"},
        "taskSets": [primary],
    }
    return {
        "DescribeStacks": STACK_IS_UPDATED,
        "GetDeploymentGroup": {"deploymentGroupInfo": {}},
        "DescribeServices": {"services": [service]},
    }


def deployed(*events: list[dict[str, Any]], **info: Any) -> dict[str, Any]:
    """What AWS says of this release's deployment: one list of lifecycle events for each look, the last one for ever."""
    revision = {"revisionType": "AppSpecContent", "appSpecContent": {"sha256": "0" * 64}}
    deployment = {
        "applicationName": "shop",
        "deploymentId": "d-NEW1",
        "status": "InProgress",
        "description": "SeaChange: shop:12, request request-1",
        "createTime": time.time(),
        "revision": revision,
        **info,
    }
    content = {**revision, "appSpecContent": {"content": app_spec(NEW)}}
    return {
        **service_with(OLD),
        "GetDeploymentGroup": {"deploymentGroupInfo": {"lastAttemptedDeployment": {"deploymentId": "d-NEW1"}}},
        "GetDeployment": {"deploymentInfo": deployment},
        "GetApplicationRevision": {"applicationName": "shop", "revision": content},
        "ListDeploymentTargets": {"targetIds": ["shop:customers"]},
        "BatchGetDeploymentTargets": [
            {"deploymentTargets": [{"deploymentTargetType": "ECSTarget", "ecsTarget": {"lifecycleEvents": one}}]}
            for one in events
        ],
        "ListTasks": {"taskArns": []},
    }


def function(assembly: Assembly, handler: str) -> Resource:
    [found] = [one for one in assembly.of_type("AWS::Lambda::Function") if one.properties.get("Handler") == handler]
    return found
