"""What the Lambda asks AWS: the credentials in a secret, and whether its stack is rolling back."""

import json
from dataclasses import dataclass, field

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError

from seachange_migrations.errors import InvalidRequestError

# botocore's own patience, five tries of a minute, is longer than what remains when the deadline passes.
PATIENCE = Config(connect_timeout=10, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 3})

THROTTLED = frozenset(
    {"Throttling", "ThrottlingException", "ThrottledException", "RequestLimitExceeded", "TooManyRequestsException"}
)


@dataclass(frozen=True)
class Credentials:
    """A database role and its password."""

    username: str
    password: str = field(repr=False)


def credentials(secret_arn: str) -> Credentials:
    """The `username` and `password` of a JSON secret.

    Raises InvalidRequestError for another content, botocore's ClientError when the secret cannot be read.
    """
    text = boto3.client("secretsmanager", config=PATIENCE).get_secret_value(SecretId=secret_arn).get("SecretString", "")
    try:
        content = json.loads(text)
        username, password = content["username"], content["password"]
    except (ValueError, TypeError, KeyError):
        username = password = None
    if not (isinstance(username, str) and isinstance(password, str) and username and password):
        raise InvalidRequestError(
            f"secret {secret_arn} is no JSON object with the strings `username` and `password`: correct its value"
        )
    return Credentials(username, password)


def is_rolling_back(stack_id: str) -> bool:
    """Whether CloudFormation is taking the stack back to its former state. Raises botocore's ClientError."""
    (stack,) = boto3.client("cloudformation", config=PATIENCE).describe_stacks(StackName=stack_id)["Stacks"]
    return "ROLLBACK" in stack["StackStatus"]


def is_throttled(error: Exception) -> bool:
    """Whether AWS only asks for fewer calls."""
    return isinstance(error, ClientError) and error.response.get("Error", {}).get("Code", "") in THROTTLED


def is_unreachable(error: Exception) -> bool:
    """Whether the call never came as far as AWS."""
    return isinstance(error, (EndpointConnectionError, ConnectTimeoutError))
