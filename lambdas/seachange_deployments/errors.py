"""What can go wrong, and which AWS errors pass by themselves.

DeploymentError
├── InvalidInputError            properties or smoke steps that cannot be used
├── RefusedError                 nothing was started
│   ├── ServiceNotReadyError     the ECS service cannot be deployed to
│   ├── AlarmsFiringError        an alarm that would stop the deployment is in ALARM already
│   └── AnotherDeploymentError   the deployment group is busy with another release
├── UnreachableError             AWS did not answer until the time was over
├── TasksFailedError             the service's first tasks keep dying, or are not steady in time
└── DeploymentFailedError        the deployment ended without the release, with the evidence
    ├── TasksKeepDyingError      it was stopped because its tasks keep dying
    └── DeadlinePassedError      the time for it is over; it was stopped if it had begun
"""

import json
from collections.abc import Sequence

from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as NoConnectionError

# CloudFormation takes 4096 bytes for the whole answer; the CDK Provider adds ids, its stack trace and the log group's name.
LONGEST_MESSAGE_BYTES = 3000
# So that one long finding (a hook's answer, a line of a log) does not push the others out.
LONGEST_FINDING_BYTES = 700
_CUT = " … (cut)"

_PASSING_CODES = frozenset(
    {
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "InternalServiceError",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestTimeout",
        "ServerException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)


def is_passing(error: Exception) -> bool:
    """Whether the same call may succeed a little later: throttling, a fault on AWS's side, the network."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return error.response.get("Error", {}).get("Code") in _PASSING_CODES or status >= 500
    return isinstance(error, (NoConnectionError, HTTPClientError, IncompleteReadError))


def fitting(text: str, most: int) -> str:
    """A text of at most so many bytes as JSON carries it (a quote or a line break takes two), cut at the end if need be."""
    room = most - len(_CUT.encode())
    used = 0
    for at, character in enumerate(text):
        used += len(json.dumps(character, ensure_ascii=False).encode(errors="replace")) - 2
        if used > room and _json_bytes(text) > most:
            return text[:at] + _CUT
    return text


def _json_bytes(text: str) -> int:
    return len(json.dumps(text, ensure_ascii=False).encode(errors="replace")) - 2


class DeploymentError(Exception):
    """The base of this package's errors; its message is cut to what CloudFormation can show."""

    def __init__(self, message: str) -> None:
        super().__init__(fitting(message, LONGEST_MESSAGE_BYTES))


class InvalidInputError(DeploymentError):
    """Properties or smoke steps that cannot be used."""


class UnreachableError(DeploymentError):
    """AWS did not answer until the time for it was over."""

    def __init__(self, last: Exception) -> None:
        super().__init__(f"AWS did not answer until the time was over, the last time with: {last}. Deploy again.")


class RefusedError(DeploymentError):
    """Nothing was started, and the message says what must hold first."""


class ServiceNotReadyError(RefusedError):
    """The ECS service cannot be deployed to."""


class AlarmsFiringError(RefusedError):
    """Alarms that would stop the deployment at once are in ALARM already."""

    def __init__(self, what: str, alarms: Sequence[str], remedy: str) -> None:
        self.alarms = tuple(alarms)
        super().__init__(
            f"{what} is refused: {'; '.join(alarms)}. Such an alarm would stop the deployment at once: {remedy}"
        )


class AnotherDeploymentError(RefusedError):
    """The deployment group is busy with another release."""

    def __init__(
        self,
        problem: str,
        deployment_id: str | None = None,
        remedy: str = "Wait until it has ended or stop it, then deploy again.",
    ) -> None:
        self.deployment_id = deployment_id
        super().__init__(f"{problem} {remedy}")


class TasksFailedError(DeploymentError):
    """The service's first tasks keep dying, or are not steady in time, with the evidence."""

    def __init__(self, problem: str, evidence: Sequence[str]) -> None:
        self.evidence = tuple(evidence)
        super().__init__(_sentences([problem, *evidence]))


class DeploymentFailedError(DeploymentError):
    """The deployment ended without the release, with the evidence, the weightiest first."""

    def __init__(self, deployment_id: str | None, problem: str, evidence: Sequence[str]) -> None:
        self.deployment_id = deployment_id
        self.evidence = tuple(evidence)
        super().__init__(_sentences([problem, *evidence]))


class TasksKeepDyingError(DeploymentFailedError):
    """The deployment was stopped with rollback, because its tasks keep dying."""


class DeadlinePassedError(DeploymentFailedError):
    """The time for the deployment is over; it was stopped if it had begun."""


def _sentences(findings: Sequence[str]) -> str:
    first, *others = findings
    return (
        ". ".join(line.rstrip(".") for line in [first, *(fitting(line, LONGEST_FINDING_BYTES) for line in others)])
        + "."
    )
