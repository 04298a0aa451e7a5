"""The assets, synthesized once, and a database for the migrations."""

import shutil

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2

from seachange import BlueGreenLoadBalancer
from seachange.assembly import Assembly
from seachange.deployment.smoke import SmokeTest
from seachange.deployment.smoke_hook import SmokeTestHook
from tests.constructs.apps import new_service, new_stack, their_vpc
from tests.deployments.shop import CREATE, DELETE, READ
from tests.migrations.conftest import database as database


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """A service, and beside it the hook of a smoke test."""
    stack = new_stack()
    new_service(stack)
    vpc = their_vpc(cdk.Stack(cdk.App.of(stack), "Network"))
    SmokeTestHook(
        stack,
        "Smoke",
        test=SmokeTest(steps=[CREATE, READ, DELETE]),
        load_balancer=BlueGreenLoadBalancer(stack, "Balancer", vpc=vpc),
        deployment_group_arn="arn:aws:codedeploy:eu-west-1:123456789012:deploymentgroup:orders/orders",
        vpc=vpc,
        vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
    )
    app = cdk.App.of(stack)
    assert app is not None
    out = tmp_path_factory.mktemp("assembly") / "cdk.out"
    shutil.copytree(app.synth().directory, out)
    return Assembly.load(out)
