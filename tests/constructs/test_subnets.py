"""Selections of subnets that a VPC does not have."""

import pytest
from aws_cdk import aws_ec2 as ec2

from seachange import InvalidArgumentError
from seachange.subnets import selected
from tests.constructs.apps import new_stack, their_vpc

PRIVATE = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS)


@pytest.mark.parametrize(
    ("selection", "reason"),
    [
        (ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED), "There are no 'Isolated' subnet groups"),
        (ec2.SubnetSelection(subnet_group_name="Tasks"), "There are no subnet groups with name 'Tasks'"),
    ],
)
def test_the_message_names_argument_reason_and_remedy(selection: ec2.SubnetSelection, reason: str) -> None:
    vpc = their_vpc(new_stack())
    with pytest.raises(InvalidArgumentError) as refusal:
        selected(vpc, selection, "BlueGreenService(vpc_subnets=)")
    message = str(refusal.value)
    assert message.startswith(f'BlueGreenService(vpc_subnets=) cannot be "{reason}')
    assert message.endswith(": select subnets that this VPC has")
    assert "\n" not in message


def test_what_is_there_is_selected() -> None:
    assert selected(their_vpc(new_stack()), PRIVATE, "X(y=)").subnet_ids == ["subnet-1", "subnet-2"]
