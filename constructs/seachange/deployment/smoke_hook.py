"""The Lambda function that runs a smoke test."""

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from aws_cdk import AssetHashType, RemovalPolicy, Tokenization
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from seachange.cache import cached, files
from seachange.deployment.functions import package_folder
from seachange.deployment.hooks import allow_answer
from seachange.deployment.smoke import SmokeTest
from seachange.endpoints import check_reach
from seachange.errors import InvalidArgumentError
from seachange.findings import LOG_GROUP_FINDINGS, VPC_HANDLER_FINDINGS, acknowledge
from seachange.function_role import vpc_function_role
from seachange.targets import Targets
from seachange_deployments import steps

_PACKAGE = "seachange_deployments"


class SmokeTestHook(Construct):
    """The Lambda function that runs a smoke test for CodeDeploy, inside the load balancer's network.

    Args:
        test: What it runs.
        load_balancer: Its test listener is asked, at the load balancer's private addresses, and lets the function in.
        deployment_group_arn: CodeDeploy's group, whose deployments the function may answer.
        vpc: The load balancer's network.
        vpc_subnets: Where the function runs; it calls EC2 and CodeDeploy from there.

    Attributes:
        function: For the AppSpec's hooks, and for CodeDeploy's role to invoke.
        log_group: Says which step failed: CodeDeploy learns only that one did.
        connections: The function's.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        test: SmokeTest,
        load_balancer: Targets,
        deployment_group_arn: str,
        vpc: ec2.IVpc,
        vpc_subnets: ec2.SubnetSelection,
    ) -> None:
        super().__init__(scope, construct_id)
        check_reach(self, vpc, vpc_subnets, "BlueGreenService(smoke_test=, vpc_subnets=)", needs={"codedeploy", "ec2"})
        listener = load_balancer.test_listener
        if isinstance(listener, elbv2.NetworkListener):
            raise InvalidArgumentError(
                "BlueGreenService(smoke_test=)",
                "a test listener of a Network Load Balancer",
                "leave it out, or use an Application Load Balancer: the steps are HTTP requests through it",
            )
        tls = listener.protocol == elbv2.ApplicationProtocol.HTTPS
        if tls and test.host is None:
            raise InvalidArgumentError(
                "SmokeTest(host=)",
                None,
                "give the domain of the listener's certificate: the test listener speaks TLS, and the function asks at addresses",
            )
        self.log_group = logs.LogGroup(
            self, "Logs", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
        )
        group = ec2.SecurityGroup(
            self, "SecurityGroup", vpc=vpc, description="SeaChange smoke test", allow_all_outbound=False
        )
        group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "EC2, CodeDeploy")
        self.connections = ec2.Connections(security_groups=[group])
        load_balancer.allow_test_traffic_from(self.connections)
        role = vpc_function_role(
            self, "Role", description="Runs the smoke test of one blue/green service", log_group=self.log_group
        )
        allow_answer(role, deployment_group_arn)
        self.function = lambda_.Function(
            self,
            "Function",
            description="SeaChange: the smoke test of a release",
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            handler=f"{_PACKAGE}.hook.handler",
            code=_code(test),
            role=role,
            log_group=self.log_group,
            memory_size=256,
            timeout=test.timeout,
            vpc=vpc,
            vpc_subnets=vpc_subnets,
            security_groups=[group],
            environment={
                "SMOKE_LOAD_BALANCER": load_balancer.green.first_load_balancer_full_name,
                "SMOKE_PORT": Tokenization.stringify_number(listener.port),
                "SMOKE_TLS": "yes" if tls else "no",
                **({"SMOKE_HOST": test.host} if test.host is not None else {}),
            },
        )
        acknowledge(self.log_group, LOG_GROUP_FINDINGS)
        acknowledge(self.function, VPC_HANDLER_FINDINGS)


def _code(test: SmokeTest) -> lambda_.Code:
    """Package and steps, under a hash of nothing but their content: the same in every checkout."""
    content = test.as_json()
    digest = hashlib.sha256(content.encode())
    for name, file in _package():
        digest.update(f"\0{name}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())

    def build(target: Path) -> None:
        for name, file in _package():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target / name)
        (target / steps.STEPS_FILE).write_text(content, "utf-8")

    folder = cached(f"smoke-{digest.hexdigest()[:32]}", build)
    return lambda_.Code.from_asset(str(folder), asset_hash=digest.hexdigest(), asset_hash_type=AssetHashType.CUSTOM)


def _package() -> Iterator[tuple[str, Path]]:
    return files(_PACKAGE, package_folder())
