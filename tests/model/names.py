"""The names in the model's one stack."""

import datetime

STACK = "arn:aws:cloudformation:eu-west-1:123456789012:stack/shop/1f5a77d0-1c2b-11ef-9d3e-0a1b2c3d4e5f"
LOGICAL_ID = "CustomersDeploymentResource0A1B2C3D"
CLUSTER, APPLICATION, GROUP = "shop", "shop", "customers"
SERVICE = f"arn:aws:ecs:eu-west-1:123456789012:service/{CLUSTER}/customers"
GROUPS = tuple(
    f"arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/{colour}/1" for colour in ("blue", "green")
)
LISTENER = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/shop/1/2"
BLUE_ALARM, GREEN_ALARM, COMMON_ALARM = "blue-5xx", "green-5xx", "database"
ALARMS = (BLUE_ALARM, GREEN_ALARM, COMMON_ALARM)
COMPOSITE_ALARM = "common"  # over all common ones
SUBNETS, SECURITY_GROUPS = ("subnet-a", "subnet-b"), ("sg-1",)
_TASK_DEFINITION = "arn:aws:ecs:eu-west-1:123456789012:task-definition/shop:"


def task_definition(release: int) -> str:
    """The ARN of a release's task definition."""
    return f"{_TASK_DEFINITION}{release}"


def release_of(arn: str) -> int:
    """The release of a task definition."""
    return int(arn.removeprefix(_TASK_DEFINITION))


def when(seconds: float) -> datetime.datetime:
    """A time as boto3 gives it."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
