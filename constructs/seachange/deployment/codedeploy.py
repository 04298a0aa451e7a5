"""CodeDeploy's part of a blue/green service: application, plan, role and deployment group."""

from collections.abc import Sequence

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from seachange.alarms import ReleaseAlarms
from seachange.alarms.notifications import deployment_triggers
from seachange.errors import InvalidArgumentError
from seachange.findings import acknowledge, wildcard
from seachange.targets import Targets
from seachange.traffic import TrafficShift

_LONGEST_NAME = 100
_DESCRIBES = (
    "Describing listeners, rules and target groups takes no resource, and DescribeAlarms tells of composite alarms only with a permission on `*` "
    "(its API reference). Nothing can be changed with these."
)
_TASK_SETS = "CodeDeploy makes the task sets of this one service, and their ids are not known before."
_RULES = "The rules of this one load balancer's listeners; CodeDeploy moves the weights in those that forward to blue and green."


class CodeDeployGroup(Construct):
    """An application and a deployment group for one service.

    Both carry the name `<stack>-<service>`, so that policies can name them without depending on them.

    Args:
        service: A service under the CODE_DEPLOY controller.
        service_name: Its name.
        load_balancer: Its listeners and target groups.
        alarms: What takes a release back.
        traffic_shift: How traffic moves.
        bake_time: How long blue stays, with the alarms watching, after all traffic has moved.
        approval_wait: How long a deployment waits for an approval before traffic moves, and is then stopped; none by default.
        hooks: The functions that CodeDeploy calls at lifecycle events.
        notifications: Where the deployments' events go; nowhere by default.

    Attributes:
        application, group: CodeDeploy's.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        service: ecs.FargateService,
        service_name: str,
        load_balancer: Targets,
        alarms: ReleaseAlarms,
        traffic_shift: TrafficShift,
        bake_time: Duration,
        approval_wait: Duration | None,
        hooks: Sequence[lambda_.IFunction],
        notifications: sns.ITopic | None,
    ) -> None:
        super().__init__(scope, construct_id)
        name = group_name(self, service_name)
        _refuse_another(self, service_name, name)
        self.application = codedeploy.EcsApplication(self, "Application", application_name=name)
        role = self._role(service, load_balancer, hooks, notifications)
        self.group = codedeploy.EcsDeploymentGroup(
            self,
            "Group",
            application=self.application,
            deployment_group_name=name,
            service=service,
            deployment_config=traffic_shift.deployment_config(self, "TrafficShift"),
            blue_green_deployment_config=codedeploy.EcsBlueGreenDeploymentConfig(
                blue_target_group=load_balancer.blue,
                green_target_group=load_balancer.green,
                listener=load_balancer.production_listener,
                test_listener=load_balancer.test_listener,
                deployment_approval_wait_time=approval_wait,
                termination_wait_time=bake_time,
            ),
            alarms=alarms.for_group,
            # An alarm that cannot be read watches nothing: stop.
            ignore_poll_alarms_failure=False,
            auto_rollback=codedeploy.AutoRollbackConfig(
                failed_deployment=True, stopped_deployment=True, deployment_in_alarm=True
            ),
            # The group would attach AWSCodeDeployRoleForECS, which reaches every service of the account.
            role=role.without_policy_updates(),
        )
        if notifications is not None:
            group = self.group.node.default_child
            assert isinstance(group, codedeploy.CfnDeploymentGroup)
            group.trigger_configurations = [*deployment_triggers(notifications)]

    def _role(
        self,
        service: ecs.FargateService,
        load_balancer: Targets,
        hooks: Sequence[lambda_.IFunction],
        notifications: sns.ITopic | None,
    ) -> iam.Role:
        """What CodeDeploy needs for this service, and nothing else; actions that take no ARN are on `*`."""
        arn = Stack.of(self).format_arn
        task_sets = arn(
            service="ecs", resource="task-set", resource_name=f"{service.cluster.cluster_name}/{service.service_name}/*"
        )
        rules = arn(
            service="elasticloadbalancing",
            resource="listener-rule",
            resource_name=f"{load_balancer.blue.first_load_balancer_full_name}/*",
        )
        task_definition = service.task_definition
        task_roles = [
            role.role_arn for role in (task_definition.task_role, task_definition.execution_role) if role is not None
        ]
        statements = [
            iam.PolicyStatement(
                actions=[
                    "ecs:CreateTaskSet",
                    "ecs:DeleteTaskSet",
                    "ecs:DescribeServices",
                    "ecs:UpdateServicePrimaryTaskSet",
                ],
                resources=[service.service_arn, task_sets],
            ),
            iam.PolicyStatement(
                actions=["elasticloadbalancing:ModifyListener", "elasticloadbalancing:ModifyRule"],
                resources=[
                    load_balancer.production_listener.listener_arn,
                    load_balancer.test_listener.listener_arn,
                    rules,
                ],
            ),
            iam.PolicyStatement(
                actions=[
                    "cloudwatch:DescribeAlarms",
                    "elasticloadbalancing:DescribeListeners",
                    "elasticloadbalancing:DescribeRules",
                    "elasticloadbalancing:DescribeTargetGroups",
                ],
                resources=["*"],
            ),
            iam.PolicyStatement(
                actions=["iam:PassRole"],
                resources=task_roles,
                conditions={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
            ),
        ]
        if hooks:
            functions = [hook.function_arn for hook in hooks]
            statements.append(iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=functions))
        if notifications is not None:
            statements.append(iam.PolicyStatement(actions=["sns:Publish"], resources=[notifications.topic_arn]))
        role = iam.Role(
            self,
            "Role",
            description="CodeDeploy, for one blue/green service",
            assumed_by=iam.ServicePrincipal("codedeploy.amazonaws.com"),
            inline_policies={"BlueGreen": iam.PolicyDocument(statements=statements)},
        )
        reasons = {"*": _DESCRIBES, task_sets: _TASK_SETS, rules: _RULES}
        acknowledge(role, {wildcard(self, resource): reason for resource, reason in reasons.items()})
        return role


def _refuse_another(scope: Construct, service_name: str, name: str) -> None:
    """Two services of one name in a stack would share the application, the deployment group and the task definition's family."""
    for found in Stack.of(scope).node.find_all():
        if isinstance(found, codedeploy.CfnApplication) and found.application_name == name:
            raise InvalidArgumentError(
                "BlueGreenService(service_name=)",
                service_name,
                "another service of this stack has that name; a second service beside it needs a name of its own",
            )


def group_name(scope: Construct, service_name: str) -> str:
    """The name of a service's CodeDeploy application and of its deployment group; the stack's name keeps two environments apart."""
    name = f"{Stack.of(scope).stack_name}-{service_name}"
    if len(name) > _LONGEST_NAME:
        raise InvalidArgumentError(
            "BlueGreenService(service_name=)",
            service_name,
            f"with the stack's name and a dash CodeDeploy takes {_LONGEST_NAME} characters: shorten one",
        )
    return name


def application_arn(scope: Construct, service_name: str) -> str:
    """The ARN of a service's CodeDeploy application, without a dependency on it."""
    return _arn(scope, "application", group_name(scope, service_name))


def group_arn(scope: Construct, service_name: str) -> str:
    """The ARN of a service's deployment group, without a dependency on it."""
    name = group_name(scope, service_name)
    return _arn(scope, "deploymentgroup", f"{name}/{name}")


def _arn(scope: Construct, resource: str, name: str) -> str:
    return Stack.of(scope).format_arn(
        service="codedeploy", resource=resource, resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
    )
