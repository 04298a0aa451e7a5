"""The example's stacks: what crosses between them, in which order they work, and what never changes."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

import stacks.service
from stacks import settings
from stacks.data import DataStack
from tests.constructs.fragments import frozen_fragments
from tests.stacks.conftest import synthesize

Template = dict[str, Any]
Templates = Callable[[str], dict[str, Template]]
RECORD = Path(__file__).resolve().parents[2] / "stacks/frozen.json"
RELEASES = ["v1", "v2"]
STACKS = ["customers-dev-data", "customers-dev"]


def named(template: Template, resource_type: str) -> dict[str, dict[str, Any]]:
    return {name: body for name, body in template["Resources"].items() if body["Type"] == resource_type}


@pytest.mark.parametrize("environment", settings.ENVIRONMENTS)
@pytest.mark.parametrize("release", RELEASES)
def test_the_frozen_fragments_are_the_recorded_ones(release: str, environment: str) -> None:
    stack = settings.environment(environment).service_stack
    recorded = json.loads(RECORD.read_text("utf-8"))["stacks"][stack]
    assert frozen_fragments(synthesize(release, environment)[stack]["Resources"]) == recorded, (
        "a change of a frozen fragment breaks the deployed service of every user, so it is a major version. If it is wanted: "
        "`make synth`, then `seachange freeze --record stacks/frozen.json --accept`."
    )


# What takes no ARN: the Service Authorization Reference names no resource for it, or the action's own reference asks for `*`.
TAKES_NO_ARN = {
    "cloudwatch:DescribeAlarms",
    "cloudwatch:GetMetricStatistics",
    "codedeploy:BatchGetDeploymentTargets",
    "codedeploy:ContinueDeployment",
    "codedeploy:ListDeploymentTargets",
    "codedeploy:StopDeployment",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ecr:GetAuthorizationToken",
    "ecs:ListTasks",  # held to one cluster by a condition
    "elasticloadbalancing:DescribeListeners",
    "elasticloadbalancing:DescribeRules",
    "elasticloadbalancing:DescribeTargetGroups",
}
# The CDK's own function behind the database's log retention; RDS names those groups and makes them after it.
NOT_OURS = {"logs:PutRetentionPolicy", "logs:DeleteRetentionPolicy"}


def test_no_role_reaches_everything_where_aws_takes_an_arn(templates: Templates) -> None:
    everywhere: set[str] = set()
    for template in templates("v2").values():
        for body in template["Resources"].values():
            properties = body.get("Properties", {})
            documents = [
                properties.get("PolicyDocument"),
                *(p["PolicyDocument"] for p in properties.get("Policies", [])),
            ]
            for document in documents:
                # A resource's own policy speaks of that resource.
                if document is None or not body["Type"].startswith("AWS::IAM::"):
                    continue
                for statement in document["Statement"]:
                    if statement["Resource"] == "*":
                        actions = statement["Action"]
                        everywhere |= {actions} if isinstance(actions, str) else set(actions)
    assert everywhere - NOT_OURS == TAKES_NO_ARN


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("release", RELEASES)
def test_no_stack_exports_anything(templates: Templates, release: str, stack: str) -> None:
    template = templates(release)[stack]
    assert not [name for name, output in template.get("Outputs", {}).items() if "Export" in output]
    assert "Fn::ImportValue" not in json.dumps(template)


@pytest.mark.parametrize("release", RELEASES)
def test_the_service_stack_reads_what_the_data_stack_writes(templates: Templates, release: str) -> None:
    data, service = (templates(release)[stack] for stack in STACKS)
    written = {body["Properties"]["Name"] for body in named(data, "AWS::SSM::Parameter").values()}
    read = {p["Default"] for p in service["Parameters"].values() if p["Type"] == "AWS::SSM::Parameter::Value<String>"}
    assert read - {"/cdk-bootstrap/hnb659fds/version"} == written
    assert all(name.startswith("/customers/dev/") for name in written)


def test_only_the_release_decides_the_target_of_the_migrations(templates: Templates) -> None:
    targets = {}
    for release in RELEASES:
        [migrations] = named(templates(release)["customers-dev"], "Custom::SeaChangeMigrations").values()
        targets[release] = migrations["Properties"]["Target"]
    assert targets == {"v1": "0001", "v2": "expand@head"}
    first, second = (templates(release)["customers-dev-data"] for release in RELEASES)
    assert first == second


@pytest.mark.parametrize("release", RELEASES)
def test_migrations_then_service_then_deployment(templates: Templates, release: str) -> None:
    template = templates(release)["customers-dev"]
    [(migrations, _)] = named(template, "Custom::SeaChangeMigrations").items()
    [(_, service)] = named(template, "AWS::ECS::Service").items()
    [(deployment, last)] = named(template, "Custom::SeaChangeDeployment").items()
    assert migrations in service["DependsOn"]
    assert last["Properties"]["Service"] in [{"Ref": name} for name in named(template, "AWS::ECS::Service")]
    others = {name: body for name, body in template["Resources"].items() if name != deployment}
    assert deployment not in json.dumps(others)


@pytest.mark.parametrize("release", RELEASES)
def test_the_service_connects_where_the_migrations_do(templates: Templates, release: str) -> None:
    template = templates(release)["customers-dev"]
    [migrations] = [body["Properties"] for body in named(template, "Custom::SeaChangeMigrations").values()]
    [task] = [body["Properties"] for body in named(template, "AWS::ECS::TaskDefinition").values()]
    environment = {variable["Name"]: variable["Value"] for variable in task["ContainerDefinitions"][0]["Environment"]}
    pairs = {"PGHOST": "Host", "PGPORT": "Port", "PGDATABASE": "Database", "DB_SECRET_ARN": "ApplicationSecretArn"}
    assert {variable: environment[variable] for variable in pairs} == {v: migrations[p] for v, p in pairs.items()}
    assert environment["PGAPPNAME"] == f"customers/{release}"


def test_logical_ids_of_custom_resources_never_change(templates: Templates) -> None:
    """CloudFormation refuses another function for a custom resource, and would end one under another id."""
    resources = templates("v2")["customers-dev"]["Resources"]
    function, machine = "AWS::Lambda::Function", "AWS::StepFunctions::StateMachine"
    pinned = {
        "Migrations23B444C5": "Custom::SeaChangeMigrations",
        "MigrationsFunctionOnEvent80F3D835": function,
        "MigrationsFunctionIsCompleteBFB9B6E1": function,
        "MigrationsFunctionProviderframeworkonEventEF2CBF92": function,
        "MigrationsFunctionProviderframeworkisComplete9FB05552": function,
        "MigrationsFunctionProviderframeworkonTimeoutBE796333": function,
        "MigrationsFunctionProviderwaiterstatemachineA396F772": machine,
        "ServiceDeployment90D6F883": "Custom::SeaChangeDeployment",
        "ServiceDeploymentOnEvent6FE6B19B": function,
        "ServiceDeploymentIsComplete869C9B68": function,
        "ServiceDeploymentProviderframeworkonEventC1C2D83B": function,
        "ServiceDeploymentProviderframeworkisCompleteA5918F6D": function,
        "ServiceDeploymentProviderframeworkonTimeoutB9229E8F": function,
        "ServiceDeploymentProviderwaiterstatemachine1F3CA358": machine,
    }
    assert {name: resources.get(name, {}).get("Type") for name in pinned} == pinned
    for custom_resource, entrance in (
        ("Migrations23B444C5", "MigrationsFunctionProviderframeworkonEventEF2CBF92"),
        ("ServiceDeployment90D6F883", "ServiceDeploymentProviderframeworkonEventC1C2D83B"),
    ):
        assert resources[custom_resource]["Properties"]["ServiceToken"] == {"Fn::GetAtt": [entrance, "Arn"]}


def test_a_checkout_elsewhere_deploys_the_very_same(
    templates: Templates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path in an asset's hash would make CI redeploy what a laptop has deployed, with nothing changed."""
    elsewhere = tmp_path / "service"
    shutil.copytree(stacks.service.SERVICE, elsewhere, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(stacks.service, "SERVICE", elsewhere)
    assert synthesize.__wrapped__("v2") == templates("v2")


def test_other_certificates_are_another_image(
    templates: Templates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "service"
    shutil.copytree(stacks.service.SERVICE, elsewhere, ignore=shutil.ignore_patterns("__pycache__"))
    (elsewhere / "rds-ca.pem").write_text("another", "utf-8")
    monkeypatch.setattr(stacks.service, "SERVICE", elsewhere)
    assert image(synthesize.__wrapped__("v2")) != image(templates("v2"))


def image(stacks_: dict[str, Template]) -> Any:
    [task] = named(stacks_["customers-dev"], "AWS::ECS::TaskDefinition").values()
    return task["Properties"]["ContainerDefinitions"][0]["Image"]


def test_the_data_stack_is_protected_from_deletion() -> None:
    stack = DataStack(cdk.App(), "Data", environment=settings.environment("dev"))
    assert stack.termination_protection


@pytest.mark.parametrize("stack", STACKS)
def test_snapshot(templates: Templates, snapshot: SnapshotAssertion, stack: str) -> None:
    """v2 in full, asset hashes normalized; read the difference before `--snapshot-update`."""
    text = json.dumps(templates("v2")[stack])
    normalized = json.loads(re.sub(r"\b[0-9a-f]{64}\b", "<hash>", text))
    assert normalized == snapshot.use_extension(JSONSnapshotExtension)
