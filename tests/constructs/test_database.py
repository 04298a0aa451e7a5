"""`PostgresDatabase`."""

from typing import Any

import pytest
from aws_cdk import CfnParameter, Duration, Fn
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_rds as rds
from aws_cdk.assertions import Match, Template

from seachange import InvalidArgumentError, PostgresDatabase
from seachange.instances import max_connections_of
from tests.constructs.apps import new_stack, parameters_read, template, their_vpc

PRIVATE = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS)


@pytest.fixture(scope="module")
def found() -> Template:
    stack = new_stack()
    database = PostgresDatabase(stack, "Database", vpc=their_vpc(stack), vpc_subnets=PRIVATE, database_name="orders")
    database.publish("/shop/test")
    return template(stack)


def test_the_instance_is_private_encrypted_backed_up_and_protected(found: Template) -> None:
    found.has_resource(
        "AWS::RDS::DBInstance",
        {
            "Properties": {
                "Engine": "postgres",
                "EngineVersion": "17",
                "DBName": "orders",
                "PubliclyAccessible": False,
                "StorageEncrypted": True,
                "MultiAZ": True,
                "BackupRetentionPeriod": 7,
                "CopyTagsToSnapshot": True,
                "DeletionProtection": True,
                "CACertificateIdentifier": "rds-ca-rsa2048-g1",
                "EnableCloudwatchLogsExports": ["postgresql", "upgrade"],
                # RDS generates the master's password and rotates it.
                "ManageMasterUserPassword": True,
                "MasterUserPassword": Match.absent(),
                "MonitoringInterval": 60,
                "EnableIAMDatabaseAuthentication": True,
            },
            "DeletionPolicy": "Snapshot",
            "UpdateReplacePolicy": "Snapshot",
        },
    )


def test_it_forces_tls_and_counts_statements(found: Template) -> None:
    found.has_resource_properties(
        "AWS::RDS::DBParameterGroup",
        {
            "Family": "postgres17",
            "Parameters": {"rds.force_ssl": "1", "shared_preload_libraries": "pg_stat_statements"},
        },
    )


def test_its_logs_do_not_pile_up(found: Template) -> None:
    found.all_resources_properties("Custom::LogRetention", {"RetentionInDays": 30})
    found.resource_count_is("Custom::LogRetention", 2)


def test_nobody_may_enter(found: Template) -> None:
    found.has_resource_properties(
        "AWS::EC2::SecurityGroup", {"GroupDescription": "PostgreSQL database", "SecurityGroupIngress": Match.absent()}
    )
    found.resource_count_is("AWS::EC2::SecurityGroupIngress", 0)


def test_it_knows_its_name_and_how_many_may_connect() -> None:
    stack = new_stack()
    default = PostgresDatabase(stack, "Default", vpc=their_vpc(stack), vpc_subnets=PRIVATE, database_name="orders")
    assert default.max_connections == max_connections_of(ec2.InstanceType("t4g.medium")) == 450
    found = template(stack).find_resources("AWS::RDS::DBInstance")
    assert stack.resolve(default.identifier) == {"Ref": next(iter(found))}


def test_the_secret_is_the_one_that_rds_makes(found: Template) -> None:
    found.resource_count_is("AWS::SecretsManager::Secret", 0)
    [instance] = found.find_resources("AWS::RDS::DBInstance")
    found.has_resource_properties(
        "AWS::SSM::Parameter",
        {"Name": "/shop/test/database/secret-arn", "Value": {"Fn::GetAtt": [instance, "MasterUserSecret.SecretArn"]}},
    )


def test_what_is_published_is_what_is_read(found: Template) -> None:
    written = {r["Properties"]["Name"] for r in found.find_resources("AWS::SSM::Parameter").values()}
    reader = new_stack("Reader")
    database = PostgresDatabase.published(reader, "Database", prefix="/shop/test")
    values = (database.host, database.port, database.secret.secret_arn, database.identifier)
    references = [reader.resolve(value)["Ref"] for value in values]
    template_of_reader = template(reader)
    parameters = template_of_reader.to_json()["Parameters"]
    assert [parameters[name]["Default"].rsplit("/", 1)[1] for name in references] == [
        "host",
        "port",
        "secret-arn",
        "identifier",
    ]
    read = parameters_read(template_of_reader)
    assert (
        read
        == written
        == {
            f"/shop/test/database/{n}"
            for n in ("identifier", "host", "port", "name", "security-group-id", "secret-arn")
        }
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"version": rds.PostgresEngineVersion.VER_16}, "version=.*'16'.*17 or newer"),
        ({"backup_retention": Duration.days(0)}, "backup_retention=.*1 to 35 days"),
        ({"backup_retention": Duration.days(36)}, "backup_retention=.*1 to 35 days"),
        ({"backup_retention": Duration.hours(36)}, "backup_retention=.*'1.5 days'.*whole ones"),
        ({"backup_retention": 7}, "backup_retention=.* 7: give a Duration"),
        ({"database_name": "my-shop"}, "database_name=.*'my-shop'.*letters, digits and underscores"),
        ({"database_name": "1shop"}, "database_name=.*start with a letter"),
        ({"database_name": "s" * 64}, "database_name=.*63 at most"),
        ({"database_name": ""}, "database_name=.*start with a letter"),
        ({"allocated_storage_gib": 19}, "allocated_storage_gib=.* 19: give whole GiB, 20 to 65,536"),
        ({"max_allocated_storage_gib": 65537}, "max_allocated_storage_gib=.* 65537: .*20 to 65,536"),
        ({"allocated_storage_gib": 100}, "max_allocated_storage_gib=.* 100: give 110 or more"),
        ({"allocated_storage_gib": 25, "max_allocated_storage_gib": 27}, "give 28 or more"),
        ({"vpc_subnets": None}, "vpc_subnets=.*no 'Isolated' subnet groups.*PRIVATE_WITH_EGRESS"),
    ],
)
def test_refuses(arguments: dict[str, Any], message: str) -> None:
    stack = new_stack()
    with pytest.raises(InvalidArgumentError, match=message):
        PostgresDatabase(
            stack,
            "Database",
            vpc=their_vpc(stack),
            **{"vpc_subnets": PRIVATE, "database_name": "orders", **arguments},
        )


def test_takes_the_limits_and_what_is_known_only_when_the_stack_deploys() -> None:
    stack = new_stack()
    number = CfnParameter(stack, "Number", type="Number").value_as_number
    name = Fn.import_value("Name")
    vpc = their_vpc(stack)
    later: dict[str, Any] = {
        "database_name": name,
        "allocated_storage_gib": number,
        "max_allocated_storage_gib": number,
        "backup_retention": Duration.days(number),
    }
    PostgresDatabase(stack, "Later", vpc=vpc, vpc_subnets=PRIVATE, **later)
    PostgresDatabase(
        stack, "Least", vpc=vpc, vpc_subnets=PRIVATE, database_name="s_" + "1" * 61, max_allocated_storage_gib=22
    )
    reference = {"Ref": "Number"}
    template(stack).has_resource_properties(
        "AWS::RDS::DBInstance",
        {
            "DBName": {"Fn::ImportValue": "Name"},
            "MaxAllocatedStorage": reference,
            "BackupRetentionPeriod": reference,
        },
    )
