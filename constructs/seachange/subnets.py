"""Which subnets a selection means."""

import re

from aws_cdk import aws_ec2 as ec2

from seachange.errors import InvalidArgumentError


def selected(
    vpc: ec2.IVpc,
    selection: ec2.SubnetSelection,
    argument: str,
    remedy: str = "select subnets that this VPC has",
) -> ec2.SelectedSubnets:
    """The subnets of `vpc` that `selection` selects; InvalidArgumentError, with the CDK's reason, when it has no such subnets.

    Args:
        vpc: The VPC.
        selection: What is wanted of it.
        argument: The argument's name, for the message: `BlueGreenService(vpc_subnets=)`.
        remedy: What to give instead.
    """
    try:
        return vpc.select_subnets(
            availability_zones=selection.availability_zones,
            one_per_az=selection.one_per_az,
            subnet_filters=selection.subnet_filters,
            subnet_group_name=selection.subnet_group_name,
            subnets=selection.subnets,
            subnet_type=selection.subnet_type,
        )
    except RuntimeError as error:  # what jsii makes of "There are no 'Private' subnet groups in this VPC"
        # Before the reason stands the error's class: "Error: ", or a name such as "ThereSubnetGroups: ".
        reason = re.sub(r"^\w+: ", "", str(error).splitlines()[0])
        raise InvalidArgumentError(argument, reason, remedy) from None
