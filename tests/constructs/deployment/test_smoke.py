"""The smoke test's settings, and the function that runs it."""

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Match

from seachange import BlueGreenLoadBalancer, InvalidArgumentError
from seachange.deployment.smoke import SmokeTest
from seachange.deployment.smoke_hook import SmokeTestHook
from tests.constructs.apps import new_stack, only, resources, template, their_vpc

STEP: dict[str, Any] = {"name": "health", "path": "/health", "check": {"version": "v2"}}
GROUP = "arn:aws:codedeploy:eu-west-1:123456789012:deploymentgroup:orders/orders"


def hook_in(stack: cdk.Stack, test: SmokeTest, **balancer: Any) -> SmokeTestHook:
    vpc = their_vpc(stack)
    load_balancer = BlueGreenLoadBalancer(stack, "Balancer", vpc=vpc, **balancer)
    private = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS)
    return SmokeTestHook(
        stack,
        "Smoke",
        test=test,
        load_balancer=load_balancer,
        deployment_group_arn=GROUP,
        vpc=vpc,
        vpc_subnets=private,
    )


def asset_of(folder: Path) -> Path:
    (asset,) = [path for path in folder.glob("asset.*") if (path / "smoke.json").is_file()]
    return asset


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps": []}, "SmokeTest(steps=) cannot be []: give a list of one step or more"),
        ({"steps": "GET /"}, "give a list of one step or more"),
        ({"steps": [{"name": "health"}]}, "Smoke step 1 (health): key 'path' must be given, as a text"),
        ({"steps": [{**STEP, "path": "/{{id}}"}]}, "Smoke step 1 (health): {{id}} is unknown"),
        ({"host": "https://shop.example"}, "SmokeTest(host=) cannot be 'https://shop.example': give a domain"),
        ({"host": ""}, "give a domain"),
        ({"timeout": cdk.Duration.seconds(59)}, "SmokeTest(timeout=) cannot be '0.983333 min': give 1 to 14 min"),
        ({"timeout": cdk.Duration.minutes(15)}, "cannot be '15 min': give 1 to 14 min: a Lambda function"),
        ({"steps": [{**STEP, "path": f"/{cdk.Aws.REGION}"}]}, "known only when the stack deploys"),
    ],
)
def test_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError) as refusal:
        SmokeTest(**{"steps": [STEP], **arguments})
    assert message in str(refusal.value)


def test_the_limits_themselves_are_allowed() -> None:
    for minutes in (1, 14):
        SmokeTest(steps=[STEP], timeout=cdk.Duration.minutes(minutes))
    assert SmokeTest(steps=[STEP]).timeout.to_minutes() == 5


def test_a_domain_that_is_known_later_is_let_through() -> None:
    SmokeTest(steps=[STEP], host=cdk.Fn.import_value("Domain"))


def test_loaded_from_toml(tmp_path: Path) -> None:
    file = tmp_path / "smoke.toml"
    file.write_text('[[steps]]\nname = "health"\npath = "/health"\ncheck = { version = "v2" }\n')
    test = SmokeTest.load(file, host="shop.example", timeout=cdk.Duration.minutes(2))
    assert (list(test.steps), test.host, test.timeout.to_minutes()) == ([STEP], "shop.example", 2)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "it cannot be read"),
        ("[[steps", "it cannot be read"),
        ("", "write [[steps]] in it and nothing else; it holds nothing"),
        ("[[step]]", "it holds step"),
        ("[steps]\nname = 'health'\n", "give a list of one step or more"),
        ("[[steps]]\nname = 'health'\npath = '/'\nbody = 2026-01-01\n", "key 'body' must be made of texts"),
        ("[[steps]]\nname = 'health'\npath = '/'\nbody = { n = nan }\n", "key 'body' must be made of texts"),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, content: str | None, message: str) -> None:
    file = tmp_path / "smoke.toml"
    if content is not None:
        file.write_text(content)
    with pytest.raises(InvalidArgumentError) as refusal:
        SmokeTest.load(file)
    assert message in str(refusal.value)


def test_the_function_runs_in_the_network_with_package_and_steps() -> None:
    stack = new_stack()
    hook_in(stack, SmokeTest(steps=[STEP], timeout=cdk.Duration.minutes(3)))
    assembly = Path(cdk.App.of(stack).synth().directory)  # type: ignore[union-attr]
    found = json.loads((assembly / "Foreign.template.json").read_text())["Resources"]
    _, function = only(found, "AWS::Lambda::Function")
    properties = function["Properties"]
    assert properties["Handler"] == "seachange_deployments.hook.handler"
    assert (properties["Runtime"], properties["Architectures"], properties["Timeout"]) == ("python3.13", ["arm64"], 180)
    assert properties["VpcConfig"]["SubnetIds"] == ["subnet-1", "subnet-2"]
    variables = properties["Environment"]["Variables"]
    assert (variables["SMOKE_PORT"], variables["SMOKE_TLS"]) == ("8080", "no")
    assert "SMOKE_HOST" not in variables
    asset = asset_of(assembly)
    assert json.loads((asset / "smoke.json").read_text()) == [STEP]
    assert (asset / "seachange_deployments" / "hook.py").is_file()
    assert not list(asset.rglob("__pycache__"))


