"""`AlembicMigrations`: its template, and what it refuses."""

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk.assertions import Annotations, Match

from seachange import AlembicMigrations, FargateRunner, InvalidArgumentError, Network
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
        "vpc": changes.pop("vpc", None) or stack.node.try_find_child("TheirVpc") or their_vpc(stack),
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
        "Proof",
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
        "Proof": "on",
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
        tls = {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": "/var/task/seachange_migrations/rds-ca.pem"}
        assert tls.items() <= function["Environment"]["Variables"].items()
    assert set(on_event["Environment"]["Variables"]) == set(tls)
    assert set(is_complete["Environment"]["Variables"]) == {*tls, "MIGRATIONS_MACHINE", "MIGRATIONS_REQUEST"}
    assert is_complete["Timeout"] == 840


def test_the_lambda_may_do_no_more_than_it_needs(migrations: Path) -> None:
    made = construct(migrations)
    found = template(cdk.Stack.of(made))
    read = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
    arns = [MASTER, made.owner_secret.secret_arn if made.owner_secret else "", made.application_secret.secret_arn]
    machine = {"Fn::GetAtt": [long_way(found.to_json()["Resources"])[0], "Arn"]}
    statements = [
        {"Action": "cloudformation:DescribeStacks", "Effect": "Allow", "Resource": {"Ref": "AWS::StackId"}},
        {"Action": ["states:ListExecutions", "states:StartExecution"], "Effect": "Allow", "Resource": machine},
        {"Action": "states:DescribeExecution", "Effect": "Allow", "Resource": Match.any_value()},
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


@pytest.mark.parametrize("runs", ["in the Lambda", "in tasks"])
def test_an_instance_that_is_named_is_asked_for_its_free_storage(migrations: Path, runs: str) -> None:
    stack = new_stack()
    instance = cdk.Fn.import_value("instance")
    runner = runner_of(stack) if runs == "in tasks" else None
    construct(migrations, stack, instance_identifier=instance, runner=runner)
    found = resources(stack)
    resource = only(found, TYPE)[1]
    assert resource["Properties"]["InstanceIdentifier"] == {"Fn::ImportValue": "instance"}
    [(policy_id, policy)] = [
        (name, body["Properties"])
        for name, body in of_type(found, "AWS::IAM::Policy").items()
        if "cloudwatch:" in str(body["Properties"])
    ]
    [statement] = policy["PolicyDocument"]["Statement"]
    assert statement == {"Action": "cloudwatch:GetMetricStatistics", "Effect": "Allow", "Resource": "*"}
    assert policy_id in resource["DependsOn"]
    [is_complete] = [
        function["Properties"]
        for function in of_type(found, "AWS::Lambda::Function").values()
        if function["Properties"]["Handler"] == "seachange_migrations.handler.is_complete"
    ]
    roles = [{"Ref": is_complete["Role"]["Fn::GetAtt"][0]}]
    if runner:
        _, task = only(found, "AWS::ECS::TaskDefinition")
        roles.append({"Ref": task["Properties"]["TaskRoleArn"]["Fn::GetAtt"][0]})
    assert policy["Roles"] == roles


def test_where_no_instance_is_named_nobody_may_read_metrics(migrations: Path) -> None:
    found = synthesized(migrations)
    assert "InstanceIdentifier" not in only(found, TYPE)[1]["Properties"]
    assert "cloudwatch:" not in str(found)


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
    [machine] = [
        body
        for logical_id, body in found.find_resources("AWS::StepFunctions::StateMachine").items()
        if "waiter" in logical_id
    ]
    # The waits alone last until the Lambda's deadline; with the calls between them the framework could outlast
    # ServiceTimeout, so that deadline must end it.
    assert '"IntervalSeconds":10,"MaxAttempts":120' in str(machine)
    [timeout] = {
        body["Properties"]["Timeout"]
        for body in found.find_resources("AWS::Lambda::Function").values()
        if body["Properties"]["Handler"] == "seachange_migrations.handler.is_complete"
    }
    assert 120 * 10 == 1200 < 1500 < 120 * (10 + timeout)


def long_way(found: Resources) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Logical id, body and definition of the migration's state machine."""
    [(logical_id, body)] = [
        item for item in of_type(found, "AWS::StepFunctions::StateMachine").items() if "LongWay" in item[0]
    ]
    text = body["Properties"]["DefinitionString"]
    if isinstance(text, dict):
        text = "".join(part if isinstance(part, str) else "token" for part in text["Fn::Join"][1])
    return logical_id, body, json.loads(text)


def test_long_work_goes_on_in_one_version_of_the_lambda(migrations: Path) -> None:
    found = synthesized(migrations, backfill_workers=3)
    machine, body, definition = long_way(found)
    assert definition["StartAt"] == "Pin"
    assert definition["States"]["Pin"]["Resource"].endswith(":states:::aws-sdk:lambda:publishVersion")
    assert definition["States"]["Backfill"]["MaxConcurrency"] == 3
    for task in (definition["States"]["Migrate"], definition["States"]["Backfill"]["ItemProcessor"]["States"]["Range"]):
        assert task["Resource"].endswith(":states:::lambda:invoke")
        assert task["Parameters"]["Qualifier.$"] == "$.Pinned.Version"
        assert task["TimeoutSeconds"] > 840
    # Nothing of a release stands in the machine or its role: an execution that runs is none of a deployment's business.
    assert "AWS::Lambda::Version" not in {resource["Type"] for resource in found.values()}
    role = body["Properties"]["RoleArn"]["Fn::GetAtt"][0]
    [policy] = [
        p["Properties"]
        for p in of_type(found, "AWS::IAM::Policy").values()
        if p["Properties"]["Roles"] == [{"Ref": role}]
    ]
    publish, invoke = policy["PolicyDocument"]["Statement"]
    assert (publish["Action"], invoke["Action"]) == ("lambda:PublishVersion", "lambda:InvokeFunction")
    assert invoke["Resource"] == {"Fn::Join": ["", [publish["Resource"], ":*"]]}
    assert machine in only(found, TYPE)[1]["DependsOn"]


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
        ({"backfill_workers": 5}, r"AlembicMigrations\(backfill_workers=\) cannot be 5: give 1 to 4"),
        (
            {"instance_identifier": ""},
            r"AlembicMigrations\(instance_identifier=\) cannot be '': name the RDS instance, or leave it out",
        ),
        ({"target": "nowhere"}, r"AlembicMigrations\(target=\) cannot be 'nowhere': .* Write 'heads', a revision"),
        ({"target": "contact@head"}, r"AlembicMigrations\(target=\) cannot be 'contact@head'"),
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


def test_nor_may_its_way_to_the_metrics_be_missing(migrations: Path) -> None:
    stack = new_stack()
    tiers = [ec2.SubnetConfiguration(name="Isolated", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)]
    vpc = ec2.Vpc(stack, "Vpc", max_azs=2, subnet_configuration=tiers)
    services = ec2.InterfaceVpcEndpointAwsService
    for service in (services.SECRETS_MANAGER, services.CLOUDFORMATION, services.STEP_FUNCTIONS):
        vpc.add_interface_endpoint(service.short_name, service=service)
    isolated = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
    with pytest.raises(InvalidArgumentError, match="isolated, without an endpoint of monitoring: "):
        construct(migrations, stack, vpc=vpc, vpc_subnets=isolated, instance_identifier="shop")


def expand_of(migrations: Path, *lines: str, attributes: str = "") -> None:
    """Another revision of the branch `expand`."""
    body = "\n".join(f"    {line}" for line in lines)
    text = (
        f"from alembic import op\nrevision, down_revision = '0004', '0002'\n{attributes}\n\n\ndef upgrade():\n{body}\n"
    )
    (migrations / "versions" / "0004.py").write_text(text, "utf-8")


def test_an_expand_revision_that_contracts_is_refused(migrations: Path) -> None:
    expand_of(migrations, "op.drop_column('customers', 'address')")
    with pytest.raises(
        InvalidArgumentError, match=r"AlembicMigrations\(directory=\).*revision 0004, line 7: .*address"
    ) as refused:
        construct(migrations)
    assert "\n" not in str(refused.value)
    assert construct(migrations, target="0002"), "it is not wanted yet"


def test_what_an_author_allows_passes(migrations: Path) -> None:
    reason = "# seachange: allow drop-column because no release has read it since March"
    expand_of(migrations, reason, "op.drop_column('customers', 'address')")
    assert construct(migrations)


def test_history_that_declares_nothing_is_not_judged(tmp_path: Path) -> None:
    history = AlembicDirectory(tmp_path / "linear")
    history.revision("1", None, "CREATE TABLE customers (id int PRIMARY KEY, address text)")
    history.revision("2", "1", "ALTER TABLE customers DROP COLUMN address")
    assert construct(history.path)
    history.revision("3", "2", "DROP TABLE customers", phase="expand")
    with pytest.raises(InvalidArgumentError, match="revision 3, line"):
        construct(history.path)


def test_revisions_that_cannot_be_read(migrations: Path) -> None:
    expand_of(migrations, "op.drop_column(")
    with pytest.raises(InvalidArgumentError, match=r"0004\.py, line \d+: '\(' was never closed") as refused:
        construct(migrations)
    assert "\n" not in str(refused.value)
    expand_of(migrations, "pass")
    (migrations / "versions" / "0005.py").write_text(
        "revision, down_revision = '0005', '0002'\ndef upgrade(): pass\n", "utf-8"
    )
    with pytest.raises(InvalidArgumentError, match="2 heads in one branch of phase expand: 0004, 0005"):
        construct(migrations)


def test_what_is_included_can_be_imported_and_what_is_missing_here_only_warns(migrations: Path, tmp_path: Path) -> None:
    expand_of(migrations, "pass", attributes="import shop_of_the_test")
    stack = new_stack()
    construct(migrations, stack)
    [warning] = Annotations.from_stack(stack).find_warning(
        "*", Match.string_like_regexp("No module named 'shop_of_the_test'.*before they run")
    )
    assert warning.id == "/Foreign/Migrations"
    module = tmp_path / "shop_of_the_test.py"
    module.write_text("", "utf-8")
    stack = new_stack()
    construct(migrations, stack, include=[module])
    assert not Annotations.from_stack(stack).find_warning("*", Match.any_value())


def test_the_proof_can_be_switched_off(migrations: Path) -> None:
    assert only(synthesized(migrations, proof=False), TYPE)[1]["Properties"]["Proof"] == "off"


def runner_of(stack: cdk.Stack, **changes: Any) -> FargateRunner:
    cluster = ecs.Cluster.from_cluster_attributes(stack, "Cluster", cluster_name="shop", vpc=their_vpc(stack))
    image = ecs.ContainerImage.from_registry("example.com/shop:1")
    return FargateRunner(**{"cluster": cluster, "image": image, "directory": "/app/migrations", **changes})


def test_revisions_in_the_services_own_image(migrations: Path) -> None:
    stack = new_stack()
    runner = runner_of(stack, environment={"SHOP": "1"})
    construct(migrations, stack, runner=runner)
    found = resources(stack)
    _, body, definition = long_way(found)
    assert definition["StartAt"] == "Migrate"
    task_id, task = only(found, "AWS::ECS::TaskDefinition")
    assert (task["DeletionPolicy"], task["UpdateReplacePolicy"]) == ("Retain", "Retain")
    [container] = task["Properties"]["ContainerDefinitions"]
    assert container["Command"] == ["python", "-m", "seachange_migrations"]
    assert {v["Name"]: v["Value"] for v in container["Environment"]} == {"PGSSLMODE": "verify-full", "SHOP": "1"}
    for state in (
        definition["States"]["Migrate"],
        definition["States"]["Backfill"]["ItemProcessor"]["States"]["Range"],
    ):
        assert state["Resource"].endswith(":states:::ecs:runTask.waitForTaskToken")
        assert state["Parameters"]["TaskDefinition.$"] == "$.TaskDefinition"
        assert state["HeartbeatSeconds"] == 300
    [is_complete] = [
        f["Properties"]["Environment"]["Variables"]
        for f in of_type(found, "AWS::Lambda::Function").values()
        if f["Properties"]["Handler"].endswith("is_complete")
    ]
    assert is_complete["MIGRATIONS_TASK"] == {"Ref": task_id}
    assert only(found, TYPE)[1]["Properties"]["Directory"] == "/app/migrations"
    role = body["Properties"]["RoleArn"]["Fn::GetAtt"][0]
    [policy] = [
        p["Properties"]
        for p in of_type(found, "AWS::IAM::Policy").values()
        if p["Properties"]["Roles"] == [{"Ref": role}]
    ]
    run, give = policy["PolicyDocument"]["Statement"]
    assert (run["Action"], give["Action"]) == ("ecs:RunTask", "iam:PassRole")
    assert "ecs:cluster" in run["Condition"]["ArnEquals"]
    assert give["Condition"] == {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    [answer] = [
        statement
        for p in of_type(found, "AWS::IAM::Policy").values()
        for statement in p["Properties"]["PolicyDocument"]["Statement"]
        if "states:SendTaskSuccess" in statement["Action"]
    ]
    assert answer["Resource"] == {"Fn::GetAtt": [long_way(found)[0], "Arn"]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"directory": "migrations"}, r"FargateRunner\(directory=\) cannot be 'migrations': give the absolute path"),
        ({"command": "python -m x"}, r"FargateRunner\(command=\).* give a list of texts: \['python', '-m', 'x'\]"),
    ],
)
def test_a_runner_refuses(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        runner_of(new_stack(), **changes)


def test_a_runner_brings_its_own_packages(migrations: Path, tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("", "utf-8")
    stack = new_stack()
    with pytest.raises(
        InvalidArgumentError, match=r"AlembicMigrations\(requirements=\).*the service's own image brings"
    ):
        construct(migrations, stack, runner=runner_of(stack), requirements=requirements)
