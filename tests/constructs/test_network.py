"""`Network`."""

from typing import Any

import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Match

from seachange import InvalidArgumentError, Network
from tests.constructs.apps import new_stack, parameters_read, resources, template


@pytest.mark.parametrize(("zones", "nat", "gateways"), [(2, None, 1), (2, "one", 1), (3, "per_az", 3)])
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


def test_with_endpoints_nothing_reaches_the_internet_and_the_default_selection_stays() -> None:
    stack = new_stack()
    network = Network(stack, "Network", egress="endpoints", cidr="10.7.0.0/16")
    found = template(stack)
    found.resource_count_is("AWS::EC2::NatGateway", 0)
    private = network.vpc.select_subnets(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS).subnets
    assert len(private) == 2
    endpoints = found.find_resources("AWS::EC2::VPCEndpoint")
    interfaces = {service(body): body["Properties"] for body in endpoints.values() if kind(body) == "Interface"}
    assert interfaces.keys() == {
        "ecr.api",
        "ecr.dkr",
        "logs",
        "secretsmanager",
        "cloudformation",
        "codedeploy",
        "states",
        "ec2",
        "monitoring",
    }
    [group] = found.find_resources("AWS::EC2::SecurityGroup").items()
    for properties in interfaces.values():
        assert properties["PrivateDnsEnabled"] is True
        assert properties["SubnetIds"] == [stack.resolve(subnet.subnet_id) for subnet in private]
        assert properties["SecurityGroupIds"] == [{"Fn::GetAtt": [group[0], "GroupId"]}]
    [ingress] = group[1]["Properties"]["SecurityGroupIngress"]
    assert (ingress["CidrIp"], ingress["FromPort"], ingress["ToPort"]) == ("10.7.0.0/16", 443, 443)
    [gateway] = [body["Properties"] for body in endpoints.values() if kind(body) == "Gateway"]
    assert gateway["RouteTableIds"] == [stack.resolve(subnet.route_table.route_table_id) for subnet in private]
    [statement] = gateway["PolicyDocument"]["Statement"]
    assert (statement["Action"], statement["Resource"]) == (
        "s3:GetObject",
        {
            "Fn::Join": [
                "",
                ["arn:", {"Ref": "AWS::Partition"}, ":s3:::prod-", {"Ref": "AWS::Region"}, "-starport-layer-bucket/*"],
            ]
        },
    )


def kind(endpoint: dict[str, Any]) -> str:
    found: str = endpoint["Properties"]["VpcEndpointType"]
    return found


def service(endpoint: dict[str, Any]) -> str:
    found: str = endpoint["Properties"]["ServiceName"]["Fn::Join"][1][-1]
    return found.removeprefix(".")


def test_s3_opens_to_buckets_of_theirs() -> None:
    stack = new_stack()
    network = Network(stack, "Network", egress="endpoints")
    assert network.s3 is not None
    network.s3.add_to_policy(
        iam.PolicyStatement(
            principals=[iam.AnyPrincipal()], actions=["s3:GetObject"], resources=["arn:aws:s3:::theirs/*"]
        )
    )
    statements = template(stack).find_resources("AWS::EC2::VPCEndpoint", {"Properties": {"VpcEndpointType": "Gateway"}})
    [body] = statements.values()
    assert body["Properties"]["PolicyDocument"]["Statement"][1]["Resource"] == "arn:aws:s3:::theirs/*"


def test_its_traffic_is_logged_for_three_months_and_its_default_group_closed() -> None:
    stack = new_stack()
    network = Network(stack, "Network")
    found = template(stack)
    [(logical_id, group)] = found.find_resources("AWS::Logs::LogGroup").items()
    assert (group["Properties"]["RetentionInDays"], group["DeletionPolicy"]) == (90, "Retain")
    found.has_resource_properties(
        "AWS::EC2::FlowLog",
        {
            "ResourceId": stack.resolve(network.vpc.vpc_id),
            "ResourceType": "VPC",
            "TrafficType": "ALL",
            "LogGroupName": {"Ref": logical_id},
        },
    )
    arn = {"Fn::GetAtt": [logical_id, "Arn"]}
    found.has_resource_properties(
        "AWS::IAM::Policy", {"PolicyDocument": {"Statement": [Match.object_like({"Resource": arn})]}}
    )
    found.resource_count_is("Custom::VpcRestrictDefaultSG", 1)


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        ({"zones": 1}, "zones"),
        ({"nat": "two"}, "nat"),
        ({"egress": "internet"}, "egress=.*nat.*endpoints"),
        ({"egress": "endpoints", "nat": "one"}, "nat=.*leave it out"),
    ],
)
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


def test_a_published_network_refuses_another_way_out() -> None:
    with pytest.raises(InvalidArgumentError, match="egress"):
        Network.published(new_stack(), "Network", prefix="/shop/test", egress="internet")  # type: ignore[arg-type]


def test_publishing_exports_nothing() -> None:
    stack = new_stack()
    Network(stack, "Network").publish("/shop/test")
    assert template(stack).find_outputs("*", Match.any_value()) == {}
