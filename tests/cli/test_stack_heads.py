"""The stack's own Lambda, asked for the database's revisions: which calls are made, and what they must look like."""

import io
import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from seachange.stack_heads import HANDLER, StackHeadsError, stack_heads
from tests.cli.running import Commands

MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:migrations"
REQUEST = {"Database": "shop", "Target": "heads"}


@pytest.fixture
def stubbed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Stubber]]:
    """A stubber for each client that is asked for."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    clients = {name: boto3.client(name) for name in ("cloudformation", "lambda", "stepfunctions")}
    monkeypatch.setattr(boto3, "client", lambda name: clients[name])
    with ExitStack() as stack:
        stubbers = {name: stack.enter_context(Stubber(client)) for name, client in clients.items()}
        yield stubbers.__getitem__
        for stubber in stubbers.values():
            stubber.assert_no_pending_responses()


def resource(kind: str, name: str) -> dict[str, Any]:
    status = {"ResourceStatus": "CREATE_COMPLETE", "LastUpdatedTimestamp": "2026-01-01T00:00:00Z"}
    return {"ResourceType": kind, "LogicalResourceId": name, "PhysicalResourceId": name, **status}


def stack_of(stubbed: Callable[[str], Stubber], *functions: tuple[str, str]) -> None:
    found = [resource("AWS::S3::Bucket", "bucket"), *(resource("AWS::Lambda::Function", name) for name, _ in functions)]
    stubbed("cloudformation").add_response(
        "list_stack_resources", {"StackResourceSummaries": found}, {"StackName": "shop"}
    )
    for name, handler in functions:
        variables = {"MIGRATIONS_MACHINE": MACHINE, "MIGRATIONS_REQUEST": json.dumps(REQUEST)}
        stubbed("lambda").add_response(
            "get_function_configuration",
            {"FunctionName": name, "Handler": handler, "Environment": {"Variables": variables}},
            {"FunctionName": name},
        )


def answers(stubbed: Callable[[str], Stubber], content: dict[str, Any], **more: str) -> None:
    text = json.dumps(content).encode()
    body = StreamingBody(io.BytesIO(text), len(text))
    asked = {"FunctionName": "migrate", "Payload": json.dumps({"Work": "status", "Request": REQUEST})}
    stubbed("lambda").add_response("invoke", {"Payload": body, **more}, asked)


def test_it_asks_the_function_that_migrates(stubbed: Callable[[str], Stubber]) -> None:
    stack_of(stubbed, ("hook", "seachange_deployments.hook.handler"), ("migrate", HANDLER))
    answers(stubbed, {"revisions": ["0001"], "summary": "no backfill is under way"})
    running = {"executionArn": f"{MACHINE}:1", "stateMachineArn": MACHINE, "name": "1-one", "status": "RUNNING"}
    stubbed("stepfunctions").add_response(
        "list_executions",
        {"executions": [{**running, "startDate": "2026-01-01T00:00:00Z"}]},
        {"stateMachineArn": MACHINE, "statusFilter": "RUNNING"},
    )
    [found] = stack_heads("shop")
    assert (found.function, found.database, found.executions) == ("migrate", "shop", ("1-one",))
    assert found.status["revisions"] == ["0001"]


def test_a_stack_that_migrates_nothing(stubbed: Callable[[str], Stubber]) -> None:
    stack_of(stubbed, ("hook", "seachange_deployments.hook.handler"))
    with pytest.raises(StackHeadsError, match="stack 'shop' has no AlembicMigrations"):
        stack_heads("shop")


def test_a_function_that_cannot_reach_the_database(stubbed: Callable[[str], Stubber]) -> None:
    stack_of(stubbed, ("migrate", HANDLER))
    answers(stubbed, {"errorMessage": "cannot connect to database 'shop'"}, FunctionError="Unhandled")
    with pytest.raises(StackHeadsError, match="the migrations Lambda migrate says: cannot connect to database 'shop'"):
        stack_heads("shop")


def test_a_stack_that_nobody_may_see(stubbed: Callable[[str], Stubber]) -> None:
    stubbed("cloudformation").add_client_error(
        "list_stack_resources", "ValidationError", "Stack with id shop\ndoes not exist"
    )
    with pytest.raises(StackHeadsError, match=r"stack 'shop' cannot be asked: .* shop does not exist"):
        stack_heads("shop")


@pytest.mark.parametrize(
    ("given", "remedy"),
    [
        ({}, "name it in AWS_DEFAULT_REGION"),
        ({"AWS_DEFAULT_REGION": "eu-west-1"}, "name a profile that has them in AWS_PROFILE"),
    ],
)
def test_aws_that_is_not_set_up(
    seachange: Commands, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: dict[str, str], remedy: str
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    nowhere = {name: str(tmp_path / "none") for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")}
    for name, value in (nowhere | given | {"AWS_EC2_METADATA_DISABLED": "true"}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    ran = seachange("heads", "--stack", "shop")
    assert (ran.code, ran.one_line().startswith("stack 'shop' cannot be asked: ")) == (2, True)
    assert remedy in ran.err
