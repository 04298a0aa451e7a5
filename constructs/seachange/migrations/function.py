"""The migrations Lambda: the two handlers of a custom resource, on one asset, in the database's network."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsii
from aws_cdk import (
    ArnFormat,
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

from seachange.findings import LOG_GROUP_FINDINGS, VPC_HANDLER_FINDINGS, acknowledge, wildcard
from seachange.function_role import vpc_function_role
from seachange.migrations.bundle import ENGINE, Bundle
from seachange.migrations.long_way import MigrationMachine, VersionWorker, Worker, definition
from seachange.migrations.runner import FargateRunner, TaskWorker
from seachange.provider import scoped_provider

QUERY_INTERVAL = 10
"""Seconds between two calls that ask whether the migration is complete."""

# Lambda ends a call after 15 minutes. The engine stops in time, and is called again.
CALL_MINUTES = 14

_VERSIONS = "The versions of one function, one of which an execution publishes and calls."
_EXECUTIONS = "The executions of one state machine; their names hold the request's id and are not known before."


class MigrationsFunction(Construct):
    """The Lambda functions `on_event` and `is_complete`, the framework that calls them, and the state machine that goes on with long work.

    Args:
        bundle: What the Lambda's asset is made of.
        architecture: Its processor; the wheels in `bundle` are for it.
        vpc: The database's network.
        vpc_subnets: Where the Lambda runs; it calls Secrets Manager and CloudFormation from there.
        total_timeout: How long the framework goes on asking. It counts the time between two calls alone: with calls of
            up to 14 minutes it may go on past CloudFormation's own deadline, so the Lambda keeps one itself.
        workers: How many ranges of a large backfill are worked on at once.
        runner: What migrates instead of the Lambda; the Lambda by default.
        request: The properties of the custom resource, with which the Lambda answers who asks for the database's revisions.
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
        workers: int,
        runner: FargateRunner | None,
        request: Mapping[str, str],
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
        }
        variables = {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": f"/var/task/{ENGINE}/rds-ca.pem"}
        self.task_worker = runner and TaskWorker(
            self, runner=runner, vpc=vpc, security_group=self.security_group, log_group=self._log_group
        )
        worker: Worker = self.task_worker or VersionWorker(call_s=CALL_MINUTES * 60)
        self._machine = MigrationMachine(self, "LongWay", definition=definition(worker, workers=workers))
        self.on_event = lambda_.Function(
            self,
            "OnEvent",
            handler=f"{ENGINE}.handler.on_event",
            timeout=Duration.minutes(1),
            role=self._role("OnEventRole"),
            environment=variables,
            **settings,
        )
        self.is_complete_role = self._role("IsCompleteRole")
        self.is_complete = lambda_.Function(
            self,
            "IsComplete",
            handler=f"{ENGINE}.handler.is_complete",
            timeout=Duration.minutes(CALL_MINUTES),
            role=self.is_complete_role,
            environment=variables | self._long_way_variables(request),
            **settings,
        )
        for function in (self.on_event, self.is_complete):
            acknowledge(function, VPC_HANDLER_FINDINGS)
        self.is_complete.add_to_role_policy(
            iam.PolicyStatement(actions=["cloudformation:DescribeStacks"], resources=[Stack.of(self).stack_id])
        )
        self._grant_long_way()
        self.provider = scoped_provider(
            self,
            "Provider",
            on_event=self.on_event,
            is_complete=self.is_complete,
            query_interval=Duration.seconds(QUERY_INTERVAL),
            total_timeout=total_timeout,
            log_group=self._log_group,
        )

    def _long_way_variables(self, request: Mapping[str, str]) -> dict[str, str]:
        return {
            "MIGRATIONS_MACHINE": self._machine.arn,
            "MIGRATIONS_REQUEST": Stack.of(self).to_json_string(request),
            **({"MIGRATIONS_TASK": self.task_worker.task_definition.task_definition_arn} if self.task_worker else {}),
        }

    def _grant_long_way(self) -> None:
        executions = Stack.of(self).format_arn(
            service="states",
            resource="execution",
            resource_name=f"{self._machine.name}:*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        for actions, resource in (
            (["states:ListExecutions", "states:StartExecution"], self._machine.arn),
            (["states:DescribeExecution"], executions),
        ):
            self.is_complete.add_to_role_policy(iam.PolicyStatement(actions=actions, resources=[resource]))
        acknowledge(self.is_complete_role, {wildcard(self, executions): _EXECUTIONS})
        if self.task_worker:
            self.task_worker.grant(self._machine)
            return
        function = self.is_complete.function_arn
        policy = iam.Policy(
            self._machine,
            "CallVersions",
            roles=[self._machine.role],
            statements=[
                iam.PolicyStatement(actions=["lambda:PublishVersion"], resources=[function]),
                iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[f"{function}:*"]),
            ],
        )
        acknowledge(policy, {wildcard(self, f"{function}:*"): _VERSIONS})

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
