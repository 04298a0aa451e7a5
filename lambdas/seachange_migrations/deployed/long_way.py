"""The migration's state machine, seen from the custom resource: started when the work outlasts a call, watched, never stopped.

An execution of it re-enters one published version of the Lambda, or one revision of a task definition, until the migration is done. A
stack rollback restores the Lambda's code and takes nothing from an execution that runs. One runs at a time: whoever comes while it does
waits for its end.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import boto3
from botocore.exceptions import ClientError

from seachange_migrations.backfill.errors import BackfillPendingError
from seachange_migrations.deployed import aws
from seachange_migrations.errors import MigrationError, OutOfTimeError, UnfinishedError, one_line

# Rows from which a backfill is left to the machine's workers: less is done before they have started.
DEFERRED_ROWS = 2_000_000
# Step Functions takes 80 characters; CloudFormation's request ids have 36.
CONTENT_CHARACTERS = 40

TOO_LONG = (OutOfTimeError, BackfillPendingError)
"""What a call cannot end by being repeated: the machine's workers go on from there."""


class OnlyTasksError(UnfinishedError):
    """The revisions lie in the service's own image: a task of it migrates, not this Lambda."""

    def __init__(self) -> None:
        super().__init__("a task of the service's own image migrates")


class GoesOnError(UnfinishedError):
    """The execution `name` does the work, and goes on whatever becomes of the deployment."""

    def __init__(self, name: str, progress: str) -> None:
        self.name = name
        super().__init__(
            f"execution {name} of the migration's state machine does it: {progress}. It goes on by itself, and the next deploy waits for it"
        )


class ExecutionFailedError(MigrationError):
    """The execution of this request has ended without the migration being done."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """The state machine `arn`; `task_definition` is what it runs when the revisions lie in the service's own image."""

    arn: str
    task_definition: str | None = None

    @classmethod
    def configured(cls) -> Self | None:
        """The one that the function's variables name; None where there is none, as in a rehearsal."""
        arn = os.environ.get("MIGRATIONS_MACHINE")
        return cls(arn=arn, task_definition=os.environ.get("MIGRATIONS_TASK")) if arn else None

    def running(self) -> str | None:
        """The name of an execution that runs, whoever started it."""
        found = self._client().list_executions(stateMachineArn=self.arn, statusFilter="RUNNING", maxResults=1)
        return next((str(execution["name"]) for execution in found["executions"]), None)

    def outcome(self, event: Mapping[str, Any]) -> dict[str, str] | None:
        """The attributes that the execution of this request brought; None when none was started.

        Raises ExecutionFailedError for one that has failed, was stopped, or has used up its time.
        """
        name = _name(event)
        arn = f"{self.arn.replace(':stateMachine:', ':execution:')}:{name}"
        try:
            found = self._client().describe_execution(executionArn=arn)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ExecutionDoesNotExist":
                return None
            raise
        if found["status"] == "SUCCEEDED":
            return {str(key): str(value) for key, value in json.loads(found["output"])["Report"].items()}
        raise ExecutionFailedError(_reason(name, found))

    def start(self, event: Mapping[str, Any], *, since: Sequence[str] | None = None) -> str:
        """Starts the execution of this request, or finds that it was started; returns its name.

        `since` are the database's revisions before the request, where the call that hands on has read them: the report then
        names all that was applied from there, whichever call did it.
        """
        name = _name(event)
        # Names that Lambda itself sets: the machine publishes what this function is now, and calls no other.
        work = {
            "Request": _request(event) | ({} if since is None else {"Since": list(since)}),
            "Function": os.environ["AWS_LAMBDA_FUNCTION_NAME"],
            "TaskDefinition": self.task_definition or "",
        }
        try:
            self._client().start_execution(stateMachineArn=self.arn, name=name, input=json.dumps(work, sort_keys=True))
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
                raise
        return name

    def _client(self) -> Any:
        return boto3.client("stepfunctions", config=aws.PATIENCE)


def _name(event: Mapping[str, Any]) -> str:
    """The same for every delivery of one request, another for the next."""
    content = str(event["ResourceProperties"].get("ContentHash", ""))[:CONTENT_CHARACTERS]
    return f"{content}-{event['RequestId']}"[:80]


def _request(event: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event["ResourceProperties"].items() if name != "ServiceToken"}


def _reason(name: str, found: Mapping[str, Any]) -> str:
    """One line: what an execution that did not succeed says."""
    what_stays = "What was committed stays, and the next deploy goes on from there."
    if found["status"] == "ABORTED":
        return f"execution {name} of the migration's state machine was stopped by hand. {what_stays}"
    if found["status"] == "TIMED_OUT":
        return f"execution {name} of the migration's state machine has used up its time of seven days. {what_stays}"
    cause = str(found.get("cause") or found.get("error") or "it gives no cause")
    try:
        # How Step Functions hands on what a Lambda raised.
        said = json.loads(cause)["errorMessage"]
    except (ValueError, KeyError, TypeError):
        said = cause
    return one_line(str(said), 1400)
