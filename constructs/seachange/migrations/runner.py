"""`FargateRunner`: migrations that lie in the service's own image run as a task of it, under the same state machine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from aws_cdk import Aws, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from seachange.errors import InvalidArgumentError
from seachange.findings import acknowledge, wildcard
from seachange.migrations.long_way import RETRY, MigrationMachine, State
from seachange.subnets import selected

CONTAINER = "migrations"
COMMAND = ("python", "-m", "seachange_migrations")
# Five times what the task's heartbeat takes; in it the task's image is pulled, too.
SILENCE_S = 300

_PLAIN_VARIABLES = (
    "The variables are names and ARNs; passwords are fetched from Secrets Manager when a connection is opened."
)
_REGISTRY_LOGIN = "ecr:GetAuthorizationToken takes no resource; what may be pulled is named in a statement of its own."
_REVISIONS = "The revisions of one task definition: an execution goes on with the one that it began with."


@dataclass(frozen=True, kw_only=True)
class FargateRunner:
    """How the service's own image migrates. It must have `seachange` installed, which brings the engine.

    Args:
        cluster: Where the task runs.
        image: The image, which holds the revisions.
        directory: The Alembic directory in it, an absolute path such as `/app/migrations`.
        command: What starts the engine; `python -m seachange_migrations` by default. Name another Python with it.
        environment: Further variables that env.py reads; none by default.
        vpc_subnets: Where the task runs; private subnets with egress by default.
        cpu: CPU units; 512 by default.
        memory_limit_mib: Memory in MiB; 1024 by default.
        architecture: The image's processor; arm64 by default.

    Raises InvalidArgumentError for a directory that is no absolute path and for a command that is one text.
    """

    cluster: ecs.ICluster
    image: ecs.ContainerImage
    directory: str
    command: Sequence[str] = COMMAND
    environment: Mapping[str, str] = field(default_factory=dict)
    vpc_subnets: ec2.SubnetSelection | None = None
    cpu: int = 512
    memory_limit_mib: int = 1024
    architecture: ecs.CpuArchitecture | None = None

    def __post_init__(self) -> None:
        if not PurePosixPath(self.directory).is_absolute():
            raise InvalidArgumentError(
                "FargateRunner(directory=)", self.directory, "give the absolute path in the image: '/app/migrations'"
            )
        if isinstance(self.command, str):
            raise InvalidArgumentError(
                "FargateRunner(command=)", self.command, f"give a list of texts: {self.command.split()!r}"
            )


class TaskWorker:
    """A task of a runner's image, which answers the machine under a token.

    Args:
        scope: Whose children the task definition and its roles are.
        runner: What the user gave.
        vpc: The tasks' network.
        security_group: Theirs, which the database lets in.
        log_group: Where they write.
    """

    def __init__(
        self,
        scope: Construct,
        *,
        runner: FargateRunner,
        vpc: ec2.IVpc,
        security_group: ec2.ISecurityGroup,
        log_group: logs.ILogGroup,
    ) -> None:
        self._runner = runner
        self._scope = scope
        private = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS)
        subnets = selected(vpc, runner.vpc_subnets or private, "FargateRunner(vpc_subnets=)").subnet_ids
        self._network = {"Subnets": subnets, "SecurityGroups": [security_group.security_group_id]}
        self.task_definition = ecs.FargateTaskDefinition(
            scope,
            "Task",
            cpu=runner.cpu,
            memory_limit_mib=runner.memory_limit_mib,
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=runner.architecture or ecs.CpuArchitecture.ARM64,
                operating_system_family=ecs.OperatingSystemFamily.LINUX,
            ),
        )
        # A deregistered revision cannot be started again, and an execution goes on with the one that it began with.
        self.task_definition.apply_removal_policy(RemovalPolicy.RETAIN)
        self.task_definition.add_container(
            CONTAINER,
            image=runner.image,
            command=list(runner.command),
            environment={"PGSSLMODE": "verify-full", **runner.environment},
            logging=ecs.LogDrivers.aws_logs(stream_prefix="migrations", log_group=log_group),
        )
        acknowledge(self.task_definition, {"AwsSolutions-ECS2": _PLAIN_VARIABLES})
        acknowledge(self.task_definition.obtain_execution_role(), {wildcard(scope, "*"): _REGISTRY_LOGIN})

    def pin(self) -> None:
        """Nothing: the execution's input names the revision of the task definition."""

    def kept(self) -> Mapping[str, str]:
        """That revision."""
        return {"TaskDefinition.$": "$.TaskDefinition"}

    def task(self, work: str, following: str) -> State:
        """Runs a task, which reports under a token: that it lives, and how it ended."""
        variables = [
            {"Name": "SEACHANGE_WORK", "Value": work},
            {"Name": "SEACHANGE_REQUEST", "Value.$": "States.JsonToString($.Request)"},
            {"Name": "SEACHANGE_TASK_TOKEN", "Value.$": "$$.Task.Token"},
        ]
        if work == "range":
            variables.append({"Name": "SEACHANGE_RANGE", "Value.$": "States.JsonToString($.Range)"})
        return {
            "Type": "Task",
            "Resource": f"arn:{Aws.PARTITION}:states:::ecs:runTask.waitForTaskToken",
            "Parameters": {
                "LaunchType": "FARGATE",
                "Cluster": self._runner.cluster.cluster_arn,
                "TaskDefinition.$": "$.TaskDefinition",
                "NetworkConfiguration": {"AwsvpcConfiguration": self._network},
                "Overrides": {"ContainerOverrides": [{"Name": CONTAINER, "Environment": variables}]},
            },
            "ResultSelector": {"Answer.$": "$"},
            "ResultPath": "$.Last",
            "HeartbeatSeconds": SILENCE_S,
            "Retry": RETRY,
            "Next": following,
        }

    def grant(self, machine: MigrationMachine) -> iam.Policy:
        """Lets the machine run the task, and the task answer it."""
        stack, task = Stack.of(self._scope), self.task_definition
        revisions = stack.format_arn(service="ecs", resource="task-definition", resource_name=f"{task.family}:*")
        policy = iam.Policy(
            machine,
            "RunTasks",
            roles=[machine.role],
            statements=[
                iam.PolicyStatement(
                    actions=["ecs:RunTask"],
                    resources=[revisions],
                    conditions={"ArnEquals": {"ecs:cluster": self._runner.cluster.cluster_arn}},
                ),
                iam.PolicyStatement(
                    actions=["iam:PassRole"],
                    resources=[task.task_role.role_arn, task.obtain_execution_role().role_arn],
                    conditions={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
                ),
            ],
        )
        acknowledge(policy, {wildcard(self._scope, revisions): _REVISIONS})
        task.add_to_task_role_policy(
            iam.PolicyStatement(
                actions=["states:SendTaskFailure", "states:SendTaskHeartbeat", "states:SendTaskSuccess"],
                resources=[machine.arn],
            )
        )
        return policy
