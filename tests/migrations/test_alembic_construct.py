"""`AlembicMigrations`: its template, and what it refuses."""

from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk.assertions import Match

from seachange import AlembicMigrations, InvalidArgumentError, Network
from tests.constructs.apps import Resources, new_stack, only, resources, template, their_vpc
from tests.migrations.databases import AlembicDirectory

TYPE = "Custom::SeaChangeMigrations"
MASTER = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:master-AbCdEf"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    return AlembicDirectory(tmp_path / "alembic").example().path


def construct(migrations: Path, stack: cdk.Stack | None = None, **changes: Any) -> AlembicMigrations:
    stack = stack or new_stack()
    arguments: dict[str, Any] = {
        "directory": migrations,
        "vpc": their_vpc(stack),
        "host": "db.example.com",
        "database_name": "shop",
        "security_group": ec2.SecurityGroup.from_security_group_id(stack, "Database", "sg-database"),
        "secret": secretsmanager.Secret.from_secret_complete_arn(stack, "Master", MASTER),
    }
    return AlembicMigrations(stack, "Migrations", **{**arguments, **changes})


def synthesized(migrations: Path, **changes: Any) -> Resources:
    return resources(cdk.Stack.of(construct(migrations, **changes)))


def of_type(found: Resources, kind: str) -> Resources:
    return {logical_id: body for logical_id, body in found.items() if body["Type"] == kind}


def test_the_custom_resource(migrations: Path) -> None:
    made = construct(migrations, target="0001")
    stack = cdk.Stack.of(made)
    _, resource = only(resources(stack), TYPE)
    properties = resource["Properties"]
    assert {
        name
        for name in properties
        if name not in ("ServiceToken", "OwnerSecretArn", "ApplicationSecretArn", "ContentHash")
    } == {
        "ServiceTimeout",
        "TimeoutSeconds",
        "Phase",
        "Directory",
        "Target",
        "Roles",
        "Host",
        "Port",
        "Database",
        "SecretArn",
    }
    expected = {
        "Phase": "expand",
        "Directory": "migrations",
        "Target": "0001",
        "Roles": "managed",
        "Host": "db.example.com",
        "Port": "5432",
        "Database": "shop",
        "SecretArn": MASTER,
        "ServiceTimeout": "3300",
        "TimeoutSeconds": "3000",
    }
    assert expected.items() <= properties.items()
    assert made.owner_secret is not None
    assert properties["OwnerSecretArn"] == stack.resolve(made.owner_secret.secret_arn)
    assert properties["ApplicationSecretArn"] == stack.resolve(made.application_secret.secret_arn)


def test_logical_ids_that_may_never_change(migrations: Path) -> None:
    """A custom resource's service token cannot change, so its own id and the framework function's are a promise."""
    found = synthesized(migrations)
    [resource] = of_type(found, TYPE)
    assert resource == "Migrations23B444C5"
    assert found[resource]["Properties"]["ServiceToken"] == {
        "Fn::GetAtt": ["MigrationsFunctionProviderframeworkonEventEF2CBF92", "Arn"]
    }
    assert "MigrationsFunctionProviderframeworkisComplete9FB05552" in found
    # Of these the database's roles and their passwords depend.
    assert set(of_type(found, "AWS::SecretsManager::Secret")) == {
        "MigrationsOwnerSecretB5137F1E",
        "MigrationsApplicationSecretF7A9DCE8",
    }


def test_two_handlers_on_one_asset(migrations: Path) -> None:
    functions = [body["Properties"] for body in of_type(synthesized(migrations), "AWS::Lambda::Function").values()]
    handlers = {f["Handler"]: f for f in functions if f["Handler"].startswith("seachange_migrations.")}
    assert set(handlers) == {"seachange_migrations.handler.on_event", "seachange_migrations.handler.is_complete"}
    on_event, is_complete = handlers.values()
    assert on_event["Code"] == is_complete["Code"]
    for function in handlers.values():
        assert function["Runtime"] == "python3.13"
        assert function["Architectures"] == ["arm64"]
        assert function["VpcConfig"]["SubnetIds"] == ["subnet-1", "subnet-2"]
        assert function["Environment"]["Variables"] == {
            "PGSSLMODE": "verify-full",
            "PGSSLROOTCERT": "/var/task/seachange_migrations/rds-ca.pem",
        }
    assert is_complete["Timeout"] == 840


