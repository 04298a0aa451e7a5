"""The custom resources of a blue/green service: one watches its first tasks, the other brings it to the template's release."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import CustomResource, custom_resources
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct, IDependable

from seachange.alarms import ReleaseAlarms
from seachange.deployment.budget import CompleteWhen
from seachange.deployment.functions import SERVICE_TIMEOUT
from seachange.deployment.order import DEPLOYMENT_TYPE, after_everything_else
from seachange.deployment.release import ReleaseTarget
from seachange.targets import Targets

FIRST_TASKS_TYPE = "Custom::SeaChangeFirstTasks"


def watch_first_tasks(
    scope: Construct,
    *,
    provider: custom_resources.Provider,
    cluster: ecs.ICluster,
    service_name: str,
    container_name: str,
    log_group: logs.ILogGroup,
    after: Sequence[IDependable],
) -> CustomResource:
    """`Custom::SeaChangeFirstTasks`: fails the creation of the stack when the service's first tasks keep dying.

    CloudFormation waits three hours for an ECS service whose tasks never become healthy, and then does not say why. This resource is created beside
    the service, not after it, and gives the tasks' stop reasons. On updates it does nothing.

    Args:
        provider: The deployment's.
        cluster, service_name: The service, by name.
        container_name, log_group: Whose last lines are quoted.
        after: What the service waits for as well, so that the watch does not begin long before it.
    """
    resource = CustomResource(
        scope,
        "FirstTasks",
        resource_type=FIRST_TASKS_TYPE,
        service_token=provider.service_token,
        service_timeout=SERVICE_TIMEOUT,
        properties={
            "Cluster": cluster.cluster_name,
            "ServiceName": service_name,
            "ContainerName": container_name,
            **_logs(log_group, service_name),
        },
    )
    resource.node.add_dependency(*after)
    return resource


def deploy_release(
    scope: Construct,
    *,
    provider: custom_resources.Provider,
    service: ecs.FargateService,
    service_name: str,
    target: ReleaseTarget,
    load_balancer: Targets,
    alarms: ReleaseAlarms,
    overridden_alarms: Sequence[str],
    application: codedeploy.IEcsApplication,
    group: codedeploy.IEcsDeploymentGroup,
    hooks: Mapping[str, lambda_.IFunction],
    hook_logs: Mapping[str, logs.ILogGroup],
    complete_when: CompleteWhen,
    log_group: logs.ILogGroup,
) -> CustomResource:
    """`Custom::SeaChangeDeployment`: on an update of the stack it deploys the release, last of all (see `order`).

    Args:
        provider: The deployment's.
        service, service_name: The service, with the wanted task definition.
        target: What the release brings besides.
        load_balancer: Its listeners and target groups.
        alarms: The alarms of each direction.
        overridden_alarms: Names of those that may fire before the start, this once.
        application, group: CodeDeploy's.
        hooks: Lifecycle event → function.
        hook_logs: Lifecycle event → where its function says what failed.
        complete_when: When the resource is complete.
        log_group: Where the containers log.
    """
    properties: dict[str, Any] = {
        "Cluster": service.cluster.cluster_name,
        "Service": service.service_arn,
        "Application": application.application_name,
        "DeploymentGroup": group.deployment_group_name,
        "TaskDefinition": service.task_definition.task_definition_arn,
        **target.properties(),
        "ProductionListener": load_balancer.production_listener.listener_arn,
        "BlueTargetGroup": load_balancer.blue.target_group_arn,
        "GreenTargetGroup": load_balancer.green.target_group_arn,
        "BlueAlarms": [alarm.alarm_name for alarm in alarms.blue],
        "GreenAlarms": [alarm.alarm_name for alarm in alarms.green],
        "CommonAlarms": [alarm.alarm_name for alarm in alarms.common],
        "CompleteWhen": complete_when,
        **_logs(log_group, service_name),
    }
    if alarms.common_composite is not None:
        properties["CommonComposite"] = alarms.common_composite.alarm_name
    if overridden_alarms:
        properties["OverriddenAlarms"] = list(overridden_alarms)
    if hooks:
        properties["Hooks"] = {event: function.function_arn for event, function in hooks.items()}
    if hook_logs:
        properties["HookLogs"] = {event: group_.log_group_name for event, group_ in hook_logs.items()}
    resource = CustomResource(
        scope,
        "Resource",
        resource_type=DEPLOYMENT_TYPE,
        service_token=provider.service_token,
        service_timeout=SERVICE_TIMEOUT,
        properties=properties,
    )
    after_everything_else(resource)
    return resource


def _logs(log_group: logs.ILogGroup, service_name: str) -> dict[str, str]:
    return {"LogGroup": log_group.log_group_name, "LogStreamPrefix": service_name}
