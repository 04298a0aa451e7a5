"""`AlembicMigrations`: a release's *expand* revisions run before its service changes."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, get_args

from aws_cdk import CustomResource, Duration, RemovalPolicy, Token
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct, Dependable

from seachange.endpoints import check_reach
from seachange.errors import InvalidArgumentError
from seachange.findings import SECRET_FINDINGS, acknowledge
from seachange.migrations.bundle import MIGRATIONS, Bundle
from seachange.migrations.free_storage import SERVICE, instance_property, let_read_free_storage
from seachange.migrations.function import QUERY_INTERVAL, MigrationsFunction
from seachange.migrations.gate import check_revisions
from seachange.migrations.long_way import DEFAULT_WORKERS, MOST_WORKERS
from seachange.migrations.runner import FargateRunner

RESOURCE_TYPE = "Custom::SeaChangeMigrations"
Roles = Literal["managed", "existing"]

_NO_ROTATION = {
    "AwsSolutions-SMG4": "Nobody chooses or sees this password: 40 random characters, read by the service and the migrations alone, for a "
    "database without a public address. A rotation must change secret and role in one step, and only a migration may change the role."
}

LONGEST_TIMEOUT_S = 50 * 60
# CloudFormation's own deadline stands behind the Lambda's, with time for the call that is under way to end.
SERVICE_TIMEOUT_MARGIN_S = 5 * 60


class AlembicMigrations(Construct):
    """Runs the *expand* revisions of an Alembic directory on a PostgreSQL database, as a custom resource.

    A revision that declares itself expand and holds an operation that breaks the serving release is refused when the app is
    synthesized, unless a comment in it allows the operation.

    It takes host, port, security group and secret, and so an instance or an Aurora cluster, created or imported. What
    needs the schema depends on this construct.

    The endpoint of an Aurora cluster exists before its instances do: for a cluster of the same stack write
    `migrations.node.add_dependency(cluster)`.

    Args:
        directory: The Alembic directory, with env.py and versions/. With a runner still the local one: it decides what is checked
            here, and when the resource runs anew.
        vpc: The database's network.
        host: The database's endpoint.
        port: Its port; 5432 by default.
        database_name: The database in it.
        instance_identifier: The RDS instance's identifier; a token will do. CloudWatch then tells how much storage it has left, and
            backfills pause while that is little. None by default, as for an Aurora cluster, whose storage grows: nobody asks.
        security_group: The database's security group. A rule that belongs to this construct lets the Lambda in.
        secret: JSON credentials, `username` and `password`: the master's for managed roles, else the migrating role's.
        target: Up to where: `heads`, a revision, or `label@head` such as `expand@head`; `heads` by default.
        requirements: Further packages that env.py or a revision imports, a pip requirements file; none by default.
            Each must have a wheel.
        include: Modules and packages that env.py or a revision imports; none by default.
        roles: `managed` by default: the first migration makes an owner role, which migrates, and an application role,
            which reads and writes rows only, each with a secret of its own; so one construct per database. `existing`
            creates nothing and changes no owner.
        application_secret: With existing roles, the credentials that the service uses; `secret` by default.
        vpc_subnets: Where the Lambda runs; private subnets with egress by default, for it calls Secrets Manager and
            CloudFormation. Isolated ones are refused when the VPC has no endpoints that the app knows of.
        architecture: The Lambda's processor; arm64 by default.
        timeout: How long the deployment waits for the migration, in steps of 10 seconds; 50 minutes by default and at most.
            After it the resource fails and says how far the migration is. What takes longer goes on in a state machine; the
            next deploy waits for the same work.
        backfill_workers: How many ranges of a large backfill are worked on at once; 2 by default, 4 at most.
        proof: Whether the serving release's statements are executed on a scratch database of the same server before the real one is
            touched; yes by default. Where the roles may not make one it is skipped, and the log says so.
        runner: For revisions that lie in the service's own image: a `FargateRunner`, and a task of that image migrates. The
            Lambda by default.

    Raises InvalidArgumentError for what cannot work, BundleError when the Lambda's asset cannot be built.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        directory: str | Path,
        vpc: ec2.IVpc,
        host: str,
        port: int = 5432,
        database_name: str,
        instance_identifier: str | None = None,
        security_group: ec2.ISecurityGroup,
        secret: secretsmanager.ISecret,
        target: str = "heads",
        requirements: str | Path | None = None,
        include: Sequence[str | Path] = (),
        roles: Roles = "managed",
        application_secret: secretsmanager.ISecret | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        architecture: lambda_.Architecture | None = None,
        timeout: Duration | None = None,
        backfill_workers: int = DEFAULT_WORKERS,
        proof: bool = True,
        runner: FargateRunner | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        _validate_roles(roles, application_secret)
        timeout_s = _timeout_seconds(timeout)
        _validate_workers(backfill_workers)
        _validate_runner(runner, requirements, include)
        architecture = architecture or lambda_.Architecture.ARM_64
        vpc_subnets = vpc_subnets or ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS)
        check_reach(
            self,
            vpc,
            vpc_subnets,
            "AlembicMigrations(vpc_subnets=)",
            needs={"cloudformation", "secretsmanager", "states", *((SERVICE,) if instance_identifier else ())},
        )
        bundle = Bundle(
            directory=Path(directory),
            requirements=Path(requirements) if requirements else None,
            include=[Path(path) for path in include],
            machine="aarch64" if architecture.name == lambda_.Architecture.ARM_64.name else "x86_64",
        )
        check_revisions(self, bundle.directory, target=target, include=bundle.include)
        self.host = host
        self.port = port
        self.database_name = database_name
        self.database_security_group = security_group
        self.owner_secret: secretsmanager.ISecret | None = None
        self.application_secret: secretsmanager.ISecret = application_secret or secret
        if roles == "managed":
            self.owner_secret = self._role_secret("OwnerSecret", f"{database_name}_owner")
            self.application_secret = self._role_secret("ApplicationSecret", f"{database_name}_app")

        request = {
            "Phase": "expand",
            "Directory": runner.directory if runner else MIGRATIONS,
            "Target": target,
            "Proof": "on" if proof else "off",
            "Roles": roles,
            "Host": host,
            "Port": Token.as_string(port) if Token.is_unresolved(port) else str(port),
            "Database": database_name,
            "SecretArn": secret.secret_arn,
            **instance_property(instance_identifier),
            **self._role_secret_arns(roles, application_secret),
        }
        function = MigrationsFunction(
            self,
            "Function",
            bundle=bundle,
            architecture=architecture,
            vpc=vpc,
            vpc_subnets=vpc_subnets,
            total_timeout=Duration.seconds(timeout_s),
            workers=backfill_workers,
            runner=runner,
            request=request,
        )
        readers: list[iam.IRole] = [function.is_complete_role]
        if function.task_worker:
            readers.append(function.task_worker.task_definition.task_role)
        used = [secret, *((self.owner_secret, self.application_secret) if self.owner_secret else ())]
        for needed in used:
            for reader in readers:
                needed.grant_read(reader)
        if instance_identifier:
            let_read_free_storage(function, readers)
        # An L1 rule of this construct: through the security group's own construct it would belong to the database's stack.
        ingress = ec2.CfnSecurityGroupIngress(
            self,
            "DatabaseIngress",
            group_id=security_group.security_group_id,
            source_security_group_id=function.security_group.security_group_id,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            description="SeaChange migrations",
        )
        self.connections = ec2.Connections(security_groups=[function.security_group])
        self.resource = CustomResource(
            self,
            "Resource",
            resource_type=RESOURCE_TYPE,
            service_token=function.provider.service_token,
            service_timeout=Duration.seconds(timeout_s + SERVICE_TIMEOUT_MARGIN_S),
            properties={
                **request,
                "TimeoutSeconds": str(timeout_s),
                "ContentHash": bundle.fingerprint(),
            },
        )
        self.resource.node.add_dependency(function, ingress)
        # Who depends on these migrations waits for their resource alone. The frozen ECS service does: had it every inner resource in its
        # DependsOn, one more in here or in the CDK's provider would make CloudFormation update it (aws-cdk#25777).
        Dependable.implement(self, Dependable.of(self.resource))

    def _role_secret(self, construct_id: str, username: str) -> secretsmanager.Secret:
        made = secretsmanager.Secret(
            self,
            construct_id,
            description="SeaChange: a database role",
            generate_secret_string=secretsmanager.SecretStringGenerator(
                secret_string_template=json.dumps({"username": username}),
                generate_string_key="password",
                password_length=40,
                exclude_punctuation=True,  # nothing to quote in a URL, a shell or SQL
            ),
            # Nothing is lost with it: the next migration gives the role the password of its next secret.
            removal_policy=RemovalPolicy.DESTROY,
        )
        acknowledge(made, {**SECRET_FINDINGS, **_NO_ROTATION})
        return made

    def _role_secret_arns(self, roles: Roles, given: secretsmanager.ISecret | None) -> Mapping[str, str]:
        arns = {}
        if self.owner_secret:
            arns["OwnerSecretArn"] = self.owner_secret.secret_arn
        if roles == "managed" or given:
            arns["ApplicationSecretArn"] = self.application_secret.secret_arn
        return arns


