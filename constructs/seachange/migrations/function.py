"""The migrations Lambda: the two handlers of a custom resource, on one asset, in the database's network."""

import shutil
from pathlib import Path
from typing import Any

import jsii
from aws_cdk import (
    AssetHashType,
    BundlingOptions,
    DockerImage,
    Duration,
    ILocalBundling,
    RemovalPolicy,
    Stack,
)
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from seachange.findings import LOG_GROUP_FINDINGS, VPC_HANDLER_FINDINGS, acknowledge
from seachange.function_role import vpc_function_role
from seachange.migrations.bundle import ENGINE, Bundle
from seachange.provider import scoped_provider

QUERY_INTERVAL = 10
"""Seconds between two calls that ask whether the migration is complete."""

# Lambda ends a call after 15 minutes. The engine stops in time, and is called again.
CALL_MINUTES = 14


class MigrationsFunction(Construct):
    """The Lambda functions `on_event` and `is_complete` and the framework that calls them.

    Args:
        bundle: What the Lambda's asset is made of.
        architecture: Its processor; the wheels in `bundle` are for it.
        vpc: The database's network.
        vpc_subnets: Where the Lambda runs; it calls Secrets Manager and CloudFormation from there.
        total_timeout: How long the framework goes on asking. It counts the time between two calls alone: with calls of
            up to 14 minutes it may go on past CloudFormation's own deadline, so the Lambda keeps one itself.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bundle: Bundle,
        architecture: lambda_.Architecture,
        vpc: ec2.IVpc,
        vpc_subnets: ec2.SubnetSelection,
        total_timeout: Duration,
    ) -> None:
        super().__init__(scope, construct_id)
        self.security_group = ec2.SecurityGroup(self, "SecurityGroup", vpc=vpc, description="SeaChange migrations")
        self._log_group = logs.LogGroup(
            self, "Logs", retention=logs.RetentionDays.THREE_MONTHS, removal_policy=RemovalPolicy.DESTROY
        )
        acknowledge(self._log_group, LOG_GROUP_FINDINGS)
        settings: dict[str, Any] = {
            "code": _code(self, bundle),
            "runtime": lambda_.Runtime.PYTHON_3_13,
            "architecture": architecture,
            "memory_size": 1024,  # a CPU share with which the imports take a second
            "vpc": vpc,
            "vpc_subnets": vpc_subnets,
            "security_groups": [self.security_group],
            "log_group": self._log_group,
            "environment": {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": f"/var/task/{ENGINE}/rds-ca.pem"},
        }
        self.on_event = lambda_.Function(
            self,
            "OnEvent",
            handler=f"{ENGINE}.handler.on_event",
            timeout=Duration.minutes(1),
            role=self._role("OnEventRole"),
            **settings,
        )
        self.is_complete = lambda_.Function(
            self,
            "IsComplete",
            handler=f"{ENGINE}.handler.is_complete",
            timeout=Duration.minutes(CALL_MINUTES),
            role=self._role("IsCompleteRole"),
            **settings,
        )
        for function in (self.on_event, self.is_complete):
            acknowledge(function, VPC_HANDLER_FINDINGS)
        self.is_complete.add_to_role_policy(
            iam.PolicyStatement(actions=["cloudformation:DescribeStacks"], resources=[Stack.of(self).stack_id])
        )
        self.provider = scoped_provider(
            self,
            "Provider",
            on_event=self.on_event,
            is_complete=self.is_complete,
            query_interval=Duration.seconds(QUERY_INTERVAL),
            total_timeout=total_timeout,
            log_group=self._log_group,
        )

    def _role(self, construct_id: str) -> iam.Role:
        return vpc_function_role(
            self, construct_id, description="Migrates a database from within its network", log_group=self._log_group
        )


@jsii.implements(ILocalBundling)
class _Prepared:
    """Puts the prepared parts together. What can fail was done before, where an error reaches the user as it was raised."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._dependencies = bundle.dependencies()

    def try_bundle(self, output_dir: str, *_: Any, **__: Any) -> bool:
        shutil.copytree(self._dependencies, output_dir, dirs_exist_ok=True)
        self._bundle.copy_sources(Path(output_dir))
        return True


def _code(scope: Construct, bundle: Bundle) -> lambda_.Code:
    settings: dict[str, Any] = {"asset_hash": bundle.fingerprint(), "asset_hash_type": AssetHashType.CUSTOM}
    if not Stack.of(scope).bundling_required:
        return lambda_.Code.from_asset(str(bundle.sources()), **settings)
    # The image is never pulled: the local bundling always answers.
    bundling = BundlingOptions(image=DockerImage.from_registry("scratch"), local=_Prepared(bundle))
    return lambda_.Code.from_asset(str(bundle.directory), bundling=bundling, **settings)
