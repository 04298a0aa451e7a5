"""The functions behind the deployment's custom resources, and what they may do."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from aws_cdk import Duration, IgnoreMode, RemovalPolicy, Stack, custom_resources
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from seachange.deployment.codedeploy import application_arn, group_arn
from seachange.findings import HANDLER_FINDINGS, LOG_GROUP_FINDINGS, acknowledge, wildcard
from seachange.provider import scoped_provider

_PACKAGE = "seachange_deployments"
_NO_RESOURCE = (
    "The Service Authorization Reference gives four of CodeDeploy's actions, and DescribeListeners, no resource; "
    "DescribeAlarms tells of composite alarms only with a "
    "permission on `*` (its API reference); ListTasks is held to the one cluster by its condition."
)
_TASKS = "The tasks of this one cluster, which are only described; their ids are not known before."
# The framework polls for 50 minutes; its attempts do not count the Lambda's own run time, so CloudFormation waits a little longer.
_TOTAL_TIMEOUT = Duration.minutes(50)
SERVICE_TIMEOUT = Duration.minutes(55)


def deployment_provider(
    scope: Construct,
    *,
    cluster: ecs.ICluster,
    service_name: str,
    deployment_config: codedeploy.IBaseDeploymentConfig,
    readable_logs: Sequence[logs.ILogGroup],
) -> custom_resources.Provider:
    """The Provider with both handlers, children of `scope`.

    It names the service, the application and the group, and depends on none of them: the first tasks are watched while the service is being
    created.

    Args:
        scope: Their logical ids never change: CloudFormation cannot give a custom resource another function.
        cluster: The service's.
        service_name: The service, in that cluster.
        deployment_config: The traffic plan.
        readable_logs: Log groups whose last lines a failure quotes.
    """
    log_group = logs.LogGroup(
        scope, "Logs", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
    )
    role = iam.Role(
        scope,
        "Role",
        description="Starts and watches the deployments of one blue/green service",
        assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        inline_policies={
            "Deploy": iam.PolicyDocument(
                statements=_statements(scope, cluster, service_name, deployment_config, readable_logs)
            )
        },
    )
    log_group.grant_write(role)
    acknowledge(log_group, LOG_GROUP_FINDINGS)
    tasks = _ecs_arn(scope, "task", cluster, "*")
    acknowledge(role, {wildcard(scope, "*"): _NO_RESOURCE, wildcard(scope, tasks): _TASKS})
    on_event, is_complete = (_function(scope, name, role, log_group) for name in ("on_event", "is_complete"))
    return scoped_provider(
        scope,
        "Provider",
        on_event=on_event,
        is_complete=is_complete,
        query_interval=Duration.seconds(15),
        total_timeout=_TOTAL_TIMEOUT,
        log_group=log_group,
    )


def package_folder() -> Path:
    """Where the Lambda's package lies: in the checkout, or in site-packages."""
    spec = find_spec(_PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def _function(scope: Construct, name: str, role: iam.IRole, log_group: logs.ILogGroup) -> lambda_.Function:
    function = lambda_.Function(
        scope,
        "".join(word.capitalize() for word in name.split("_")),
        description=f"SeaChange: {name} of the deployment",
        runtime=lambda_.Runtime.PYTHON_3_13,
        architecture=lambda_.Architecture.ARM_64,
        handler=f"{_PACKAGE}.handler.{name}",
        code=lambda_.Code.from_asset(
            str(package_folder().parent),
            # The folder above may be a whole site-packages: only the package enters the asset.
            exclude=["/*", f"!/{_PACKAGE}", "__pycache__"],
            ignore_mode=IgnoreMode.GIT,
        ),
        role=role,
        log_group=log_group,
        memory_size=256,
        # In an outage one look makes several calls, each given up after most of a minute. A look that Lambda ends fails the resource, in a
        # stack rollback too; the last one begins before the engine's own 48 minutes are over, and so ends before CloudFormation's 55.
        timeout=Duration.minutes(6),
    )
    acknowledge(function, HANDLER_FINDINGS)
    return function


def _ecs_arn(scope: Construct, kind: str, cluster: ecs.ICluster, name: str) -> str:
    return Stack.of(scope).format_arn(service="ecs", resource=kind, resource_name=f"{cluster.cluster_name}/{name}")


def _statements(
    scope: Construct,
    cluster: ecs.ICluster,
    service_name: str,
    deployment_config: codedeploy.IBaseDeploymentConfig,
    readable_logs: Sequence[logs.ILogGroup],
) -> list[iam.PolicyStatement]:
    stack = Stack.of(scope)
    allow = iam.PolicyStatement
    service, tasks = _ecs_arn(scope, "service", cluster, service_name), _ecs_arn(scope, "task", cluster, "*")
    return [
        allow(
            actions=[
                f"codedeploy:{action}"
                for action in (
                    "CreateDeployment",
                    "GetDeployment",
                    "GetDeploymentGroup",
                    # CreateDeployment asks for it when it overrides the group's alarms (its AlarmConfiguration's documentation).
                    "UpdateDeploymentGroup",
                )
            ],
            resources=[group_arn(scope, service_name)],
        ),
        # The Service Authorization Reference gives these no resource type: on an ARN they would be denied.
        allow(
            actions=[
                "codedeploy:BatchGetDeploymentTargets",
                "codedeploy:ContinueDeployment",
                "codedeploy:ListDeploymentTargets",
                "codedeploy:StopDeployment",
            ],
            resources=["*"],
        ),
        allow(
            actions=["codedeploy:GetApplicationRevision", "codedeploy:RegisterApplicationRevision"],
            resources=[application_arn(scope, service_name)],
        ),
        allow(actions=["codedeploy:GetDeploymentConfig"], resources=[deployment_config.deployment_config_arn]),
        allow(actions=["ecs:DescribeServices"], resources=[service]),
        allow(actions=["ecs:DescribeTasks"], resources=[tasks]),
        # ListTasks takes no ARN of a service.
        allow(
            actions=["ecs:ListTasks"],
            resources=["*"],
            conditions={"ArnEquals": {"ecs:cluster": cluster.cluster_arn}},
        ),
        allow(actions=["cloudwatch:DescribeAlarms", "elasticloadbalancing:DescribeListeners"], resources=["*"]),
        allow(actions=["cloudformation:DescribeStacks"], resources=[stack.stack_id]),
        allow(
            actions=["logs:FilterLogEvents", "logs:GetLogEvents"],
            resources=[group.log_group_arn for group in readable_logs],
        ),
    ]
