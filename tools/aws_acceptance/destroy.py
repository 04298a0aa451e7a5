"""Destroys a run: its stacks, and what CloudFormation leaves behind."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tools.aws_acceptance.live import LiveService
from tools.aws_acceptance.settle import at_rest
from tools.aws_acceptance.stage import NotPossibleError, Stage

# The network interfaces of a Lambda in a VPC go some time after the Lambda.
MINUTES = 90


def destroy(stage: Stage) -> list[str]:
    """Destroys what has the run's name. It goes on whatever AWS answers, and returns what is left, a line each."""
    left: list[str] = []
    for run in stage.running:
        if run.poll() is None:
            run.terminate()
            run.wait()
    for stack in stage.names.all:
        with _going_on(left, stack):
            destroy_stack(stage, stack)
    for remove in (_task_definitions, _log_groups, _snapshots):
        with _going_on(left, remove.__doc__ or ""):
            remove(stage)
    left += _left(stage)
    return left


def destroy_stack(stage: Stage, stack: str) -> None:
    """Deletes one stack, after its deployments have been stopped; twice, for the first time may meet something still in use."""
    if stage.describe(stack) is None:
        return
    stage.say(f"destroying {stack}")
    try:
        live = LiveService(stage, stack)
        for deployment in live.deployments():
            live.stop(deployment)
        stage.wait(lambda: None if live.deployments() else True, minutes=20)
    except NotPossibleError:
        pass  # it has not come as far as a service
    if stage.status(stack) == "UPDATE_IN_PROGRESS":
        stage.aws.call("cloudformation.cancel_update_stack", StackName=stack)
    if not stage.status(stack).startswith(("CREATE", "DELETE")):
        at_rest(stage, stack)
    for _ in range(2):
        stage.aws.call("cloudformation.delete_stack", StackName=stack)

        def look() -> str | None:
            status = stage.status(stack)
            return None if status == "DELETE_IN_PROGRESS" else status or "gone"

        stage.wait(look, minutes=MINUTES, every=20)
        if stage.describe(stack) is None:
            return


@contextmanager
def _going_on(left: list[str], what: str) -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        left.append(f"{what}: {error}")


def _task_definitions(stage: Stage) -> None:
    """task definitions"""
    families = stage.aws.every(
        "ecs.list_task_definition_families", "families", familyPrefix=stage.names.plain, status="ALL"
    )
    for family in families:
        for arn in stage.aws.every(
            "ecs.list_task_definitions", "taskDefinitionArns", familyPrefix=family, status="ACTIVE"
        ):
            stage.aws.call("ecs.deregister_task_definition", taskDefinition=arn)
        inactive = stage.aws.every(
            "ecs.list_task_definitions", "taskDefinitionArns", familyPrefix=family, status="INACTIVE"
        )
        for start in range(0, len(inactive), 10):  # DeleteTaskDefinitions takes ten
            stage.aws.call("ecs.delete_task_definitions", taskDefinitions=inactive[start : start + 10])


def _log_groups(stage: Stage) -> None:
    """log groups"""
    for group in _all_log_groups(stage):
        stage.aws.call("logs.delete_log_group", logGroupName=group)


def _all_log_groups(stage: Stage) -> list[str]:
    found = stage.aws.every("logs.describe_log_groups", "logGroups", logGroupNamePattern=stage.names.plain)
    return [group["logGroupName"] for group in found]


def _snapshots(stage: Stage) -> None:
    """snapshots of the database"""
    for snapshot in _all_snapshots(stage):
        stage.aws.call("rds.delete_db_snapshot", DBSnapshotIdentifier=snapshot)


def _all_snapshots(stage: Stage) -> list[str]:
    found = stage.aws.every("rds.describe_db_snapshots", "DBSnapshots", SnapshotType="manual")
    return [one["DBSnapshotIdentifier"] for one in found if stage.names.plain in one["DBSnapshotIdentifier"]]


def _left(stage: Stage) -> list[str]:
    """What can still be found under the run's name, and what is left on purpose."""
    left: list[str] = []
    looks: tuple[tuple[str, Callable[[], Any]], ...] = (
        ("stack", lambda: [name for name in stage.names.all if stage.describe(name) is not None]),
        ("log group", lambda: _all_log_groups(stage)),
        ("snapshot", lambda: _all_snapshots(stage)),
    )
    for kind, look in looks:
        with _going_on(left, kind):
            left += [f"{kind} {name}" for name in look()]
    return left
