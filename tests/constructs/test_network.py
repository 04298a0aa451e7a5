"""`Network`."""

from typing import Any

import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Match

from seachange import InvalidArgumentError, Network
from tests.constructs.apps import new_stack, parameters_read, resources, template


@pytest.mark.parametrize(("zones", "nat", "gateways"), [(2, "one", 1), (3, "per_az", 3)])
def test_three_tiers_in_every_zone(zones: int, nat: Any, gateways: int) -> None:
    stack = new_stack()
    network = Network(stack, "Network", zones=zones, nat=nat)
    assert len(network.vpc.select_subnets(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED).subnets) == zones
    found = template(stack)
    found.resource_count_is("AWS::EC2::Subnet", 3 * zones)
    found.resource_count_is("AWS::EC2::NatGateway", gateways)
    # Chosen at deployment: no account, no region, no look-up.
    found.has_resource_properties(
        "AWS::EC2::Subnet", {"AvailabilityZone": {"Fn::Select": [zones - 1, {"Fn::GetAZs": ""}]}}
    )


@pytest.mark.parametrize(("arguments", "argument"), [({"zones": 1}, "zones"), ({"nat": "two"}, "nat")])
def test_refuses(arguments: dict[str, Any], argument: str) -> None:
    with pytest.raises(InvalidArgumentError, match=argument):
        Network(new_stack(), "Network", **arguments)


def test_what_is_published_is_what_is_read() -> None:
    data = new_stack("Data")
    Network(data, "Network", zones=3).publish("/shop/test")
    written = {r["Properties"]["Name"] for r in resources(data).values() if r["Type"] == "AWS::SSM::Parameter"}

    reader = new_stack("Reader")
    vpc = Network.published(reader, "Network", prefix="/shop/test", zones=3)
    assert [len(subnets) for subnets in (vpc.public_subnets, vpc.private_subnets, vpc.isolated_subnets)] == [3, 3, 3]
    read = parameters_read(template(reader))
    assert read == written
    assert {"/shop/test/network/vpc-id", "/shop/test/network/zone-3", "/shop/test/network/private-subnet-2"} <= written


def test_publishing_exports_nothing() -> None:
    stack = new_stack()
    Network(stack, "Network").publish("/shop/test")
    assert template(stack).find_outputs("*", Match.any_value()) == {}
