"""The state machine that goes on with a migration when it outlasts a call of the Lambda."""

from collections.abc import Mapping
from typing import Any, Protocol

from aws_cdk import Aws, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from seachange.findings import acknowledge

DEFAULT_WORKERS = 2
# With more, an execution's history could outgrow Step Functions' 25,000 events within its days.
MOST_WORKERS = 4
# A standard workflow may take a year; its history bounds it first. Each call of a worker uses up its whole time.
LONGEST_S = 7 * 24 * 3600

# What the engine says is final. Anything else, a worker that died among it, is worth another try: all progress lies in the database.
RETRY = [
    {"ErrorEquals": ["MigrationFailedError", "Runtime.ImportModuleError"], "MaxAttempts": 0},
    {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 5, "BackoffRate": 2, "MaxDelaySeconds": 60, "MaxAttempts": 6},
]

_FINDINGS = {
    "AwsSolutions-SF1": "Step Functions keeps the history of each execution for 90 days, and its workers write their own log. To log here too, "
    "its role would need to change the log delivery of the whole account.",
    "AwsSolutions-SF2": "It calls one function, or runs one task, again and again; their log has what a trace would show.",
    "CKV_AWS_284": "Its steps are calls of one worker; the worker's log has what a trace would show.",
    "CKV_AWS_285": "Step Functions keeps the history of each execution for 90 days, and its workers write their own log.",
}

State = dict[str, Any]


class Worker(Protocol):
    """What does a piece of work: a version of the Lambda, or a task."""

    def pin(self) -> State | None:
        """The state that comes first, without its `Next`; None where the execution's input says all."""

    def kept(self) -> Mapping[str, str]:
        """What of the execution's input each piece of work needs besides the request."""

    def task(self, work: str, following: str) -> State:
        """The state that has `work` done, its answer in `$.Last.Answer`."""


class VersionWorker:
    """One version of the Lambda, published when the execution begins: no deployment and no stack rollback changes it."""

    def __init__(self, *, call_s: int) -> None:
        self._call_s = call_s

    def pin(self) -> State:
        # Not a version of the template: after a rollback CloudFormation could not publish the same code again. Lambda's API takes it.
        return {
            "Type": "Task",
            "Resource": f"arn:{Aws.PARTITION}:states:::aws-sdk:lambda:publishVersion",
            "Parameters": {"FunctionName.$": "$.Function"},
            "ResultSelector": {"Version.$": "$.Version"},
            "ResultPath": "$.Pinned",
            "Retry": RETRY,
        }

    def kept(self) -> Mapping[str, str]:
        return {"Function.$": "$.Function", "Pinned.$": "$.Pinned"}

    def task(self, work: str, following: str) -> State:
        message = {"Work": work, "Request.$": "$.Request", **({"Range.$": "$.Range"} if work == "range" else {})}
        return {
            "Type": "Task",
            "Resource": f"arn:{Aws.PARTITION}:states:::lambda:invoke",
            "Parameters": {"FunctionName.$": "$.Function", "Qualifier.$": "$.Pinned.Version", "Payload": message},
            "ResultSelector": {"Answer.$": "$.Payload"},
            "ResultPath": "$.Last",
            "TimeoutSeconds": self._call_s + 60,
            "Retry": RETRY,
            "Next": following,
        }


def definition(worker: Worker, *, workers: int) -> dict[str, Any]:
    """The machine: migrate until it is done; what is left to workers in between goes over its ranges, `workers` at once."""
    pin = worker.pin()
    states: dict[str, State] = {
        **({"Pin": {**pin, "Next": "Migrate"}} if pin else {}),
        "Migrate": worker.task("migrate", "Is it done?"),
        "Is it done?": _choice({"done": "Done", "backfill": "Backfill"}, otherwise="Migrate"),
        "Backfill": {
            "Type": "Map",
            "ItemsPath": "$.Last.Answer.Ranges",
            "ItemSelector": {"Request.$": "$.Request", "Range.$": "$$.Map.Item.Value", **worker.kept()},
            "MaxConcurrency": workers,
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "INLINE"},
                "StartAt": "Range",
                "States": {
                    "Range": worker.task("range", "Is the range done?"),
                    "Is the range done?": _choice({"done": "Range done"}, otherwise="Range"),
                    "Range done": {"Type": "Pass", "Result": "done", "End": True},
                },
            },
            # Beside what the execution carries on: the next look at the database is the proof. The CDK leaves a null out of its JSON, and
            # without a path the result would take the place of everything.
            "ResultPath": "$.Ranges",
            "Next": "Migrate",
        },
        "Done": {"Type": "Pass", "Parameters": {"Report.$": "$.Last.Answer.Report"}, "End": True},
    }
    return {
        "Comment": "Goes on with a migration that outlasts a call of its Lambda",
        "StartAt": next(iter(states)),
        "TimeoutSeconds": LONGEST_S,
        "States": states,
    }


def _choice(next_states: Mapping[str, str], *, otherwise: str) -> State:
    choices = [
        {"Variable": "$.Last.Answer.State", "StringEquals": said, "Next": following}
        for said, following in next_states.items()
    ]
    return {"Type": "Choice", "Choices": choices, "Default": otherwise}


class MigrationMachine(Construct):
    """The state machine and its role; what the role may do is granted by whoever knows the worker.

    Args:
        definition: As `definition` makes it.
    """

    def __init__(self, scope: Construct, construct_id: str, *, definition: Mapping[str, Any]) -> None:
        super().__init__(scope, construct_id)
        self.role = iam.Role(
            self,
            "Role",
            description="Goes on with a migration",
            assumed_by=iam.ServicePrincipal("states.amazonaws.com"),
        )
        machine = sfn.CfnStateMachine(
            self, "Resource", role_arn=self.role.role_arn, definition_string=Stack.of(self).to_json_string(definition)
        )
        acknowledge(machine, _FINDINGS)
        self.arn = machine.attr_arn
        self.name = machine.attr_name
