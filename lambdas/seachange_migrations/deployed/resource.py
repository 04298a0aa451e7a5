"""What a custom resource event comes to: a report, another call, or an error; in a stack rollback never an error."""

from collections.abc import Mapping
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from seachange_migrations.deployed import aws
from seachange_migrations.deployed.carry_out import RESERVE_S, carry_out, log
from seachange_migrations.deployed.deadline import Deadline
from seachange_migrations.deployed.long_way import DEFERRED_ROWS, TOO_LONG, GoesOnError, Machine, OnlyTasksError
from seachange_migrations.deployed.request import Request
from seachange_migrations.deployed.status import progress
from seachange_migrations.errors import (
    DeadlinePassedError,
    MigrationError,
    UnfinishedError,
    UnknownRevisionError,
    UnreachableError,
    one_line,
)
from seachange_migrations.report import Report
from seachange_migrations.running import TimeLeft


class Context(Protocol):
    """The part of Lambda's context that is used here."""

    def get_remaining_time_in_millis(self) -> int: ...


def migrate_for(event: Mapping[str, Any], context: Context) -> dict[str, str] | None:
    """Migrates for a Create or Update, for as long as this call may last; None when it must be asked again.

    What outlasts a call goes on in the migration's state machine, if there is one, and is watched from here. In a stack
    rollback whatever fails or is unfinished counts as done: nothing that was applied is taken back, and another migration
    must not stand between the stack and its former state. Returns the resource's attributes.
    """
    deadline = Deadline.of(event)
    machine = Machine.configured()

    def time_left() -> float:
        return min(context.get_remaining_time_in_millis() / 1000 - RESERVE_S, deadline.time_left())

    try:
        return _migrate(event, machine, time_left)
    except Exception as error:
        if event["RequestType"] == "Update" and _is_rolling_back(event["StackId"]):
            log(
                {
                    "event": "rolling_back",
                    "reason": f"the schema stays as it is, for it works with both releases: {error}",
                }
            )
            return Report.nothing(error.revisions if isinstance(error, UnknownRevisionError) else ()).attributes()
        is_too_long = isinstance(error, (*TOO_LONG, OnlyTasksError))
        reason = _handed_on(machine, event, error) if machine and is_too_long else error
        if not _may_pass(reason, deadline):
            log({"event": "failed", "reason": str(reason)})
            if reason is error:
                raise
            raise reason from error
        if deadline.is_past():
            log({"event": "deadline_passed", "reason": str(reason)})
            raise DeadlinePassedError(deadline.timeout_s, reason) from error
        log({"event": "not_complete", "reason": str(reason)})
        return None


def _migrate(event: Mapping[str, Any], machine: Machine | None, time_left: TimeLeft) -> dict[str, str]:
    request = Request.parse(event)
    if machine is None:
        return carry_out(request, time_left).attributes()
    if name := machine.running():
        raise GoesOnError(name, _progress(request))
    if found := machine.outcome(event):
        return found
    if machine.task_definition:
        raise OnlyTasksError
    return carry_out(request, time_left, deferred_rows=DEFERRED_ROWS).attributes()


def _handed_on(machine: Machine, event: Mapping[str, Any], why: Exception) -> Exception:
    """Has the machine go on with what is not done; what is to be said of it."""
    try:
        name = machine.start(event, since=why.before if isinstance(why, UnfinishedError) else None)
    except (ClientError, BotoCoreError) as error:
        return error
    log({"event": "long_way", "execution": name, "reason": str(why)})
    return GoesOnError(name, f"it has just begun, for {one_line(why, 300)}")


def _progress(request: Request) -> str:
    try:
        return progress(request)
    except (MigrationError, ClientError, BotoCoreError) as error:
        return f"the database cannot be asked how far it is ({one_line(error, 300)})"


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
