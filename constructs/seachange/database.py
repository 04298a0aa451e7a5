"""The database: Amazon RDS for PostgreSQL, private, encrypted, reachable over TLS only."""

import re
from dataclasses import dataclass
from typing import cast

from aws_cdk import Duration, RemovalPolicy, Token, Tokenization
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from seachange.database_findings import acknowledge_database
from seachange.errors import InvalidArgumentError
from seachange.instances import max_connections_of
from seachange.known import check_number, known_time
from seachange.subnets import selected

OLDEST_MAJOR_VERSION = 17
_MOST_STORAGE_GIB = 65536


@dataclass(frozen=True, kw_only=True)
class PublishedDatabase:
    """A database that another stack published.

    Attributes:
        identifier: The instance's, which its metrics carry; like all values here it is read when the stack deploys.
        host, port, database_name: Where it answers.
        security_group: The database's own, which ingress rules may be added to.
        secret: The master's credentials.
    """

    identifier: str
    host: str
    port: int
    database_name: str
    security_group: ec2.ISecurityGroup
    secret: secretsmanager.ISecret


class PostgresDatabase(Construct):
    """A PostgreSQL instance with forced TLS, `pg_stat_statements`, and a master secret that RDS itself generates and rotates every 7 days.

    Enhanced Monitoring sends the operating system's metrics every minute. IAM authentication is possible, but no database role has it until
    you write `GRANT rds_iam`.

    Args:
        vpc: Where it stands.
        database_name: The database made at creation: letters, digits and underscores, 63 at most, a letter first.
        version: PostgreSQL 17 by default, AWS choosing the minor version; older major versions are refused.
        instance_type: `db.t4g.medium` by default.
        vpc_subnets: The isolated subnets by default.
        multi_az: Whether a standby in a second zone takes over; yes by default.
        allocated_storage_gib: 20 by default, which is the least; 65,536 at most.
        max_allocated_storage_gib: How far the storage may grow by itself, 100 by default; a tenth more than it has at least.
        backup_retention: How far back a point-in-time restore reaches: 7 days by default, 1 to 35; without backups there is no way back.
        deletion_protection: On by default.
        removal_policy: A last snapshot by default.
        log_retention: How long CloudWatch keeps PostgreSQL's log, a month by default.

    Attributes:
        instance: The instance.
        identifier: The instance's name, which its metrics carry.
        max_connections: An upper bound on PostgreSQL's connections, as `max_connections_of` computes it; None for a class unknown there.
        host, port, database_name: Where it answers.
        security_group: Its own; nobody may enter until a rule says so.
        secret: The master's credentials.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        database_name: str,
        version: rds.PostgresEngineVersion | None = None,
        instance_type: ec2.InstanceType | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        multi_az: bool = True,
        allocated_storage_gib: int = 20,
        max_allocated_storage_gib: int = 100,
        backup_retention: Duration | None = None,
        deletion_protection: bool = True,
        removal_policy: RemovalPolicy = RemovalPolicy.SNAPSHOT,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
    ) -> None:
        super().__init__(scope, construct_id)
        version = version or rds.PostgresEngineVersion.VER_17
        backup_retention = backup_retention or Duration.days(7)
        major = version.postgres_major_version
        if not Token.is_unresolved(major) and int(major.split(".")[0]) < OLDEST_MAJOR_VERSION:
            raise InvalidArgumentError(
                "PostgresDatabase(version=)",
                version.postgres_full_version,
                f"give PostgreSQL {OLDEST_MAJOR_VERSION} or newer",
            )
        days = known_time("PostgresDatabase(backup_retention=)", backup_retention, "days")
        if days is not None and (days % 1 or not 1 <= days <= 35):
            raise InvalidArgumentError(
                "PostgresDatabase(backup_retention=)", f"{days:g} days", "give 1 to 35 days, whole ones"
            )
        _check_name(database_name)
        _check_storage(allocated_storage_gib, max_allocated_storage_gib)
        vpc_subnets = vpc_subnets or ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
        selected(
            vpc,
            vpc_subnets,
            "PostgresDatabase(vpc_subnets=)",
            "select subnets that this VPC has, such as ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS)",
        )

        instance_type = instance_type or ec2.InstanceType.of(ec2.InstanceClass.T4G, ec2.InstanceSize.MEDIUM)
        engine = rds.DatabaseInstanceEngine.postgres(version=version)
        self.security_group: ec2.ISecurityGroup = ec2.SecurityGroup(
            self, "SecurityGroup", vpc=vpc, description="PostgreSQL database", allow_all_outbound=False
        )
        self.instance = rds.DatabaseInstance(
            self,
            "Instance",
            engine=engine,
            parameter_group=rds.ParameterGroup(
                self,
                "Parameters",
                engine=engine,
                parameters={"rds.force_ssl": "1", "shared_preload_libraries": "pg_stat_statements"},
            ),
            database_name=database_name,
            credentials=rds.Credentials.from_username("postgres"),
            manage_master_user_password=True,
            iam_authentication=True,
            monitoring_interval=Duration.minutes(1),
            ca_certificate=rds.CaCertificate.RDS_CA_RSA2048_G1,
            vpc=vpc,
            vpc_subnets=vpc_subnets,
            security_groups=[self.security_group],
            publicly_accessible=False,
            instance_type=instance_type,
            multi_az=multi_az,
            storage_type=rds.StorageType.GP3,
            storage_encrypted=True,
            allocated_storage=allocated_storage_gib,
            max_allocated_storage=max_allocated_storage_gib,
            backup_retention=backup_retention,
            copy_tags_to_snapshot=True,
            auto_minor_version_upgrade=True,
            cloudwatch_logs_exports=["postgresql", "upgrade"],
            cloudwatch_logs_retention=log_retention,
            deletion_protection=deletion_protection,
            removal_policy=removal_policy,
        )
        assert self.instance.secret is not None
        self.secret: secretsmanager.ISecret = self.instance.secret
        self.identifier = self.instance.instance_identifier
        self.max_connections = max_connections_of(instance_type)
        self.host = self.instance.db_instance_endpoint_address
        self.port = _number(self.instance.db_instance_endpoint_port)
        self.database_name = database_name
        acknowledge_database(self.instance)

    def publish(self, prefix: str) -> None:
        """Writes the database's address into SSM parameters under `<prefix>/database`, one for each value.

        Args:
            prefix: A parameter path such as `/customers/dev`.
        """
        values = {
            "identifier": self.identifier,
            "host": self.host,
            "port": Tokenization.stringify_number(self.port),
            "name": self.database_name,
            "security-group-id": self.security_group.security_group_id,
            "secret-arn": self.secret.secret_arn,
        }
        for name, value in values.items():
            ssm.StringParameter(
                self, f"Published-{name}", parameter_name=f"{prefix}/database/{name}", string_value=value
            )

    @staticmethod
    def published(scope: Construct, construct_id: str, *, prefix: str) -> PublishedDatabase:
        """The database that `publish` wrote; its values are read when the stack deploys.

        Args:
            prefix: The path given to `publish`.
        """

        def value(name: str) -> str:
            return ssm.StringParameter.value_for_string_parameter(scope, f"{prefix}/database/{name}")

        return PublishedDatabase(
            identifier=value("identifier"),
            host=value("host"),
            port=_number(value("port")),
            database_name=value("name"),
            security_group=ec2.SecurityGroup.from_security_group_id(
                scope, f"{construct_id}SecurityGroup", value("security-group-id")
            ),
            secret=secretsmanager.Secret.from_secret_complete_arn(scope, f"{construct_id}Secret", value("secret-arn")),
        )


def _check_name(name: str) -> None:
    """RDS API Reference, CreateDBInstance, DBName of RDS for PostgreSQL."""
    if not isinstance(name, str) or not (
        Token.is_unresolved(name) or re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,62}", name)
    ):
        raise InvalidArgumentError(
            "PostgresDatabase(database_name=)",
            name,
            "start with a letter, go on with letters, digits and underscores, 63 at most: RDS takes no other",
        )


def _check_storage(allocated: int, most: int) -> None:
    """RDS API Reference, CreateDBInstance, AllocatedStorage for gp3; RDS User Guide, *Managing capacity automatically*."""
    for name, size in (("allocated_storage_gib", allocated), ("max_allocated_storage_gib", most)):
        check_number(
            f"PostgresDatabase({name}=)",
            size,
            lambda given: given % 1 == 0 and 20 <= given <= _MOST_STORAGE_GIB,
            f"give whole GiB, 20 to {_MOST_STORAGE_GIB:,}, for gp3 storage has such sizes",
        )
    if Token.is_unresolved(allocated) or Token.is_unresolved(most) or 10 * most >= 11 * allocated:
        return
    raise InvalidArgumentError(
        "PostgresDatabase(max_allocated_storage_gib=)",
        most,
        f"give {-(-11 * allocated // 10)} or more: RDS wants a tenth more than allocated_storage_gib={allocated}, for storage grows by so much",
    )


def _number(text: str) -> int:
    """A number that is known when the stack deploys; until then a token, which must not be rounded."""
    return cast("int", Token.as_number(text))
