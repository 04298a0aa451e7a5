"""What the stacks share: an image from a public registry, and settings that keep a deployment short."""

from pathlib import Path
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from constructs import Construct

from seachange import HealthCheck, TrafficShift

IMAGE = "public.ecr.aws/docker/library/python:3.13-slim"
SERVER = (Path(__file__).parent / "server.py").read_text("utf-8")
DYING = ["python", "-c", "raise SystemExit('this container dies on purpose')"]


def quick_health() -> HealthCheck:
    """Sick or well within seconds."""
    return HealthCheck(interval=Duration.seconds(5), timeout=Duration.seconds(2), unhealthy_threshold=2)


def small_service(release: str, command: list[str] | None = None) -> dict[str, Any]:
    """Arguments of a service of one task, whose deployments take minutes."""
    return {
        "image": ecs.ContainerImage.from_registry(IMAGE),
        "command": command or ["python", "-c", SERVER],
        "release": release,
        "initial_desired_count": 1,
        "min_tasks": 1,
        "max_tasks": 1,
        "traffic_shift": TrafficShift.canary(percent=50, interval=Duration.minutes(1)),
        "bake_time": Duration.minutes(2),
        "log_retention": logs.RetentionDays.ONE_DAY,
    }


def lever(scope: Construct, construct_id: str, missing: cloudwatch.TreatMissingData) -> cloudwatch.Alarm:
    """An alarm on a metric that nobody sends.

    With `IGNORE` it keeps the state that SetAlarmState gives it, with `MISSING` it stays INSUFFICIENT_DATA.
    """
    return cloudwatch.Alarm(
        scope,
        construct_id,
        metric=cloudwatch.Metric(
            namespace="SeaChange/Acceptance", metric_name=construct_id, period=Duration.minutes(1), statistic="Sum"
        ),
        threshold=0,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
        evaluation_periods=1,
        treat_missing_data=missing,
    )