def test_the_lambda_may_do_no_more_than_it_needs(migrations: Path) -> None:
    made = construct(migrations)
    found = template(cdk.Stack.of(made))
    read = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
    arns = [MASTER, made.owner_secret.secret_arn if made.owner_secret else "", made.application_secret.secret_arn]
    statements = [
        {"Action": "cloudformation:DescribeStacks", "Effect": "Allow", "Resource": {"Ref": "AWS::StackId"}},
        *({"Action": read, "Effect": "Allow", "Resource": cdk.Stack.of(made).resolve(arn)} for arn in arns),
    ]
    found.has_resource_properties("AWS::IAM::Policy", {"PolicyDocument": {"Statement": statements}})
    # No managed policy: those reach every log group of the account.
    found.all_resources_properties("AWS::IAM::Role", {"ManagedPolicyArns": Match.absent()})
    run = [
        policy
        for role in of_type(found.to_json()["Resources"], "AWS::IAM::Role").values()
        for policy in role["Properties"].get("Policies", [])
    ]
    assert len(run) == 2
    for policy in run:
        write, describe, interfaces = policy["PolicyDocument"]["Statement"]
        assert write["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
        assert write["Resource"]["Fn::GetAtt"][1] == "Arn"
        # EC2 takes no resource where it only describes; all else is held to this account and region.
        assert (describe["Action"], describe["Resource"]) == (
            ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"],
            "*",
        )
        assert {action.split(":")[0] for action in interfaces["Action"]} == {"ec2"}
        assert interfaces["Resource"] != "*"


def test_the_way_to_the_database_is_open_before_the_first_call(migrations: Path) -> None:
    found = synthesized(migrations, port=5433)
    ingress_id, ingress = only(found, "AWS::EC2::SecurityGroupIngress")
    [group_id] = of_type(found, "AWS::EC2::SecurityGroup")
    assert ingress["Properties"] == {
        "Description": "SeaChange migrations",
        "GroupId": "sg-database",
        "SourceSecurityGroupId": {"Fn::GetAtt": [group_id, "GroupId"]},
        "IpProtocol": "tcp",
        "FromPort": 5433,
        "ToPort": 5433,
    }
    depends_on = only(found, TYPE)[1]["DependsOn"]
    assert ingress_id in depends_on
    for needed in ("AWS::IAM::Policy", "AWS::Lambda::Function"):
        assert set(of_type(found, needed)) <= set(depends_on), needed


def test_the_lambda_ends_before_the_framework_and_cloudformation_do(migrations: Path) -> None:
    found = template(cdk.Stack.of(construct(migrations, timeout=cdk.Duration.minutes(20))))
    found.has_resource_properties(TYPE, {"ServiceTimeout": "1500", "TimeoutSeconds": "1200"})
    waiter = {"DefinitionString": Match.object_like({"Fn::Join": Match.any_value()})}
    [machine] = found.find_resources("AWS::StepFunctions::StateMachine", {"Properties": waiter}).values()
    # The waits alone last until the Lambda's deadline; with the calls between them the framework could outlast
    # ServiceTimeout, so that deadline must end it.
    assert '"IntervalSeconds":10,"MaxAttempts":120' in str(machine)
    [timeout] = {
        body["Properties"]["Timeout"]
        for body in found.find_resources("AWS::Lambda::Function").values()
        if body["Properties"]["Handler"] == "seachange_migrations.handler.is_complete"
    }
    assert 120 * 10 == 1200 < 1500 < 120 * (10 + timeout)


def test_logs_do_not_stay_for_ever(migrations: Path) -> None:
    found = synthesized(migrations)
    _, log_group = only(found, "AWS::Logs::LogGroup")
    assert log_group["Properties"]["RetentionInDays"] == 90
    assert all("LoggingConfig" in f["Properties"] for f in of_type(found, "AWS::Lambda::Function").values())


def test_secrets_of_the_roles(migrations: Path) -> None:
    secrets = of_type(synthesized(migrations), "AWS::SecretsManager::Secret").values()
    generated = [body["Properties"]["GenerateSecretString"] for body in secrets]
    assert [g["SecretStringTemplate"] for g in generated] == ['{"username": "shop_owner"}', '{"username": "shop_app"}']
    assert all(g["ExcludePunctuation"] and g["PasswordLength"] == 40 for g in generated)
    assert all(body["DeletionPolicy"] == "Delete" for body in secrets)


def test_existing_roles(migrations: Path) -> None:
    made = construct(migrations, roles="existing")
    found = resources(cdk.Stack.of(made))
    properties = only(found, TYPE)[1]["Properties"]
    assert properties["Roles"] == "existing"
    assert not {"OwnerSecretArn", "ApplicationSecretArn"} & set(properties)
    assert not of_type(found, "AWS::SecretsManager::Secret")
    assert made.owner_secret is None
    assert made.application_secret.secret_arn == MASTER


def test_existing_roles_with_the_services_secret(migrations: Path) -> None:
    stack = new_stack()
    arn = MASTER.replace("master", "service")
    theirs = secretsmanager.Secret.from_secret_complete_arn(stack, "Service", arn)
    made = construct(migrations, stack, roles="existing", application_secret=theirs)
    found = resources(stack)
    assert only(found, TYPE)[1]["Properties"]["ApplicationSecretArn"] == arn
    assert made.application_secret is theirs
    assert arn not in str(of_type(found, "AWS::IAM::Policy")), "the Lambda has no use for it"


def test_a_cluster_in_the_same_stack(migrations: Path) -> None:
    stack = new_stack()
    vpc = ec2.Vpc(stack, "Vpc", max_azs=2)
    version = rds.AuroraPostgresEngineVersion.VER_17_4
    cluster = rds.DatabaseCluster(
        stack,
        "Cluster",
        engine=rds.DatabaseClusterEngine.aurora_postgres(version=version),
        writer=rds.ClusterInstance.serverless_v2("Writer"),
        vpc=vpc,
    )
    assert cluster.secret
    made = construct(
        migrations,
        stack,
        vpc=vpc,
        host=cluster.cluster_endpoint.hostname,
        port=cluster.cluster_endpoint.port,
        security_group=cluster.connections.security_groups[0],
        secret=cluster.secret,
    )
    made.node.add_dependency(cluster)
    found = resources(stack)
    _, resource = only(found, TYPE)
    properties = resource["Properties"]
    assert set(of_type(found, "AWS::RDS::DBInstance")) <= set(resource["DependsOn"])
    [cluster_id] = of_type(found, "AWS::RDS::DBCluster")
    assert properties["Host"] == {"Fn::GetAtt": [cluster_id, "Endpoint.Address"]}
    assert properties["Port"] == {"Fn::GetAtt": [cluster_id, "Endpoint.Port"]}


def test_x86(migrations: Path) -> None:
    found = template(cdk.Stack.of(construct(migrations, architecture=lambda_.Architecture.X86_64)))
    found.has_resource_properties(
        "AWS::Lambda::Function", {"Handler": "seachange_migrations.handler.is_complete", "Architectures": ["x86_64"]}
    )


def test_a_change_of_a_revision_fires_the_resource(migrations: Path) -> None:
    def content_hash() -> str:
        value: str = only(synthesized(migrations), TYPE)[1]["Properties"]["ContentHash"]
        return value

    before = content_hash()
    assert content_hash() == before
    with (migrations / "versions" / "0002.py").open("a", encoding="utf-8") as revision:
        revision.write("# a remark\n")
    assert content_hash() != before


def test_sources_are_staged_without_bundling(migrations: Path, tmp_path: Path) -> None:
    app = cdk.App(outdir=str(tmp_path / "cdk.out"), context={"aws:cdk:bundling-stacks": []})
    construct(migrations, cdk.Stack(app, "Shop"))
    app.synth()
    [asset] = [path.parent for path in (tmp_path / "cdk.out").glob("asset.*/migrations")]
    assert {path.name for path in asset.iterdir()} == {"migrations", "seachange_migrations"}
    assert (asset / "migrations" / "versions" / "0001.py").is_file()
    assert (asset / "seachange_migrations" / "rds-ca.pem").is_file()
    assert not list(asset.rglob("__pycache__"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"roles": "many"}, r"AlembicMigrations\(roles=\) cannot be 'many': write 'managed' or 'existing'"),
        (
            {"timeout": cdk.Duration.minutes(51)},
            r"AlembicMigrations\(timeout=\) cannot be '3060 s': write 1 to 50 minutes",
        ),
        ({"timeout": cdk.Duration.seconds(65)}, "in steps of 10 seconds"),
        ({"directory": "nowhere"}, r"AlembicMigrations\(directory=\) cannot be 'nowhere': it has no env.py"),
        (
            {"requirements": "nowhere.txt"},
            r"AlembicMigrations\(requirements=\) cannot be 'nowhere.txt': there is no such file",
        ),
        ({"include": ["nowhere"]}, r"AlembicMigrations\(include=\) cannot be 'nowhere'"),
    ],
)
def test_refuses(migrations: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        construct(migrations, **changes)


def test_refuses_a_secret_that_managed_roles_would_not_use(migrations: Path) -> None:
    stack = new_stack()
    theirs = secretsmanager.Secret.from_secret_complete_arn(stack, "Service", MASTER)
    with pytest.raises(
        InvalidArgumentError, match=r"application_secret=\) cannot be 'Foreign/Service'.* roles='existing'"
    ):
        construct(migrations, stack, application_secret=theirs)


def test_the_lambda_must_reach_what_it_calls(migrations: Path) -> None:
    stack = new_stack()
    vpc = Network.published(stack, "Network", prefix="/shop/test")
    isolated = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
    with pytest.raises(InvalidArgumentError, match=r"AlembicMigrations\(vpc_subnets=\).*isolated.*endpoints"):
        construct(migrations, stack, vpc=vpc, vpc_subnets=isolated)
