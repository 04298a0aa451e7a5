"""What cdk-nag and CloudFormation's limits say of the library's constructs, in somebody else's app and in the example."""

import json
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from seachange import (
    AlembicMigrations,
    BlueGreenLoadBalancer,
    BlueGreenService,
    DatabaseAlarms,
    Network,
    PostgresDatabase,
    ScalingTargets,
    SmokeTest,
    SyntheticsCanary,
    image_by_digest,
)
from stacks import settings
from tests.judges.nag import example, findings

# CloudFormation's quotas: resources, parameters and outputs of a template, and the bytes of its body in S3.
LIMITS = {"Resources": 500, "Parameters": 200, "Outputs": 200}
LARGEST_BYTES = 1_000_000


@pytest.mark.slow
def test_it_finds_what_nobody_acknowledged(tmp_path: Path) -> None:
    app = cdk.App(outdir=str(tmp_path))
    s3.Bucket(cdk.Stack(app, "Theirs"), "Bucket")
    rules = {finding.rule for finding in findings(app) if finding.validator == "AwsSolutions"}
    assert rules == {"AwsSolutions-S1", "AwsSolutions-S10"}


@pytest.mark.slow
def test_an_app_of_theirs_in_a_known_region_gets_the_acknowledgements_too(tmp_path: Path) -> None:
    """Account and region are literal in its ARNs, and so in cdk-nag's ids; it has neither our feature flags nor NAT gateways."""
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations/env.py").touch()
    app = cdk.App(context={"aws:cdk:bundling-stacks": []}, outdir=str(tmp_path / "assembly"))
    where = cdk.Environment(account="123456789012", region="eu-west-1")
    stack = cdk.Stack(app, "Orders", env=where)
    vpc = Network(stack, "Network", egress="endpoints").vpc
    database = PostgresDatabase(stack, "Database", vpc=vpc, database_name="orders")
    schema = AlembicMigrations(
        stack,
        "Migrations",
        directory=tmp_path / "migrations",
        vpc=vpc,
        host=database.host,
        port=database.port,
        database_name=database.database_name,
        instance_identifier=database.identifier,
        security_group=database.security_group,
        secret=database.secret,
    )
    topic = sns.Topic.from_topic_arn(stack, "Alerts", stack.format_arn(service="sns", resource="alerts"))
    canary = SyntheticsCanary(stack, "Canary", url="https://example.com", notifications=topic)
    alarms = DatabaseAlarms(
        stack,
        "DatabaseAlarms",
        instance_identifier=database.identifier,
        max_connections=database.max_connections or 100,
        notifications=topic,
    )
    BlueGreenService(
        stack,
        "Service",
        vpc=vpc,
        load_balancer=BlueGreenLoadBalancer(stack, "LoadBalancer", vpc=vpc),
        smoke_test=SmokeTest(steps=[{"name": "health", "path": "/health"}]),
        scaling=ScalingTargets(cpu_percent=60, requests_per_task=1000),
        common_alarms=[canary.alarm, *alarms.alarms],
        notifications=topic,
        database=schema,
        image=image_by_digest(ecr.Repository.from_repository_name(stack, "Images", "orders"), f"sha256:{'0' * 64}"),
        service_name="orders",
        release="v1",
    )
    assert [str(finding) for finding in findings(app) if finding.validator == "AwsSolutions"] == []


@pytest.mark.slow
@pytest.mark.parametrize("release", settings.RELEASES)
@pytest.mark.parametrize("environment", settings.ENVIRONMENTS)
def test_the_example_is_below_half_of_cloudformations_limits(environment: str, release: str, tmp_path: Path) -> None:
    example(environment, release, tmp_path).synth()
    templates = sorted(tmp_path.glob("*.template.json"))
    assert len(templates) == 2
    for path in templates:
        assert path.stat().st_size < LARGEST_BYTES / 2
        template = json.loads(path.read_text("utf-8"))
        for section, limit in LIMITS.items():
            assert len(template.get(section, {})) < limit / 2, (path.name, section)
