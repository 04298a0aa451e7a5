"""What can go wrong, and which AWS errors pass by themselves.

DeploymentError
├── InvalidInputError            properties or smoke steps that cannot be used
├── RefusedError                 nothing was started
│   ├── ServiceNotReadyError     the ECS service cannot be deployed to
│   ├── AlarmsFiringError        an alarm that would stop the deployment is in ALARM already
│   └── AnotherDeploymentError   the deployment group is busy with another release
└── DeploymentFailedError        the deployment ended without the release, with the evidence
    └── DeadlinePassedError      the time for it is over; it was stopped if it had begun
"""

from collections.abc import Sequence

from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError, HTTPClientError

# CloudFormation takes 4096 bytes for the whole answer; the CDK Provider adds ids and the log group's name.
LONGEST_MESSAGE_BYTES = 3000

_PASSING_CODES = frozenset(
    {
        "InternalFailure",
        "InternalServerError",
        "RequestLimitExceeded",
        "RequestThrottled",
        "ServerException",
        "ServiceUnavailable",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)


def is_passing(error: Exception) -> bool:
    """Whether the same call may succeed a little later: throttling, a fault on AWS's side, the network."""
    if isinstance(error, ClientError):
        return error.response.get("Error", {}).get("Code") in _PASSING_CODES
    return isinstance(error, (ConnectTimeoutError, EndpointConnectionError, HTTPClientError))


class DeploymentError(Exception):
    """The base of this package's errors; its message is cut to what CloudFormation can show."""

    def __init__(self, message: str) -> None:
        encoded = message.encode()
        if len(encoded) > LONGEST_MESSAGE_BYTES:
            message = encoded[:LONGEST_MESSAGE_BYTES].decode(errors="ignore") + " … (cut)"
        super().__init__(message)


class InvalidInputError(DeploymentError):
    """Properties or smoke steps that cannot be used."""


class RefusedError(DeploymentError):
    """Nothing was started, and the message says what must hold first."""


class ServiceNotReadyError(RefusedError):
    """The ECS service cannot be deployed to."""


class AlarmsFiringError(RefusedError):
    """Alarms that would stop the deployment at once are in ALARM already."""

    def __init__(self, what: str, alarms: Sequence[str]) -> None:
        self.alarms = tuple(alarms)
        super().__init__(
            f"{what} is refused: {'; '.join(alarms)}. Such an alarm would stop the deployment at once: "
            "mend its cause or wait until it is OK, then deploy again."
        )


class AnotherDeploymentError(RefusedError):
    """The deployment group is busy with another release."""

    def __init__(self, problem: str, deployment_id: str | None = None) -> None:
        self.deployment_id = deployment_id
        super().__init__(f"{problem} Wait until it has ended or stop it, then deploy again.")


class DeploymentFailedError(DeploymentError):
    """The deployment ended without the release, with the evidence."""

    def __init__(self, deployment_id: str | None, problem: str, evidence: Sequence[str]) -> None:
        self.deployment_id = deployment_id
        self.evidence = tuple(evidence)
        super().__init__(". ".join([problem.rstrip("."), *(line.rstrip(".") for line in evidence)]) + ".")


class DeadlinePassedError(DeploymentFailedError):
    """The time for the deployment is over; it was stopped if it had begun."""
