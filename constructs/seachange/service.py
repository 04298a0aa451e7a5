"""The blue/green service itself."""

from collections.abc import Mapping, Sequence

import jsii
from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from constructs import Construct, IDependable

from seachange.alarms import AlarmOverride, DirectedAlarm, ExpectedTraffic, ReleaseAlarms, ReleaseThresholds
from seachange.alarms.suited import Watched, warn_of_traffic
from seachange.capacity import check_counts, check_own_capacity, every_capacity, warn_of_connections
from seachange.deployment.budget import CompleteWhen, check_time
from seachange.deployment.codedeploy import CodeDeployGroup, group_arn
from seachange.deployment.functions import deployment_provider
from seachange.deployment.hooks import Hook
from seachange.deployment.lifecycle import Lifecycle
from seachange.deployment.release import ReleaseTarget
from seachange.deployment.resource import deploy_release, watch_first_tasks
from seachange.deployment.smoke import SmokeTest
from seachange.errors import InvalidArgumentError
from seachange.fargate import frozen_service, task_security_group
from seachange.findings import LOG_GROUP_FINDINGS, acknowledge
from seachange.scaling import ScalingTargets, keep_targets
from seachange.subnets import selected
from seachange.targets import Targets, check_shift, own_application_load_balancer, through_network_load_balancer
from seachange.task import CONTAINER_NAME, ServiceDatabase, release_task, require_container
from seachange.traffic import TrafficShift


