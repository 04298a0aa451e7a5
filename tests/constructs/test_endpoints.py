"""`check_reach`: a function that reaches no AWS API is refused before anything is deployed."""

from collections.abc import Callable

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2

from seachange import InvalidArgumentError, Network, SmokeTest
from seachange.endpoints import check_reach, interface_endpoints
from tests.constructs.apps import new_service, new_stack, only, resources, their_vpc
from tests.constructs.deployment.test_order import before

ISOLATED = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
PRIVATE = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS)
PUBLIC = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC)
ARGUMENT = "AlembicMigrations(vpc_subnets=)"


def only_isolated(stack: cdk.Stack) -> ec2.Vpc:
    tiers = [ec2.SubnetConfiguration(name="Isolated", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)]
    return ec2.Vpc(stack, "Vpc", max_azs=2, subnet_configuration=tiers)


def with_endpoint_of_theirs(stack: cdk.Stack) -> ec2.IVpc:
    vpc = only_isolated(stack)
    ec2.InterfaceVpcEndpoint(stack, "Theirs", vpc=vpc, service=ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER)
    return vpc


def with_another_endpoint(stack: cdk.Stack) -> ec2.IVpc:
    vpc = only_isolated(stack)
    ec2.InterfaceVpcEndpoint(stack, "Theirs", vpc=vpc, service=ec2.InterfaceVpcEndpointAwsService.SSM)
    return vpc


def with_gateway_endpoint(stack: cdk.Stack) -> ec2.IVpc:
    vpc = only_isolated(stack)
    vpc.add_gateway_endpoint("S3", service=ec2.GatewayVpcEndpointAwsService.S3)
    return vpc


def published(egress: str) -> Callable[[cdk.Stack], ec2.IVpc]:
    return lambda stack: Network.published(stack, "Network", prefix="/shop/test", egress=egress)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("vpc", "subnets"),
    [
        pytest.param(lambda stack: Network(stack, "Network").vpc, PRIVATE, id="private, NAT"),
        pytest.param(lambda stack: Network(stack, "Network", egress="endpoints").vpc, PRIVATE, id="private, endpoints"),
        pytest.param(
            lambda stack: Network(stack, "Network", egress="endpoints").vpc, ISOLATED, id="isolated, endpoints"
        ),
        pytest.param(with_endpoint_of_theirs, ISOLATED, id="an endpoint of theirs"),
        pytest.param(published("endpoints"), ISOLATED, id="published with endpoints"),
        pytest.param(published("nat"), PRIVATE, id="published"),
        pytest.param(their_vpc, PRIVATE, id="imported"),
        pytest.param(
            their_vpc,
            ec2.SubnetSelection(subnet_filters=[ec2.SubnetFilter.by_ids(["subnet-1"])]),
            id="imported, by ids",
        ),
    ],
)
def test_allowed(vpc: Callable[[cdk.Stack], ec2.IVpc], subnets: ec2.SubnetSelection) -> None:
    stack = new_stack()
    check_reach(stack, vpc(stack), subnets, ARGUMENT, needs={"secretsmanager"})


def test_subnets_whose_routes_are_unknown_are_let_through() -> None:
    stack = new_stack()
    one = ec2.Subnet.from_subnet_attributes(
        stack, "One", subnet_id=cdk.Fn.import_value("subnet"), availability_zone="eu-west-1a"
    )
    check_reach(stack, only_isolated(stack), ec2.SubnetSelection(subnets=[one]), ARGUMENT, needs={"secretsmanager"})


@pytest.mark.parametrize(
    ("vpc", "subnets", "value"),
    [
        pytest.param(lambda stack: Network(stack, "Network").vpc, ISOLATED, "IsolatedSubnet1", id="isolated, NAT"),
        pytest.param(lambda stack: Network(stack, "Network").vpc, PUBLIC, "public: .*PublicSubnet1", id="public"),
        pytest.param(with_another_endpoint, ISOLATED, "without an endpoint of secretsmanager", id="another endpoint"),
        pytest.param(
            published("nat"),
            ISOLATED,
            "isolated, without an endpoint of secretsmanager: .*IsolatedSubnet1",
            id="published",
        ),
        pytest.param(
            only_isolated, ISOLATED, "isolated, without an endpoint of secretsmanager: .*IsolatedSubnet1", id="isolated"
        ),
        pytest.param(
            with_gateway_endpoint,
            ISOLATED,
            "isolated, without an endpoint of secretsmanager: .*IsolatedSubnet1",
            id="S3 alone",
        ),
        pytest.param(only_isolated, PRIVATE, "no 'Private' subnet", id="no such tier"),
    ],
)
def test_refused(vpc: Callable[[cdk.Stack], ec2.IVpc], subnets: ec2.SubnetSelection, value: str) -> None:
    stack = new_stack()
    made = vpc(stack)
    with pytest.raises(InvalidArgumentError, match=value) as refused:
        check_reach(stack, made, subnets, ARGUMENT, needs={"secretsmanager"})
    assert refused.value.argument == ARGUMENT
    assert 'Network(egress="endpoints")' in str(refused.value)
    assert "\n" not in str(refused.value)


def test_endpoints_elsewhere_do_not_help() -> None:
    stack = new_stack()
    with_endpoint_of_theirs(stack)
    other = only_isolated(cdk.Stack(stack.node.root, "Other"))  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError):
        check_reach(stack, other, ISOLATED, ARGUMENT, needs={"secretsmanager"})


def test_every_endpoint_has_its_reason() -> None:
    assert all(endpoint.reason for endpoint in interface_endpoints().values())


def test_tasks_and_functions_wait_for_the_endpoints() -> None:
    stack = new_stack()
    network = Network(stack, "Network", egress="endpoints")
    new_service(stack, vpc=network.vpc, smoke_test=SmokeTest(steps=[{"name": "health", "path": "/health"}]))
    found = resources(stack)
    endpoints = {name for name, body in found.items() if body["Type"] == "AWS::EC2::VPCEndpoint"}
    service, body = only(found, "AWS::ECS::Service")
    hook = next(n for n, b in found.items() if b["Type"] == "AWS::Lambda::Function" and "VpcConfig" in b["Properties"])
    assert len(endpoints) == len(interface_endpoints()) + 1
    assert endpoints <= before(found, service)
    assert endpoints <= before(found, hook)
    # None by name: one more must not change the frozen service.
    assert endpoints.isdisjoint(body["DependsOn"])
