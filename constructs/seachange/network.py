"""The network: public, private and isolated subnets over two or more zones."""

from typing import Literal, get_args

from aws_cdk import Acknowledgment, Fn, Stack, Token, Validations
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from seachange.endpoints import add_endpoints, mark_endpoints
from seachange.errors import InvalidArgumentError
from seachange.findings import LAMBDA_FINDINGS, LOG_GROUP_FINDINGS, acknowledge

Egress = Literal["nat", "endpoints"]

_TIERS = {
    "public": ec2.SubnetType.PUBLIC,
    "private": ec2.SubnetType.PRIVATE_WITH_EGRESS,
    "isolated": ec2.SubnetType.PRIVATE_ISOLATED,
}


class Network(Construct):
    """A VPC with three tiers in every zone: load balancers (public), tasks (private, with a way out), databases (isolated).

    Its flow log is kept for three months, and its default security group lets nothing in or out.

    With endpoints nothing in the private subnets reaches the internet, only what the library's own parts call: ECR, CloudWatch and its Logs, Secrets
    Manager, CloudFormation, Step Functions, CodeDeploy and EC2. So images must lie in ECR, in the same region. Your service may call more:
    `network.vpc.add_interface_endpoint("Parameters", service=ec2.InterfaceVpcEndpointAwsService.SSM)`, for one, when a secret of its tasks comes
    from Parameter Store.

    Args:
        zones: How many availability zones; 2 by default, never fewer.
        egress: The private subnets' way out, `nat` by default, or `endpoints`: no NAT gateway, but VPC endpoints in every zone.
        nat: `one` NAT gateway (the default: cheaper, and a zone's loss takes the way out with it) or one `per_az`; refused with endpoints.
        cidr: The address range, `10.0.0.0/16` by default.

    Attributes:
        vpc: The VPC.
        s3: With endpoints S3's, whose policy allows the layers of images alone: `add_to_policy` opens it to buckets of yours. Else None.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        zones: int = 2,
        egress: Egress = "nat",
        nat: Literal["one", "per_az"] | None = None,
        cidr: str = "10.0.0.0/16",
    ) -> None:
        super().__init__(scope, construct_id)
        _check_zones(zones)
        _check_egress(egress)
        if nat not in (None, "one", "per_az"):
            raise InvalidArgumentError("Network(nat=)", nat, 'give "one" or "per_az"')
        if nat is not None and egress == "endpoints":
            raise InvalidArgumentError(
                "Network(nat=)", nat, 'leave it out: with egress="endpoints" there is no NAT gateway'
            )
        self._zones = zones
        vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(cidr),
            # Chosen when the stack deploys: a synthesis needs neither an account nor a region.
            availability_zones=[Fn.select(zone, Fn.get_azs()) for zone in range(zones)],
            nat_gateways=0 if egress == "endpoints" else zones if nat == "per_az" else 1,
            restrict_default_security_group=True,
            subnet_configuration=[
                ec2.SubnetConfiguration(name=name.capitalize(), subnet_type=tier) for name, tier in _TIERS.items()
            ],
        )
        self.vpc: ec2.IVpc = vpc
        self.s3 = add_endpoints(vpc, cidr=cidr) if egress == "endpoints" else None
        flows = logs.LogGroup(self, "FlowLogs", retention=logs.RetentionDays.THREE_MONTHS)
        vpc.add_flow_log("FlowLog", destination=ec2.FlowLogDestination.to_cloud_watch_logs(flows))
        acknowledge(flows, LOG_GROUP_FINDINGS)
        # The CDK's function, one for the stack, that empties the default security group.
        emptying = Stack.of(self).node.find_child("Custom::VpcRestrictDefaultSGCustomResourceProvider")
        acknowledge(emptying.node.find_child("Handler"), LAMBDA_FINDINGS)

    def publish(self, prefix: str) -> None:
        """Writes the network's ids into SSM parameters under `<prefix>/network`, one for each value.

        Other stacks read them with `published`. An export would do the same, but one in use can never change.

        Args:
            prefix: A parameter path such as `/customers/dev`.
        """
        values = {"vpc-id": self.vpc.vpc_id}
        for zone in range(self._zones):
            values[f"zone-{zone + 1}"] = self.vpc.availability_zones[zone]
        for name, tier in _TIERS.items():
            for zone, subnet in enumerate(self.vpc.select_subnets(subnet_type=tier).subnets, start=1):
                values[f"{name}-subnet-{zone}"] = subnet.subnet_id
                values[f"{name}-route-table-{zone}"] = subnet.route_table.route_table_id
        for name, value in values.items():
            ssm.StringParameter(
                self, f"Published-{name}", parameter_name=f"{prefix}/network/{name}", string_value=value
            )

    @staticmethod
    def published(
        scope: Construct, construct_id: str, *, prefix: str, zones: int = 2, egress: Egress = "nat"
    ) -> ec2.IVpc:
        """The network that `publish` wrote; its values are read when the stack deploys.

        Each value becomes a parameter of the template, used or not, so the validator's W2001 (unused parameter) is acknowledged for the whole
        stack: it reports no unused parameter of yours there either.

        Args:
            prefix: The path given to `publish`.
            zones: How many zones it has; 2 by default.
            egress: As given to the network: with endpoints its isolated subnets reach AWS APIs too.
        """
        _check_zones(zones)
        _check_egress(egress)

        def value(name: str) -> str:
            return ssm.StringParameter.value_for_string_parameter(scope, f"{prefix}/network/{name}")

        def values(name: str) -> list[str]:
            return [value(f"{name}-{zone}") for zone in range(1, zones + 1)]

        Validations.of(Stack.of(scope)).acknowledge(
            Acknowledgment(
                id="CloudFormation-Validate::W2001", reason="A stack need not use all values of a published network."
            )
        )
        vpc = ec2.Vpc.from_vpc_attributes(
            scope,
            construct_id,
            vpc_id=value("vpc-id"),
            availability_zones=values("zone"),
            public_subnet_ids=values("public-subnet"),
            public_subnet_route_table_ids=values("public-route-table"),
            private_subnet_ids=values("private-subnet"),
            private_subnet_route_table_ids=values("private-route-table"),
            isolated_subnet_ids=values("isolated-subnet"),
            isolated_subnet_route_table_ids=values("isolated-route-table"),
        )
        if egress == "endpoints":
            mark_endpoints(vpc)
        return vpc


def _check_zones(zones: int) -> None:
    if not Token.is_unresolved(zones) and zones < 2:
        raise InvalidArgumentError(
            "Network(zones=)", zones, "give 2 or more: a load balancer and a database need two zones"
        )


def _check_egress(egress: str) -> None:
    if egress not in get_args(Egress):
        raise InvalidArgumentError("Network(egress=)", egress, 'give "nat" or "endpoints"')