def _validate_roles(roles: str, application_secret: secretsmanager.ISecret | None) -> None:
    if roles not in get_args(Roles):
        raise InvalidArgumentError("AlembicMigrations(roles=)", roles, "write 'managed' or 'existing'")
    if roles == "managed" and application_secret is not None:
        remedy = "managed roles come with an application role and secret of their own; leave it out, or write roles='existing'"
        raise InvalidArgumentError("AlembicMigrations(application_secret=)", application_secret.node.path, remedy)


def _validate_workers(workers: int) -> None:
    if not 1 <= workers <= MOST_WORKERS:
        remedy = f"give 1 to {MOST_WORKERS}: each reads and writes the same table beside the serving release"
        raise InvalidArgumentError("AlembicMigrations(backfill_workers=)", workers, remedy)


def _validate_runner(
    runner: FargateRunner | None, requirements: str | Path | None, include: Sequence[str | Path]
) -> None:
    if runner is None:
        return
    for name, given in (("requirements", requirements), ("include", include)):
        if given:
            remedy = (
                "leave it out: with a runner the service's own image brings all that env.py and the revisions import"
            )
            raise InvalidArgumentError(f"AlembicMigrations({name}=)", given, remedy)


def _timeout_seconds(timeout: Duration | None) -> int:
    seconds = LONGEST_TIMEOUT_S if timeout is None else int(timeout.to_seconds())
    if not 60 <= seconds <= LONGEST_TIMEOUT_S or seconds % QUERY_INTERVAL:
        remedy = (
            f"write 1 to 50 minutes in steps of {QUERY_INTERVAL} seconds; CloudFormation waits an hour at most for a "
            "custom resource, the framework's own delays included"
        )
        raise InvalidArgumentError("AlembicMigrations(timeout=)", f"{seconds} s", remedy)
    return seconds
