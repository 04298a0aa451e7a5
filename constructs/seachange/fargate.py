"""The ECS service, which CloudFormation writes once."""

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from seachange.frozen import warn_of_stack_tags, without_inherited_tags
from seachange.load_balancer import BlueGreenLoadBalancer
from seachange.task import CONTAINER_NAME


def frozen_service(
    scope: Construct,
    construct_id: str,
    *,
    service_name: str,
    cluster: ecs.ICluster,
    task_definition: ecs.FargateTaskDefinition,
    load_balancer: BlueGreenLoadBalancer,
    vpc_subnets: ec2.SubnetSelection | None,
    initial_desired_count: int,
) -> ecs.FargateService:
    """A Fargate service under the CODE_DEPLOY controller, behind the blue target group.

    Nothing of a release stands in its template fragment: it names its task definition by family. The constants are stated, lest a new
    default of the CDK changes them, and its security group's description never changes, for that would replace the group.
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
            security_groups=[
                ec2.SecurityGroup(scope, "SecurityGroup", vpc=cluster.vpc, description="Tasks of a blue/green service")
            ],
            vpc_subnets=vpc_subnets or ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
            assign_public_ip=False,
            min_healthy_percent=100,
            max_healthy_percent=200,
            health_check_grace_period=Duration.seconds(60),
            enable_ecs_managed_tags=True,
            propagate_tags=ecs.PropagatedTagSource.TASK_DEFINITION,
        )
    )
    warn_of_stack_tags(service)
    load_balancer.blue.add_target(
        service.load_balancer_target(container_name=CONTAINER_NAME, container_port=load_balancer.container_port)
    )
    # ECS refuses a target group without a load balancer, and CodeDeploy needs both listeners.
    service.node.add_dependency(load_balancer.production_listener, load_balancer.test_listener)
    return service
