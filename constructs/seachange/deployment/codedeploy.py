"""CodeDeploy's part of a blue/green service: application, plan, role and deployment group."""

from aws_cdk import Duration, Stack
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from constructs import Construct

from seachange.alarms import ReleaseAlarms
from seachange.errors import InvalidArgumentError
from seachange.load_balancer import BlueGreenLoadBalancer
from seachange.traffic import TrafficShift

# Limits of CodeDeploy: minutes until blue may end, and alarms in one group.
_LONGEST_BAKE_MINUTES = 2880
_MOST_ALARMS = 10
# The deployment resource gives a deployment 45 minutes, for an hour is all that CloudFormation gives a custom resource. Green needs some of
# them to start and to become healthy.
_DEADLINE_MINUTES = 45
_MINUTES_TO_START = 10


class CodeDeployGroup(Construct):
    """An application and a deployment group for one service.

    Args:
        service: A service under the CODE_DEPLOY controller.
        load_balancer: Its listeners and target groups.
        alarms: What takes a release back.
        traffic_shift: How traffic moves; refused when it cannot end before the deployment resource's deadline.
        bake_time: How long blue stays, with the alarms watching, after all traffic has moved; 2880 minutes at most.

    Attributes:
        application, group: CodeDeploy's.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        service: ecs.FargateService,
        load_balancer: BlueGreenLoadBalancer,
        alarms: ReleaseAlarms,
        traffic_shift: TrafficShift,
        bake_time: Duration,
    ) -> None:
        super().__init__(scope, construct_id)
        _check(traffic_shift, bake_time, alarms)
        self.application = codedeploy.EcsApplication(self, "Application")
        role = self._role(service, load_balancer)
        self.group = codedeploy.EcsDeploymentGroup(
            self,
            "Group",
            application=self.application,
            service=service,
            deployment_config=traffic_shift.deployment_config(self, "TrafficShift"),
            blue_green_deployment_config=codedeploy.EcsBlueGreenDeploymentConfig(
                blue_target_group=load_balancer.blue,
                green_target_group=load_balancer.green,
                listener=load_balancer.production_listener,
                test_listener=load_balancer.test_listener,
                termination_wait_time=bake_time,
            ),
            alarms=[*alarms.blue, *alarms.green, *alarms.common],
            # An alarm that cannot be read watches nothing: stop.
            ignore_poll_alarms_failure=False,
            auto_rollback=codedeploy.AutoRollbackConfig(
                failed_deployment=True, stopped_deployment=True, deployment_in_alarm=True
            ),
            # The group would attach AWSCodeDeployRoleForECS, which reaches every service of the account.
            role=role.without_policy_updates(),
        )

    def _role(self, service: ecs.FargateService, load_balancer: BlueGreenLoadBalancer) -> iam.Role:
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
        return iam.Role(
            self,
            "Role",
            description="CodeDeploy, for one blue/green service",
            assumed_by=iam.ServicePrincipal("codedeploy.amazonaws.com"),
            inline_policies={"BlueGreen": iam.PolicyDocument(statements=statements)},
        )


def _check(traffic_shift: TrafficShift, bake_time: Duration, alarms: ReleaseAlarms) -> None:
    minutes = bake_time.to_minutes(integral=False)
    if minutes % 1 or not 0 <= minutes <= _LONGEST_BAKE_MINUTES:
        raise InvalidArgumentError(
            "BlueGreenService(bake_time=)", f"{minutes:g} min", f"give whole minutes, {_LONGEST_BAKE_MINUTES} at most"
        )
    shift, available = traffic_shift.duration.to_minutes(), _DEADLINE_MINUTES - _MINUTES_TO_START
    if shift > available:
        raise InvalidArgumentError(
            "BlueGreenService(traffic_shift=)",
            f"{shift:g} min",
            f"give a plan of {available} min at most: a deployment has {_DEADLINE_MINUTES} min until all traffic has moved, "
            f"and green needs up to {_MINUTES_TO_START} of them to start",
        )
    count = len(alarms.blue) + len(alarms.green) + len(alarms.common)
    if count > _MOST_ALARMS:
        raise InvalidArgumentError(
            "BlueGreenService(common_alarms=)",
            f"{len(alarms.common)} alarms",
            f"give {_MOST_ALARMS - count + len(alarms.common)} at most: CodeDeploy watches {_MOST_ALARMS}; a composite alarm counts as one",
        )
