"""The door of the migrations Lambda: CloudFormation's events in, the Provider framework's answers out.

`on_event` and `is_complete` are the two handlers of a CDK `Provider`. An event may come twice. Delete does nothing: a
database outlives its stack.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from botocore.exceptions import ClientError

from seachange_migrations import aws
from seachange_migrations.connection import ConnectionSettings
from seachange_migrations.errors import MigrationError, UnfinishedError, UnknownRevisionError, one_line
from seachange_migrations.migrate import migrate
from seachange_migrations.report import Report
from seachange_migrations.request import Request
from seachange_migrations.roles import ensure_roles, protect_version_table

# What stays for rolling back, unlocking and answering before Lambda ends the call.
RESERVE_S = 30.0
# CloudFormation takes 4096 bytes, the framework's own words and the ids included.
ERROR_BYTES = 1500


class Context(Protocol):
    """The part of Lambda's context that is used here."""

    def get_remaining_time_in_millis(self) -> int: ...


class MigrationFailedError(Exception):
    """What CloudFormation shows as the reason: one line that fits its answer."""


def on_event(event: Mapping[str, Any], _: Context) -> dict[str, Any]:
    """Validates the request; the work is `is_complete`'s, which may be asked again and again."""
    physical_id = event.get("PhysicalResourceId") or f"seachange-migrations-{event['LogicalResourceId']}"
    if event["RequestType"] != "Delete":
        try:
            Request.parse(event)
        except MigrationError as error:
            raise MigrationFailedError(one_line(error, ERROR_BYTES)) from error
    return {"PhysicalResourceId": physical_id}


def is_complete(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Migrates for as long as this call may last; what is left is done when it is asked again."""
    if event["RequestType"] == "Delete":
        return {"IsComplete": True}
    try:
        report = _migrate_unless_rolling_back(event, context)
    except Exception as error:
        is_unfinished = isinstance(error, UnfinishedError) or (
            isinstance(error, ClientError) and aws.is_throttled(error)
        )
        log({"event": "not_complete" if is_unfinished else "failed", "reason": str(error)})
        if is_unfinished:
            return {"IsComplete": False}
        raise MigrationFailedError(one_line(error, ERROR_BYTES)) from error
    return {"IsComplete": True, "Data": report.attributes()}


def log(entry: Mapping[str, object]) -> None:
    """One JSON line in the Lambda's log."""
    print(json.dumps({"service": "seachange-migrations", **entry}, default=str), flush=True)


def _migrate_unless_rolling_back(event: Mapping[str, Any], context: Context) -> Report:
    try:
        return _migrate(Request.parse(event), context)
    except UnknownRevisionError as error:
        # A stack rollback restores this Lambda's code first, and so takes the newer revisions from it.
        if not aws.is_rolling_back(event["StackId"]):
            raise
        log({"event": "rolling_back", "reason": f"the newer schema stays, for it works with both releases: {error}"})
        return Report.nothing(error.revisions)


def _migrate(request: Request, context: Context) -> Report:
    directory = Path(os.environ["LAMBDA_TASK_ROOT"]) / request.directory

    def time_left() -> float:
        return context.get_remaining_time_in_millis() / 1000 - RESERVE_S

    def settings(secret_arn: str) -> ConnectionSettings:
        found = aws.credentials(secret_arn)
        return ConnectionSettings(
            host=request.host,
            port=request.port,
            database=request.database,
            user=found.username,
            password=found.password,
        )

    connecting = settings(request.secret_arn)
    if request.owner_secret_arn is None or request.application_secret_arn is None:
        return migrate(connecting, directory, request.phase, request.target, log, time_left=time_left)
    owner, application = settings(request.owner_secret_arn), settings(request.application_secret_arn)
    ensure_roles(connecting, owner, application, log)
    report = migrate(owner, directory, request.phase, request.target, log, time_left=time_left)
    if report.after:
        protect_version_table(owner, application, report.version_table)
    return report
