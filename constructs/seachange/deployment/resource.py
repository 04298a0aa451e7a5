"""The custom resource that brings the service to the template's task definition."""

from importlib.util import find_spec
from pathlib import Path

from aws_cdk import CustomResource, Duration, IgnoreMode, RemovalPolicy, Stack, custom_resources
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from seachange.alarms import ReleaseAlarms
from seachange.deployment.order import DEPLOYMENT_TYPE, after_everything_else
from seachange.load_balancer import BlueGreenLoadBalancer

_PACKAGE = "seachange_deployments"
# The framework polls for 50 minutes; its attempts do not count the Lambda's own run time, so CloudFormation waits a little longer.
_TOTAL_TIMEOUT = Duration.minutes(50)
_SERVICE_TIMEOUT = Duration.minutes(55)


class DeploymentResource(Construct):
    """`Custom::SeaChangeDeployment`: on an update of the stack it deploys the task definition, and completes when all traffic has moved.

    It comes last in its stack (see `order`). Its logical id and its functions' never change: CloudFormation cannot give a custom resource
    another function.

    Args:
        service: The service, with the wanted task definition.
        container_name: The container that gets the traffic.
        load_balancer: Its listeners and target groups.
        alarms: The alarms of each direction.
        application: CodeDeploy's application.
        group: CodeDeploy's deployment group.

    Attributes:
        resource: The custom resource.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        service: ecs.FargateService,
        container_name: str,
        load_balancer: BlueGreenLoadBalancer,
        alarms: ReleaseAlarms,
        application: codedeploy.IEcsApplication,
        group: codedeploy.IEcsDeploymentGroup,
    ) -> None:
        super().__init__(scope, construct_id)
        log_group = logs.LogGroup(
            self, "Logs", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
        )
        role = self._role(service, application, group)
        log_group.grant_write(role)
        on_event, is_complete = (self._function(name, role, log_group) for name in ("on_event", "is_complete"))
        provider = custom_resources.Provider(
            self,
            "Provider",
            on_event_handler=on_event,
            is_complete_handler=is_complete,
            query_interval=Duration.seconds(15),
            total_timeout=_TOTAL_TIMEOUT,
            log_group=log_group,
        )
        self.resource = CustomResource(
            self,
            "Resource",
            resource_type=DEPLOYMENT_TYPE,
            service_token=provider.service_token,
            service_timeout=_SERVICE_TIMEOUT,
            properties={
                "Cluster": service.cluster.cluster_name,
                "Service": service.service_arn,
                "Application": application.application_name,
                "DeploymentGroup": group.deployment_group_name,
                "TaskDefinition": service.task_definition.task_definition_arn,
                "ContainerName": container_name,
                "ContainerPort": str(load_balancer.container_port),
                "ProductionListener": load_balancer.production_listener.listener_arn,
                "BlueTargetGroup": load_balancer.blue.target_group_arn,
                "GreenTargetGroup": load_balancer.green.target_group_arn,
                "BlueAlarms": [alarm.alarm_name for alarm in alarms.blue],
                "GreenAlarms": [alarm.alarm_name for alarm in alarms.green],
                "CommonAlarms": [alarm.alarm_name for alarm in alarms.common],
            },
        )
        after_everything_else(self.resource)

    def _function(self, name: str, role: iam.IRole, log_group: logs.ILogGroup) -> lambda_.Function:
        return lambda_.Function(
            self,
            "".join(word.capitalize() for word in name.split("_")),
            description=f"SeaChange: {name} of the deployment",
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            handler=f"{_PACKAGE}.handler.{name}",
            code=lambda_.Code.from_asset(
                str(_folder().parent),
                # The folder above may be a whole site-packages: only the package enters the asset.
                exclude=["/*", f"!/{_PACKAGE}", "__pycache__"],
                ignore_mode=IgnoreMode.GIT,
            ),
            role=role,
            log_group=log_group,
            memory_size=256,
            timeout=Duration.minutes(2),
        )

    def _role(
        self,
        service: ecs.FargateService,
        application: codedeploy.IEcsApplication,
        group: codedeploy.IEcsDeploymentGroup,
    ) -> iam.Role:
        stack = Stack.of(self)
        cluster = service.cluster
        tasks = stack.format_arn(service="ecs", resource="task", resource_name=f"{cluster.cluster_name}/*")
        allow = iam.PolicyStatement
        statements = [
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
                resources=[group.deployment_group_arn],
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
                resources=[application.application_arn],
            ),
            allow(
                actions=["codedeploy:GetDeploymentConfig"], resources=[group.deployment_config.deployment_config_arn]
            ),
            allow(actions=["ecs:DescribeServices"], resources=[service.service_arn]),
            allow(actions=["ecs:DescribeTasks"], resources=[tasks]),
            # ListTasks takes no ARN of a service.
            allow(
                actions=["ecs:ListTasks"],
                resources=["*"],
                conditions={"ArnEquals": {"ecs:cluster": cluster.cluster_arn}},
            ),
            allow(actions=["cloudwatch:DescribeAlarms"], resources=["*"]),
            allow(actions=["cloudformation:DescribeStacks"], resources=[stack.stack_id]),
        ]
        return iam.Role(
            self,
            "Role",
            description="Starts and watches the deployments of one blue/green service",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={"Deploy": iam.PolicyDocument(statements=statements)},
        )


def _folder() -> Path:
    """Where the Lambda's package lies: in the checkout, or in site-packages."""
    spec = find_spec(_PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent
