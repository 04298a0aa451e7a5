"""VPC endpoints instead of a NAT gateway, and whether a function in a VPC reaches what it calls."""

from collections.abc import Sequence, Set
from dataclasses import dataclass

from aws_cdk import Aws, CfnWaitConditionHandle
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct, DependencyGroup, IDependable

from seachange.errors import InvalidArgumentError
from seachange.subnets import selected

_MARK = "seachange:endpoints"


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One AWS service that something in the VPC calls.

    Attributes:
        service: Its interface endpoint.
        reason: Who calls it, and for what.
    """

    service: ec2.InterfaceVpcEndpointAwsService
    reason: str


# No more than these: Fargate and Lambda bring credentials without STS, and ECS's own endpoints are for container instances alone.
def interface_endpoints() -> dict[str, Endpoint]:
    """Construct id → endpoint: what tasks, migrations and smoke tests call from within the VPC."""
    service = ec2.InterfaceVpcEndpointAwsService
    return {
        "EcrApi": Endpoint(service=service.ECR, reason="Fargate asks for the image's credentials and layers"),
        "EcrDocker": Endpoint(service=service.ECR_DOCKER, reason="Fargate pulls the image's manifest"),
        "Logs": Endpoint(service=service.CLOUDWATCH_LOGS, reason="the containers' log driver writes"),
        "SecretsManager": Endpoint(
            service=service.SECRETS_MANAGER, reason="tasks and migrations read the database's credentials"
        ),
        "CloudFormation": Endpoint(
            service=service.CLOUDFORMATION, reason="migrations ask whether their stack is rolling back"
        ),
        "StepFunctions": Endpoint(
            service=service.STEP_FUNCTIONS, reason="migrations that outlast a call go on in a state machine"
        ),
        "CloudWatch": Endpoint(
            service=service.CLOUDWATCH_MONITORING, reason="a backfill asks how much storage the database has left"
        ),
        # Not codedeploy-commands-secure, which is for the agent on instances.
        "CodeDeploy": Endpoint(service=service.CODEDEPLOY, reason="a hook says whether its smoke tests passed"),
        "Ec2": Endpoint(service=service.EC2, reason="the smoke tests look up the load balancer's private addresses"),
    }


def add_endpoints(vpc: ec2.Vpc, *, cidr: str) -> ec2.GatewayVpcEndpoint:
    """Makes the endpoints in the private subnets; returns the gateway endpoint of S3, whose policy allows ECR's layers alone.

    Args:
        vpc: The VPC.
        cidr: Its address range, the only one that may enter.
    """
    group = ec2.SecurityGroup(vpc, "Endpoints", vpc=vpc, description="VPC endpoints", allow_all_outbound=False)
    group.add_ingress_rule(ec2.Peer.ipv4(cidr), ec2.Port.HTTPS, "The VPC's own addresses")
    made: list[IDependable] = [
        vpc.add_interface_endpoint(
            name, service=endpoint.service, security_groups=[group], open=False, private_dns_enabled=True
        )
        for name, endpoint in interface_endpoints().items()
    ]
    layers = vpc.add_gateway_endpoint(
        "S3",
        service=ec2.GatewayVpcEndpointAwsService.S3,
        subnets=[ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS)],
    )
    # Where ECR keeps the layers of images ("Minimum Amazon S3 bucket permissions for Amazon ECR").
    layers.add_to_policy(
        iam.PolicyStatement(
            principals=[iam.AnyPrincipal()],
            actions=["s3:GetObject"],
            resources=[f"arn:{Aws.PARTITION}:s3:::prod-{Aws.REGION}-starport-layer-bucket/*"],
        )
    )
    _stand_for_the_way_out(vpc, [*made, layers])
    mark_endpoints(vpc)
    return layers


def _stand_for_the_way_out(vpc: ec2.Vpc, endpoints: Sequence[IDependable]) -> None:
    """Has all that waits for the private subnets' way out, tasks and functions, wait for these endpoints.

    Through one resource that does nothing: a service that named each endpoint would not be the same when one more is needed.
    """
    ready = CfnWaitConditionHandle(vpc, "EndpointsReady")
    ready.node.add_dependency(*endpoints)
    for subnet in vpc.private_subnets:
        way_out = subnet.internet_connectivity_established
        assert isinstance(way_out, DependencyGroup)
        way_out.add(ready)


def mark_endpoints(vpc: ec2.IVpc) -> None:
    """Notes on a VPC that its endpoints are there, for `check_reach`; an imported VPC does not show them."""
    vpc.node.add_metadata(_MARK, True)


def check_reach(
    scope: Construct, vpc: ec2.IVpc, vpc_subnets: ec2.SubnetSelection, argument: str, *, needs: Set[str]
) -> None:
    """Refuses subnets from which a Lambda function reaches no AWS API: it would hang until its deadline, at every deployment.

    Refused are public subnets, and isolated ones of a VPC that lacks an interface endpoint, as far as the app knows of them. What only shows
    when the stack deploys, and subnets whose routes the app does not know, are let through.

    Args:
        scope: Any construct of the app.
        vpc: The function's VPC.
        vpc_subnets: Where in it the function is to run.
        argument: The argument's name, for the message: `AlembicMigrations(vpc_subnets=)`.
        needs: The services that the function calls, as their endpoints end: `secretsmanager`.
    """
    remedy = (
        "its function calls AWS APIs. Give private subnets with a NAT gateway, or a VPC with endpoints: "
        'Network(egress="endpoints"), or an InterfaceVpcEndpoint of yours'
    )
    found = selected(vpc, vpc_subnets, argument, remedy)
    if found.is_pending_lookup:
        return
    public = {subnet.subnet_id for subnet in vpc.public_subnets}
    if shown := [subnet.node.path for subnet in found.subnets if subnet.subnet_id in public]:
        raise InvalidArgumentError(
            argument, f"public: {', '.join(shown)}", f"Lambda gives a function no public address, and {remedy}"
        )
    isolated = {subnet.subnet_id for subnet in vpc.isolated_subnets}
    dead = [subnet.node.path for subnet in found.subnets if subnet.subnet_id in isolated]
    if dead and (missing := sorted(needs - _reached(scope, vpc, needs))):
        without = f"isolated, without an endpoint of {', '.join(missing)}: {', '.join(dead)}"
        raise InvalidArgumentError(argument, without, remedy)


def _reached(scope: Construct, vpc: ec2.IVpc, needs: Set[str]) -> Set[str]:
    """Which of these services the VPC's endpoints reach, as far as the app knows of them."""
    if any(entry.type == _MARK for entry in vpc.node.metadata):
        return needs
    reached: set[str] = set()
    for one in scope.node.root.node.find_all():
        if isinstance(one, ec2.CfnVPCEndpoint) and one.vpc_endpoint_type == "Interface" and one.vpc_id == vpc.vpc_id:
            name = one.stack.resolve(one.service_name)
            text = name["Fn::Join"][1][-1] if isinstance(name, dict) and "Fn::Join" in name else name
            if not isinstance(text, str):
                return needs  # which service it is only shows when the stack deploys
            reached.add(text.rpartition(".")[2])
    return reached
