"""Small apps for the tests: a stack with somebody else's VPC, and a service in it."""

from dataclasses import dataclass
from typing import Any, cast

import aws_cdk as cdk
from aws_cdk import assertions
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_secretsmanager as secretsmanager

from seachange import BlueGreenLoadBalancer, BlueGreenService

Resources = dict[str, dict[str, Any]]


def new_stack(name: str = "Foreign", **context: Any) -> cdk.Stack:
    """An empty stack in an app of its own: the tree is closed once it has been synthesized."""
    return cdk.Stack(cdk.App(context={"aws:cdk:bundling-stacks": [], **context}), name)


def their_vpc(stack: cdk.Stack) -> ec2.IVpc:
    """A VPC that somebody else made."""
    return ec2.Vpc.from_vpc_attributes(
        stack,
        "TheirVpc",
        vpc_id="vpc-1",
        availability_zones=["a", "b"],
        public_subnet_ids=["subnet-p1", "subnet-p2"],
        public_subnet_route_table_ids=["rtb-p1", "rtb-p2"],
        private_subnet_ids=["subnet-1", "subnet-2"],
        private_subnet_route_table_ids=["rtb-1", "rtb-2"],
    )


@dataclass(frozen=True, kw_only=True)
class TheirDatabase:
    """A database that somebody else migrates: no construct, only the attributes of `ServiceDatabase`."""

    host: str
    port: int
    database_name: str
    database_security_group: ec2.ISecurityGroup
    application_secret: secretsmanager.ISecret


def their_database(stack: cdk.Stack) -> TheirDatabase:
    """A database outside the app."""
    arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:orders-AbCdEf"
    return TheirDatabase(
        host="orders.example.com",
        port=5433,
        database_name="orders",
        database_security_group=ec2.SecurityGroup.from_security_group_id(stack, "TheirGroup", "sg-database"),
        application_secret=secretsmanager.Secret.from_secret_complete_arn(stack, "TheirSecret", arn),
    )


def new_service(stack: cdk.Stack, name: str = "Orders", **changes: Any) -> BlueGreenService:
    """A service in their VPC, with an image from a registry; `changes` are arguments of the service."""
    vpc = cast("ec2.IVpc | None", stack.node.try_find_child("TheirVpc")) or their_vpc(stack)
    arguments: dict[str, Any] = {
        "vpc": vpc,
        "load_balancer": changes.pop("load_balancer", None) or BlueGreenLoadBalancer(stack, f"{name}Balancer", vpc=vpc),
        "image": ecs.ContainerImage.from_registry("example.com/orders:1"),
        "release": "1",
        "service_name": name.lower(),
    }
    return BlueGreenService(stack, name, **{**arguments, **changes})


def template(stack: cdk.Stack) -> assertions.Template:
    """The stack's template; it also checks for cyclic dependencies."""
    return assertions.Template.from_stack(stack)


def resources(stack: cdk.Stack) -> Resources:
    """The stack's resources by logical id."""
    found: Resources = template(stack).to_json()["Resources"]
    return found


def only(found: Resources, resource_type: str) -> tuple[str, dict[str, Any]]:
    """Logical id and body of the only resource of a type."""
    [(logical_id, body)] = [item for item in found.items() if item[1]["Type"] == resource_type]
    return logical_id, body


def parameters_read(found: assertions.Template) -> set[str]:
    """The names of the SSM parameters that a stack reads when it deploys, the CDK's own bootstrap version left out."""
    read = {
        p["Default"]
        for p in found.to_json()["Parameters"].values()
        if p["Type"] == "AWS::SSM::Parameter::Value<String>"
    }
    return {name for name in read if not name.startswith("/cdk-bootstrap/")}
