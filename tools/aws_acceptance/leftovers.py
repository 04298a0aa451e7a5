"""What outlives its stack, because the library retains it or because AWS made it beside: found by the run's name, and removed."""

from collections.abc import Callable
from dataclasses import dataclass

from tools.aws_acceptance.stage import Stage


@dataclass(frozen=True, kw_only=True)
class Leftover:
    """One kind: how its names are found, and how one of them is removed."""

    kind: str
    find: Callable[[Stage], list[str]]
    remove: Callable[[Stage, str], object]


def _task_definitions(stage: Stage, status: str) -> list[str]:
    every, name = stage.aws.every, stage.names.plain
    families = every("ecs.list_task_definition_families", "families", familyPrefix=name, status="ALL")
    return [
        arn
        for family in families
        for arn in every("ecs.list_task_definitions", "taskDefinitionArns", familyPrefix=family, status=status)
    ]


def _delete_task_definition(stage: Stage, arn: str) -> None:
    for failure in stage.aws.call("ecs.delete_task_definitions", taskDefinitions=[arn]).get("failures", []):
        stage.say(f"  {arn}: {failure.get('reason', 'no reason given')}")


def _log_groups(stage: Stage) -> list[str]:
    found = stage.aws.every("logs.describe_log_groups", "logGroups", logGroupNamePattern=stage.names.plain)
    return [group["logGroupName"] for group in found]


def _snapshots(stage: Stage) -> list[str]:
    found = stage.aws.every("rds.describe_db_snapshots", "DBSnapshots", SnapshotType="manual")
    return [one["DBSnapshotIdentifier"] for one in found if stage.names.plain in one["DBSnapshotIdentifier"]]


def _buckets(stage: Stage) -> list[str]:
    return [bucket["Name"] for bucket in stage.aws.every("s3.list_buckets", "Buckets", Prefix=stage.names.plain)]


def _delete_bucket(stage: Stage, name: str) -> None:
    """With all that is in it; what is not there any more in the listing is no error."""
    for key in ("Versions", "DeleteMarkers"):
        for one in stage.aws.every("s3.list_object_versions", key, Bucket=name):
            stage.aws.call("s3.delete_object", Bucket=name, Key=one["Key"], VersionId=one["VersionId"])
    stage.aws.call("s3.delete_bucket", Bucket=name)


LEFTOVERS = (
    Leftover(
        kind="task definition",
        find=lambda stage: _task_definitions(stage, "ACTIVE"),
        remove=lambda stage, arn: stage.aws.call("ecs.deregister_task_definition", taskDefinition=arn),
    ),
    Leftover(
        kind="inactive task definition",
        find=lambda stage: _task_definitions(stage, "INACTIVE"),
        remove=_delete_task_definition,
    ),
    Leftover(kind="bucket", find=_buckets, remove=_delete_bucket),
    Leftover(
        kind="log group",
        find=_log_groups,
        remove=lambda stage, name: stage.aws.call("logs.delete_log_group", logGroupName=name),
    ),
    Leftover(
        kind="snapshot",
        find=_snapshots,
        remove=lambda stage, name: stage.aws.call("rds.delete_db_snapshot", DBSnapshotIdentifier=name),
    ),
)
