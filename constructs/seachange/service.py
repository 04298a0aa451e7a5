"""The blue/green service itself."""

from collections.abc import Mapping, Sequence

import jsii
from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from seachange.alarms import ReleaseAlarms, ReleaseThresholds
from seachange.deployment.codedeploy import CodeDeployGroup
from seachange.deployment.resource import DeploymentResource
from seachange.errors import InvalidArgumentError
from seachange.fargate import frozen_service
from seachange.load_balancer import BlueGreenLoadBalancer
from seachange.task import CONTAINER_NAME, ServiceDatabase, release_task
from seachange.traffic import TrafficShift


@jsii.implements(ec2.IConnectable, iam.IGrantable)
class BlueGreenService(Construct):
    """A Fargate service that CodeDeploy replaces blue/green, and takes back when an alarm fires.

    The `AWS::ECS::Service` is *frozen*. Under the CODE_DEPLOY controller ECS rejects what CloudFormation sends on any change of it, even of a
    tag (aws-cdk#23564, #11243, #25777). So there are two kinds of arguments: the release's own, which may differ at every deployment, and
    create-time ones, which need a new construct id to change. New task definitions reach the service through the deployment alone; the old
    ones stay registered, or there would be nothing to go back to.

    Args of the release:
        image: The container's image, for `architecture`: `ContainerImage.from_asset("service", platform=Platform.LINUX_ARM64)`, since arm64 is
            the default and Docker builds for the machine it runs on.
        release: Its name, such as `v2`: letters, digits, dots, dashes and underscores. With `service_name` it is PGAPPNAME, so that every
            database session says which release it belongs to; PostgreSQL takes 63 characters together.
        environment: Further variables; not those that the service sets itself (PORT, RELEASE, and with a database PGHOST, PGPORT, PGDATABASE,
            PGSSLMODE, PGAPPNAME, DB_SECRET_ARN).
        secrets: Variables from Secrets Manager or Parameter Store; none by default.
        command: The image's own by default.
        cpu, memory_limit_mib: 256 units and 512 MiB by default.
        architecture: arm64 by default; change it together with the image's platform.
        min_tasks, max_tasks: The bounds of the scalable target, which owns the desired count: 2 and 4 by default.
        traffic_shift: 10 % every 3 minutes by default; refused when it cannot end before the deployment's deadline.
        bake_time: How long blue stays, with the alarms watching, after all traffic has moved: 30 minutes by default, 2880 at most.
        thresholds: When the alarms fire; `ReleaseThresholds()` by default.
        common_alarms: Alarms of yours that take a release back, whichever group it is in; four at most.
        log_retention: A month by default.

    Args of the creation:
        load_balancer: Its listeners, target groups and container port.
        service_name: The service's name in its cluster; it also names the task definition's family.
        database: What the service connects to; the service may enter it, and is created after it. None by default.
        vpc: Makes a cluster there. Give either this or `cluster`.
        cluster: A cluster of yours.
        vpc_subnets: The private subnets with a way out by default.
        initial_desired_count: 2 by default.

    Attributes:
        service, task_definition, cluster: ECS's.
        application, deployment_group: CodeDeploy's.
        alarms: What takes a release back.
        scaling: The scalable target, for policies of yours.
        log_group: The containers' logs; retained when the stack is destroyed.
        deployment: The custom resource, last in its stack.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        load_balancer: BlueGreenLoadBalancer,
        image: ecs.ContainerImage,
        release: str,
        service_name: str,
        database: ServiceDatabase | None = None,
        vpc: ec2.IVpc | None = None,
        cluster: ecs.ICluster | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        environment: Mapping[str, str] | None = None,
        secrets: Mapping[str, ecs.Secret] | None = None,
        command: Sequence[str] | None = None,
        cpu: int = 256,
        memory_limit_mib: int = 512,
        architecture: ecs.CpuArchitecture | None = None,
        initial_desired_count: int = 2,
        min_tasks: int = 2,
        max_tasks: int = 4,
        traffic_shift: TrafficShift | None = None,
        bake_time: Duration | None = None,
        thresholds: ReleaseThresholds | None = None,
        common_alarms: Sequence[cloudwatch.IAlarm] = (),
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
    ) -> None:
        super().__init__(scope, construct_id)
        if not 0 <= min_tasks <= max_tasks:
            bounds = f"{min_tasks} and {max_tasks}"
            raise InvalidArgumentError(
                "BlueGreenService(min_tasks=, max_tasks=)", bounds, "give 0 <= min_tasks <= max_tasks"
            )
        if initial_desired_count < 0:
            raise InvalidArgumentError(
                "BlueGreenService(initial_desired_count=)", initial_desired_count, "give 0 or more"
            )
        self.cluster = self._cluster(vpc, cluster)
        self.log_group = logs.LogGroup(self, "Logs", retention=log_retention)
        self.task_definition = release_task(
            self,
            "TaskDefinition",
            service_name=service_name,
            release=release,
            image=image,
            container_port=load_balancer.container_port,
            database=database,
            environment=environment or {},
            secrets=secrets or {},
            command=command,
            cpu=cpu,
            memory_limit_mib=memory_limit_mib,
            architecture=architecture or ecs.CpuArchitecture.ARM64,
            log_group=self.log_group,
        )
        self.service = frozen_service(
            self,
            "Service",
            service_name=service_name,
            cluster=self.cluster,
            task_definition=self.task_definition,
            load_balancer=load_balancer,
            vpc_subnets=vpc_subnets,
            initial_desired_count=initial_desired_count,
        )
        if database is not None:
            self._connect(database)
        self.scaling = self.service.auto_scale_task_count(min_capacity=min_tasks, max_capacity=max_tasks)
        self.alarms = ReleaseAlarms(
            self,
            "Alarms",
            blue=load_balancer.blue,
            green=load_balancer.green,
            thresholds=thresholds,
            common=common_alarms,
        )
        codedeploy = CodeDeployGroup(
            self,
            "CodeDeploy",
            service=self.service,
            load_balancer=load_balancer,
            alarms=self.alarms,
            traffic_shift=traffic_shift or TrafficShift.linear(percent=10, interval=Duration.minutes(3)),
            bake_time=bake_time or Duration.minutes(30),
        )
        self.application, self.deployment_group = codedeploy.application, codedeploy.group
        self.deployment = DeploymentResource(
            self,
            "Deployment",
            service=self.service,
            container_name=CONTAINER_NAME,
            load_balancer=load_balancer,
            alarms=self.alarms,
            application=self.application,
            group=self.deployment_group,
        ).resource

    @property
    def connections(self) -> ec2.Connections:
        """What the tasks may reach, and who may reach them."""
        return self.service.connections

    @property
    def grant_principal(self) -> iam.IPrincipal:
        """The role that the application works as: `bucket.grant_read(service)`."""
        return self.task_definition.task_role.grant_principal

    def _cluster(self, vpc: ec2.IVpc | None, cluster: ecs.ICluster | None) -> ecs.ICluster:
        if (vpc is None) == (cluster is None):
            given = "nothing" if vpc is None else "both"
            raise InvalidArgumentError(
                "BlueGreenService(vpc=, cluster=)",
                given,
                "give the VPC for a cluster of its own, or a cluster of yours",
            )
        return cluster or ecs.Cluster(self, "Cluster", vpc=vpc, container_insights_v2=ecs.ContainerInsights.ENABLED)

    def _connect(self, database: ServiceDatabase) -> None:
        """Lets the tasks in. The rule belongs to this stack, wherever the database's group comes from: the other way round is a cycle."""
        rule = ec2.CfnSecurityGroupIngress(
            self,
            "DatabaseIngress",
            group_id=database.database_security_group.security_group_id,
            source_security_group_id=self.service.connections.security_groups[0].security_group_id,
            ip_protocol="tcp",
            from_port=database.port,
            to_port=database.port,
            description="Tasks of a blue/green service",
        )
        # On its creation the service is healthy only with the rule and the schema in place.
        self.service.node.add_dependency(rule)
        if isinstance(database, Construct):
            self.service.node.add_dependency(database)
