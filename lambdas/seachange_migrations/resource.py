"""What a custom resource event comes to: a report, another call, or an error; in a stack rollback never an error."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from seachange_migrations import aws
from seachange_migrations.connection import ConnectionSettings
from seachange_migrations.deadline import Deadline
from seachange_migrations.errors import (
    DeadlinePassedError,
    UnfinishedError,
    UnknownRevisionError,
    UnreachableError,
    one_line,
)
from seachange_migrations.migrate import migrate
from seachange_migrations.report import Report
from seachange_migrations.request import Request
from seachange_migrations.roles import ensure_roles, protect_version_table
from seachange_migrations.running import TimeLeft

# What stays for rolling back, unlocking and answering before Lambda ends the call.
RESERVE_S = 30.0


class Context(Protocol):
    """The part of Lambda's context that is used here."""

    def get_remaining_time_in_millis(self) -> int: ...


def migrate_for(event: Mapping[str, Any], context: Context) -> Report | None:
    """Migrates for a Create or Update, for as long as this call may last; None when it must be asked again.

    In a stack rollback whatever fails or is unfinished counts as done: nothing that was applied is taken back, and
    another migration must not stand between the stack and its former state.
    """
    deadline = Deadline.of(event)

    def time_left() -> float:
        return min(context.get_remaining_time_in_millis() / 1000 - RESERVE_S, deadline.time_left())

    try:
        return _migrate(Request.parse(event), time_left)
    except Exception as error:
        if event["RequestType"] == "Update" and _is_rolling_back(event["StackId"]):
            log(
                {
                    "event": "rolling_back",
                    "reason": f"the schema stays as it is, for it works with both releases: {error}",
                }
            )
            return Report.nothing(error.revisions if isinstance(error, UnknownRevisionError) else ())
        if not _may_pass(error, deadline):
            log({"event": "failed", "reason": str(error)})
            raise
        if deadline.is_past():
            log({"event": "deadline_passed", "reason": str(error)})
            raise DeadlinePassedError(deadline.timeout_s, error) from error
        log({"event": "not_complete", "reason": str(error)})
        return None


def log(entry: Mapping[str, object]) -> None:
    """One JSON line in the Lambda's log."""
    print(json.dumps({"service": "seachange-migrations", **entry}, default=str), flush=True)


def _is_rolling_back(stack_id: str) -> bool:
    """False too when nobody can tell: what happened is then told instead."""
    try:
        return aws.is_rolling_back(stack_id)
    except (ClientError, BotoCoreError, ResponseParserError) as error:
        log({"event": "stack_unknown", "reason": one_line(error)})
        return False


def _may_pass(error: Exception, deadline: Deadline) -> bool:
    """Whether the same may well succeed a little later."""
    if isinstance(error, UnreachableError) or aws.is_unreachable(error):
        return deadline.waits_for_connections()
    return isinstance(error, UnfinishedError) or aws.is_throttled(error)


def _migrate(request: Request, time_left: TimeLeft) -> Report:
    directory = Path(os.environ["LAMBDA_TASK_ROOT"]) / request.directory

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
