"""CloudFormation's events for one migrations resource, as the Provider framework sends them."""

import json
import time
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from seachange_migrations.handler import MigrationFailedError, is_complete, on_event
from tests.migrations.databases import AlembicDirectory, Database

STACK_ID = "arn:aws:cloudformation:eu-west-1:123456789012:stack/Shop/0a1b2c3d"


class Context:
    """Lambda's context of a call that may last `seconds`."""

    def __init__(self, seconds: float = 840) -> None:
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


class Deployment:
    """CloudFormation's events for one migrations resource, and what its stack is doing."""

    def __init__(self, database: Database, directory: AlembicDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
        self.database = database
        self.directory = directory
        self.age_s: float | None = 0.0
        """How long ago the event came; None for a framework that does not tell."""
        self._monkeypatch = monkeypatch
        self._secrets = boto3.client("secretsmanager")
        self.properties = {
            "ServiceToken": "arn:aws:lambda:eu-west-1:123456789012:function:framework",
            "Phase": "expand",
            "Directory": directory.path.name,
            "Target": "heads",
            "Roles": "managed",
            "Host": database.server.host,
            "Port": str(database.server.port),
            "Database": database.name,
            "SecretArn": self.secret("master", database.master),
            "OwnerSecretArn": self.secret("owner", database.owner),
            "ApplicationSecretArn": self.secret("application", database.application),
            "ContentHash": "1",
        }
        monkeypatch.setenv("LAMBDA_TASK_ROOT", str(directory.path.parent))

    def secret(self, name: str, settings: Any) -> str:
        value = json.dumps({"username": settings.user, "password": settings.password})
        arn: str = self._secrets.create_secret(Name=f"{self.database.name}/{name}", SecretString=value)["ARN"]
        return arn

    def event(self, request: str = "Create", **changes: str) -> dict[str, Any]:
        properties = {name: value for name, value in {**self.properties, **changes}.items() if value}
        event = {
            "RequestType": request,
            "StackId": STACK_ID,
            "LogicalResourceId": "Migrations",
            "ResourceProperties": properties,
        }
        return event if request == "Create" else {**event, "PhysicalResourceId": "seachange-migrations-Migrations"}

    def run(self, request: str = "Create", *, context: Context | None = None, **changes: str) -> dict[str, Any]:
        """What the framework does: the answer of on_event goes into the event that is_complete gets."""
        event = self.event(request, **changes)
        answer = on_event(event, context or Context())
        assert answer.keys() == {"PhysicalResourceId", "StartedAt"}
        assert answer["PhysicalResourceId"] == "seachange-migrations-Migrations"
        assert answer["StartedAt"] == pytest.approx(time.time(), abs=2)
        if self.age_s is None:
            del answer["StartedAt"]
        else:
            answer["StartedAt"] -= self.age_s
        return is_complete({**event, **answer}, context or Context())

    def failure(self, request: str = "Create", *, context: Context | None = None, **changes: str) -> str:
        with pytest.raises(MigrationFailedError) as failed:
            self.run(request, context=context, **changes)
        message = str(failed.value)
        assert "\n" not in message
        assert len(message.encode()) <= 1500
        return message

    def stack_is(self, status: str | None) -> None:
        """Stubs DescribeStacks, once; it fails for None."""
        client = boto3.client("cloudformation")
        stubber = Stubber(client)
        if status is None:
            stubber.add_client_error("describe_stacks", "AccessDenied")
        else:
            stack = {"StackName": "Shop", "CreationTime": "2026-01-01T00:00:00Z", "StackStatus": status}
            stubber.add_response("describe_stacks", {"Stacks": [stack]}, {"StackName": STACK_ID})
        stubber.activate()
        original = boto3.client
        self._monkeypatch.setattr(
            boto3, "client", lambda service, **kw: client if service == "cloudformation" else original(service, **kw)
        )
