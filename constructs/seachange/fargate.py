"""The ECS service, which CloudFormation writes once."""

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from seachange.frozen import warn_of_stack_tags, without_inherited_tags
from seachange.targets import Targets
from seachange.task import CONTAINER_NAME


def task_security_group(scope: Construct, vpc: ec2.IVpc) -> ec2.SecurityGroup:
    """The tasks' own security group. Its description never changes: that would replace the group, and so update the frozen service."""
    return ec2.SecurityGroup(scope, "SecurityGroup", vpc=vpc, description="Tasks of a blue/green service")


def frozen_service(
    scope: Construct,
    construct_id: str,
    *,
    service_name: str,
    cluster: ecs.ICluster,
    task_definition: ecs.FargateTaskDefinition,
    load_balancer: Targets,
    security_group: ec2.ISecurityGroup,
    vpc_subnets: ec2.SubnetSelection,
    initial_desired_count: int,
) -> ecs.FargateService:
    """A Fargate service under the CODE_DEPLOY controller, behind the blue target group.

    Nothing of a release stands in its template fragment: it names its task definition by family. The constants are stated, lest a new
    default of the CDK changes them.
    """
    service = without_inherited_tags(
        ecs.FargateService(
            scope,
            construct_id,
            service_name=service_name,
            cluster=cluster,
            task_definition=task_definition,
            deployment_controller=ecs.DeploymentController(type=ecs.DeploymentControllerType.CODE_DEPLOY),
            desired_count=initial_desired_count,
            security_groups=[security_group],
            vpc_subnets=vpc_subnets,
            assign_public_ip=False,
            min_healthy_percent=100,
            max_healthy_percent=200,
            health_check_grace_period=Duration.seconds(60),
            enable_ecs_managed_tags=True,
            propagate_tags=ecs.PropagatedTagSource.TASK_DEFINITION,
        )
    )
    warn_of_stack_tags(service)
    tasks = service.load_balancer_target(container_name=CONTAINER_NAME, container_port=load_balancer.container_port)
    load_balancer.blue.add_target(tasks)
    return service