def test_domain_and_tls_reach_the_function() -> None:
    stack = new_stack()
    certificate = acm.Certificate.from_certificate_arn(
        stack, "Theirs", "arn:aws:acm:eu-west-1:123456789012:certificate/1"
    )
    hook_in(stack, SmokeTest(steps=[STEP], host="shop.example"), certificate=certificate, test_port=8443)
    _, function = only(resources(stack), "AWS::Lambda::Function")
    variables = function["Properties"]["Environment"]["Variables"]
    assert {name: variables[name] for name in ("SMOKE_PORT", "SMOKE_TLS", "SMOKE_HOST")} == {
        "SMOKE_PORT": "8443",
        "SMOKE_TLS": "yes",
        "SMOKE_HOST": "shop.example",
    }


def test_a_test_listener_with_tls_wants_a_domain() -> None:
    stack = new_stack()
    certificate = acm.Certificate.from_certificate_arn(
        stack, "Theirs", "arn:aws:acm:eu-west-1:123456789012:certificate/1"
    )
    with pytest.raises(InvalidArgumentError, match=r"SmokeTest\(host=\) cannot be None.*listener speaks TLS"):
        hook_in(stack, SmokeTest(steps=[STEP]), certificate=certificate)


def test_only_the_function_may_reach_the_test_listener() -> None:
    stack = new_stack()
    hook_in(stack, SmokeTest(steps=[STEP]))
    found = template(stack)
    ingress = found.find_resources("AWS::EC2::SecurityGroupIngress").values()
    assert [rule["Properties"]["FromPort"] for rule in ingress] == [8080]
    [source] = [rule["Properties"]["SourceSecurityGroupId"]["Fn::GetAtt"][0] for rule in ingress]
    groups = found.find_resources("AWS::EC2::SecurityGroup")
    assert groups[source]["Properties"]["GroupDescription"] == "SeaChange smoke test"
    egress = [
        *groups[source]["Properties"]["SecurityGroupEgress"],
        *(rule["Properties"] for rule in found.find_resources("AWS::EC2::SecurityGroupEgress").values()),
    ]
    assert sorted(rule["FromPort"] for rule in egress) == [443, 8080]


def test_the_role_may_do_that_and_nothing_else() -> None:
    stack = new_stack()
    hook_in(stack, SmokeTest(steps=[STEP]))
    found = template(stack)
    [role] = found.find_resources("AWS::IAM::Role").values()
    assert "ManagedPolicyArns" not in role["Properties"]
    statements = [
        statement
        for document in [
            *(policy["PolicyDocument"] for policy in role["Properties"]["Policies"]),
            *(policy["Properties"]["PolicyDocument"] for policy in found.find_resources("AWS::IAM::Policy").values()),
        ]
        for statement in document["Statement"]
    ]
    allowed: dict[str, Any] = {}
    for statement in statements:
        actions = statement["Action"]
        allowed |= dict.fromkeys([actions] if isinstance(actions, str) else actions, statement["Resource"])
    assert {action for action, resource in allowed.items() if resource == "*"} == {
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
    }
    assert allowed["codedeploy:PutLifecycleEventHookExecutionStatus"] == GROUP
    assert allowed.keys() == {
        "codedeploy:PutLifecycleEventHookExecutionStatus",
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:UnassignPrivateIpAddresses",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    }


def test_its_log_is_its_own() -> None:
    stack = new_stack()
    hook_in(stack, SmokeTest(steps=[STEP]))
    found = template(stack)
    found.resource_count_is("AWS::Logs::LogGroup", 1)
    found.has_resource_properties("AWS::Lambda::Function", {"LoggingConfig": {"LogGroup": Match.any_value()}})


def test_the_assets_hash_is_that_of_the_content(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def key(steps: list[dict[str, Any]]) -> str:
        stack = new_stack()
        hook_in(stack, SmokeTest(steps=steps))
        _, function = only(resources(stack), "AWS::Lambda::Function")
        return str(function["Properties"]["Code"]["S3Key"])

    first = key([STEP])
    assert key([{**STEP, "path": "/other"}]) != first
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # another machine
    assert key([STEP]) == first