@jsii.implements(ec2.IConnectable, iam.IGrantable)
class BlueGreenService(Construct):
    """A Fargate service that CodeDeploy replaces blue/green, and takes back when an alarm fires.

    The `AWS::ECS::Service` is *frozen*. Under the CODE_DEPLOY controller ECS rejects what CloudFormation sends on any change of it, even of a
    tag (aws-cdk#23564, #11243, #25777). So there are two kinds of arguments: the release's own, which may differ at every deployment and travel
    in the task definition or the deployment, and create-time ones, which need a second service to change (`keep_frozen` watches that). The
    old task definitions stay registered, or there would be nothing to go back to.

    Args of the release:
        image: The container's image, for `architecture`: `ContainerImage.from_asset("service", platform=Platform.LINUX_ARM64)`, since arm64 is
            the default and Docker builds for the machine it runs on. An image tagged `latest`, or not at all, is refused.
        release: Its name, such as `v2`: letters, digits, dots, dashes and underscores. With `service_name` it is PGAPPNAME, so that every
            database session says which release it belongs to; PostgreSQL takes 63 characters together.
        environment: Further variables; not those that the service sets itself (PORT, RELEASE, and with a database PGHOST, PGPORT, PGDATABASE,
            PGSSLMODE, PGAPPNAME, DB_SECRET_ARN).
        secrets: Variables from Secrets Manager or Parameter Store; none by default.
        command: The image's own by default.
        cpu, memory_limit_mib: 256 units and 512 MiB by default.
        architecture: arm64 by default; change it together with the image's platform.
        container_port: Where the release listens; the load balancer's container port by default.
        traffic_container: The name of the container that gets the traffic, `app` by default; another one is a sidecar of yours that
            listens on `container_port`, and the application then listens on the load balancer's. The very first tasks get their traffic as the
            load balancer says, at `app`.
        task_subnets: The release's subnets; those of the creation by default.
        task_security_groups: Further security groups of the tasks, four at most; none by default.
        platform_version: Fargate's; the latest by default, as CodeDeploy takes it where an AppSpec names none.
        capacity_providers: `FARGATE` and `FARGATE_SPOT` with base and weight; the capacity that serves by default, on the creation
            Fargate.
        min_tasks, max_tasks: The bounds of the scalable target, which owns the desired count: 2 and 4 by default.
        scaling: What the number of tasks shall keep; no policy by default.
        connections_per_task, max_connections: The size of one task's database pool, and what the database takes. Given both, the synthesis
            warns when blue and green at `max_tasks` each can ask for more. Neither by default.
        traffic_shift: 10 % every 3 minutes by default; refused when it cannot end before the deployment's deadline.
        bake_time: How long blue stays, with the alarms watching, after all traffic has moved: 30 minutes by default, 2880 at most.
        smoke_test: HTTP steps against the test listener before any traffic moves; none by default.
        hooks: Lifecycle event → your own function there; none by default.
        approval_wait: How long a deployment waits, before traffic moves, for somebody's `aws deploy continue-deployment`; unapproved it is stopped.
            No approval by default.
        complete_when: When the stack's deployment is complete: when all traffic has `shifted`, the default; when blue has `ended`; or when the
            deployment has `started`, for approvals longer than CloudFormation's hour: the next deploy then finds out how it went.
        thresholds: When the alarms fire; `ReleaseThresholds()` by default.
        directed_alarms: Alarms of yours that know the direction, one for each target group; none by default.
        common_alarms: Alarms of yours that take a release back, whichever group it is in; none by default.
        expected_traffic: The service's traffic. Given, the synthesis warns of alarms that are blind at it or take good releases back; not by default.
        alarm_override: Alarms that may fire before the start, for this release only; none by default.
        notifications: A topic for the alarms and for the deployments' events; none by default.
        log_retention: A month by default.

    Args of the creation:
        load_balancer: A `BlueGreenLoadBalancer`, or `ExistingTargets` of your app: listeners, target groups and container port.
        service_name: The service's name in its cluster; it also names the task definition's family.
        database: What the service connects to; the service may enter it, and is created after it. None by default.
        vpc: Makes a cluster there. Give either this or `cluster`.
        cluster: A cluster of yours; `capacity_providers` must be among its own.
        vpc_subnets: The private subnets with a way out by default.
        initial_desired_count: 2 by default.

    Attributes:
        service, task_definition, cluster: ECS's.
        application, deployment_group: CodeDeploy's.
        alarms: What takes a release back.
        scaling: The scalable target, for policies of yours.
        log_group: The containers' logs; retained when the stack is destroyed.
        first_tasks: The custom resource that watches the creation.
        deployment: The custom resource that deploys, last in its stack.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        load_balancer: Targets,
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
        container_port: int | None = None,
        traffic_container: str = CONTAINER_NAME,
        task_subnets: ec2.SubnetSelection | None = None,
        task_security_groups: Sequence[ec2.ISecurityGroup] = (),
        platform_version: ecs.FargatePlatformVersion | None = None,
        capacity_providers: Sequence[ecs.CapacityProviderStrategy] | None = None,
        initial_desired_count: int = 2,
        min_tasks: int = 2,
        max_tasks: int = 4,
        scaling: ScalingTargets | None = None,
        connections_per_task: int | None = None,
        max_connections: int | None = None,
        traffic_shift: TrafficShift | None = None,
        bake_time: Duration | None = None,
        smoke_test: SmokeTest | None = None,
        hooks: Mapping[str, Hook] | None = None,
        approval_wait: Duration | None = None,
        complete_when: CompleteWhen = "shifted",
        thresholds: ReleaseThresholds | None = None,
        directed_alarms: Sequence[DirectedAlarm] = (),
        common_alarms: Sequence[cloudwatch.IAlarm] = (),
        expected_traffic: ExpectedTraffic | None = None,
        alarm_override: AlarmOverride | None = None,
        notifications: sns.ITopic | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
    ) -> None:
        super().__init__(scope, construct_id)
        if Stack.of(self).nested_stack_parent is not None:
            raise InvalidArgumentError(
                "BlueGreenService(scope=)",
                Stack.of(self).node.path,
                "it is a nested stack, whose parent's resources would follow the deployment: make the service in a stack of its own",
            )
        if Stack.of(load_balancer.production_listener).node.path != Stack.of(self).node.path:
            raise InvalidArgumentError(
                "BlueGreenService(load_balancer=)",
                Stack.of(load_balancer.production_listener).node.path,
                "its listeners and target groups belong into the service's stack: each stack would wait for the other. The load balancer itself may "
                "be another stack's",
            )
        check_counts(initial_desired_count, min_tasks, max_tasks)
        warn_of_connections(self, max_tasks=max_tasks, per_task=connections_per_task, most=max_connections)
        traffic_shift = traffic_shift or TrafficShift.linear(percent=10, interval=Duration.minutes(3))
        bake_time = bake_time or Duration.minutes(30)
        check_shift(load_balancer, traffic_shift)
        container_port = load_balancer.container_port if container_port is None else container_port
        takes_traffic = traffic_container == CONTAINER_NAME
        subnets = vpc_subnets or ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS)
        self.cluster = self._cluster(vpc, cluster)
        self.log_group = logs.LogGroup(self, "Logs", retention=log_retention)
        acknowledge(self.log_group, LOG_GROUP_FINDINGS)
        self.task_definition = release_task(
            self,
            "TaskDefinition",
            service_name=service_name,
            release=release,
            image=image,
            container_port=container_port if takes_traffic else load_balancer.container_port,
            # The frozen service names the port of its creation, and ECS wants to find it in every task definition.
            further_ports={load_balancer.container_port} - {container_port} if takes_traffic else (),
            database=database,
            environment=environment or {},
            secrets=secrets or {},
            command=command,
            cpu=cpu,
            memory_limit_mib=memory_limit_mib,
            architecture=architecture or ecs.CpuArchitecture.ARM64,
            log_group=self.log_group,
        )
        require_container(self.task_definition, traffic_container, container_port)
        security_group = task_security_group(self, self.cluster.vpc)
        prerequisites = self._prerequisites(load_balancer, database, security_group)
        # In the stack of its network: without a way out the first tasks cannot fetch their image.
        prerequisites.append(
            selected(self.cluster.vpc, subnets, "BlueGreenService(vpc_subnets=)").internet_connectivity_established
        )
        if cluster is None:
            check_own_capacity(capacity_providers or ())
            prerequisites.append(every_capacity(self, self.cluster))
        self.service = frozen_service(
            self,
            "Service",
            service_name=service_name,
            cluster=self.cluster,
            task_definition=self.task_definition,
            load_balancer=load_balancer,
            security_group=security_group,
            vpc_subnets=subnets,
            initial_desired_count=initial_desired_count,
        )
        self.service.node.add_dependency(*prerequisites)
        # An Application Load Balancer's target group brings the rules for its own port, a Network Load Balancer's none.
        ports = {container_port, load_balancer.container_port}
        for port in sorted(
            ports if through_network_load_balancer(load_balancer) else ports - {load_balancer.container_port}
        ):
            load_balancer.load_balancer.connections.allow_to(self.service, ec2.Port.tcp(port))
        self.scaling = self.service.auto_scale_task_count(min_capacity=min_tasks, max_capacity=max_tasks)
        if scaling is not None:
            keep_targets(self, targets=scaling, scaling=self.scaling, load_balancer=load_balancer)
        self.alarms = ReleaseAlarms(
            self,
            "Alarms",
            blue=load_balancer.blue,
            green=load_balancer.green,
            load_balancer=own_application_load_balancer(load_balancer),
            thresholds=thresholds,
            directed=directed_alarms,
            common=common_alarms,
            notifications=notifications,
        )
        warn_of_traffic(
            self,
            expected_traffic,
            Watched(
                blue=load_balancer.blue,
                green=load_balancer.green,
                alarms=self.alarms,
                traffic_shift=traffic_shift,
                bake_time=bake_time,
            ),
        )
        lifecycle = Lifecycle(
            self,
            "Lifecycle",
            smoke_test=smoke_test,
            hooks=hooks or {},
            load_balancer=load_balancer,
            vpc=self.cluster.vpc,
            vpc_subnets=subnets,
            deployment_group_arn=group_arn(self, service_name),
        )
        check_time(
            traffic_shift=traffic_shift,
            bake_time=bake_time,
            hooks=lifecycle.times,
            approval_wait=approval_wait,
            complete_when=complete_when,
        )
        codedeploy = CodeDeployGroup(
            self,
            "CodeDeploy",
            service=self.service,
            service_name=service_name,
            load_balancer=load_balancer,
            alarms=self.alarms,
            traffic_shift=traffic_shift,
            bake_time=bake_time,
            approval_wait=approval_wait,
            hooks=list(lifecycle.functions.values()),
            notifications=notifications,
        )
        self.application, self.deployment_group = codedeploy.application, codedeploy.group
        deployment = Construct(self, "Deployment")
        provider = deployment_provider(
            deployment,
            cluster=self.cluster,
            service_name=service_name,
            deployment_config=self.deployment_group.deployment_config,
            readable_logs=[self.log_group, *lifecycle.logs.values()],
        )
        self.first_tasks = watch_first_tasks(
            deployment,
            provider=provider,
            cluster=self.cluster,
            service_name=service_name,
            container_name=CONTAINER_NAME,
            log_group=self.log_group,
            after=prerequisites,
        )
        self.deployment = deploy_release(
            deployment,
            provider=provider,
            service=self.service,
            service_name=service_name,
            target=ReleaseTarget(
                name=release,
                container_name=traffic_container,
                container_port=container_port,
                subnets=selected(
                    self.cluster.vpc, task_subnets or subnets, "BlueGreenService(task_subnets=)"
                ).subnet_ids,
                security_groups=[security_group, *task_security_groups],
                platform_version=platform_version,
                capacity_providers=capacity_providers,
            ),
            load_balancer=load_balancer,
            alarms=self.alarms,
            overridden_alarms=[] if alarm_override is None else alarm_override.names(release),
            application=self.application,
            group=self.deployment_group,
            hooks=lifecycle.functions,
            hook_logs=lifecycle.logs,
            complete_when=complete_when,
            log_group=self.log_group,
        )

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
        return cluster or ecs.Cluster(
            self,
            "Cluster",
            vpc=vpc,
            container_insights_v2=ecs.ContainerInsights.ENABLED,
        )

    def _prerequisites(
        self, load_balancer: Targets, database: ServiceDatabase | None, tasks: ec2.ISecurityGroup
    ) -> list[IDependable]:
        """What must be there before the first task: both listeners, and the database's rule and schema.

        The rule belongs to this stack, wherever the database's group comes from: the other way round is a cycle.
        """
        # ECS refuses a target group without a load balancer, and CodeDeploy needs both listeners.
        needed: list[IDependable] = [load_balancer.production_listener, load_balancer.test_listener]
        if database is not None:
            needed.append(
                ec2.CfnSecurityGroupIngress(
                    self,
                    "DatabaseIngress",
                    group_id=database.database_security_group.security_group_id,
                    source_security_group_id=tasks.security_group_id,
                    ip_protocol="tcp",
                    from_port=database.port,
                    to_port=database.port,
                    description="Tasks of a blue/green service",
                )
            )
            if isinstance(database, Construct):
                needed.append(database)
        return needed
