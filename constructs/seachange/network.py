"""The network: public, private and isolated subnets over two or more zones."""

from typing import Literal

from aws_cdk import Acknowledgment, Fn, Stack, Token, Validations
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from seachange.errors import InvalidArgumentError

_TIERS = {
    "public": ec2.SubnetType.PUBLIC,
    "private": ec2.SubnetType.PRIVATE_WITH_EGRESS,
    "isolated": ec2.SubnetType.PRIVATE_ISOLATED,
}


class Network(Construct):
    """A VPC with three tiers in every zone: load balancers (public), tasks (private, with a way out), databases (isolated).

    Args:
        zones: How many availability zones; 2 by default, never fewer.
        nat: `one` NAT gateway (the default: cheaper, and a zone's loss takes the way out with it) or one `per_az`.
        cidr: The address range, `10.0.0.0/16` by default.

    Attributes:
        vpc: The VPC.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        zones: int = 2,
        nat: Literal["one", "per_az"] = "one",
        cidr: str = "10.0.0.0/16",
    ) -> None:
        super().__init__(scope, construct_id)
        _check_zones(zones)
        if nat not in ("one", "per_az"):
            raise InvalidArgumentError("Network(nat=)", nat, 'give "one" or "per_az"')
        self._zones = zones
        self.vpc: ec2.IVpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(cidr),
            # Chosen when the stack deploys: a synthesis needs neither an account nor a region.
            availability_zones=[Fn.select(zone, Fn.get_azs()) for zone in range(zones)],
            nat_gateways=1 if nat == "one" else zones,
            subnet_configuration=[
                ec2.SubnetConfiguration(name=name.capitalize(), subnet_type=tier) for name, tier in _TIERS.items()
            ],
        )

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
    def published(scope: Construct, construct_id: str, *, prefix: str, zones: int = 2) -> ec2.IVpc:
        """The network that `publish` wrote; its values are read when the stack deploys.

        Each value becomes a parameter of the template, used or not, so the validator's W2001 (unused parameter) is acknowledged for the whole
        stack: it reports no unused parameter of yours there either.

        Args:
            prefix: The path given to `publish`.
            zones: How many zones it has; 2 by default.
        """
        _check_zones(zones)

        def value(name: str) -> str:
            return ssm.StringParameter.value_for_string_parameter(scope, f"{prefix}/network/{name}")

        def values(name: str) -> list[str]:
            return [value(f"{name}-{zone}") for zone in range(1, zones + 1)]

        Validations.of(Stack.of(scope)).acknowledge(
            Acknowledgment(
                id="CloudFormation-Validate::W2001", reason="A stack need not use all values of a published network."
            )
        )
        return ec2.Vpc.from_vpc_attributes(
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


def _check_zones(zones: int) -> None:
    if not Token.is_unresolved(zones) and zones < 2:
        raise InvalidArgumentError(
            "Network(zones=)", zones, "give 2 or more: a load balancer and a database need two zones"
        )
