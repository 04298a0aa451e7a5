"""What a deployed stack's database is at, asked through the stack's own migrations Lambda: no way to the database is needed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from seachange.errors import SeaChangeError

HANDLER = "seachange_migrations.handler.is_complete"
# boto3 reads AWS_DEFAULT_REGION and not AWS_REGION, which other AWS tools read: botocore.configprovider.
NOT_SET_UP = {
    NoRegionError: "no AWS region is set: name it in AWS_DEFAULT_REGION (AWS_REGION is not read), or a profile that has one in "
    "AWS_PROFILE",
    NoCredentialsError: "there are no AWS credentials: name a profile that has them in AWS_PROFILE, or set AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY",
}


class StackHeadsError(SeaChangeError):
    """The stack, or its migrations Lambda, gives no answer."""


@dataclass(frozen=True, kw_only=True)
class StackHeads:
    """The answer of one `AlembicMigrations` of a stack.

    Attributes:
        function: The Lambda that answered.
        database: The database's name.
        status: `revisions`, `wanted` (what would run), `waiting` (pending in the other phase), `lock_holder`, `backfills`, each
            as `BackfillStatus`, and `summary`, one line; see `seachange_migrations.deployed.status`.
        executions: The names of the executions of the migration's state machine that run.
    """

    function: str
    database: str
    status: Mapping[str, Any]
    executions: tuple[str, ...]


def stack_heads(stack_name: str) -> list[StackHeads]:
    """Asks each `AlembicMigrations` of a stack, with the AWS credentials and region of the environment.

    It needs the rights cloudformation:ListStackResources, lambda:GetFunctionConfiguration, lambda:InvokeFunction and
    states:ListExecutions. Raises StackHeadsError when there is none, or none that answers.
    """
    try:
        found = [_ask(configuration) for configuration in _functions(stack_name)]
    except (NoRegionError, NoCredentialsError) as error:
        raise StackHeadsError(f"stack {stack_name!r} cannot be asked: {NOT_SET_UP[type(error)]}") from error
    except (ClientError, BotoCoreError) as error:
        raise StackHeadsError(f"stack {stack_name!r} cannot be asked: {' '.join(str(error).split())}") from error
    if not found:
        raise StackHeadsError(
            f"stack {stack_name!r} has no AlembicMigrations: name the stack that migrates the database"
        )
    return found


def _functions(stack_name: str) -> list[Mapping[str, Any]]:
    pages = boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack_name)
    names = [
        resource["PhysicalResourceId"]
        for page in pages
        for resource in page["StackResourceSummaries"]
        if resource["ResourceType"] == "AWS::Lambda::Function" and resource.get("PhysicalResourceId")
    ]
    client = boto3.client("lambda")
    configurations = (client.get_function_configuration(FunctionName=name) for name in names)
    return [dict(found) for found in configurations if found.get("Handler") == HANDLER]


def _ask(configuration: Mapping[str, Any]) -> StackHeads:
    name, variables = configuration["FunctionName"], configuration["Environment"]["Variables"]
    request = json.loads(variables["MIGRATIONS_REQUEST"])
    event = {"Work": "status", "Request": request}
    answer = boto3.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    content = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise StackHeadsError(f"the migrations Lambda {name} says: {content.get('errorMessage', content)}")
    running = boto3.client("stepfunctions").list_executions(
        stateMachineArn=variables["MIGRATIONS_MACHINE"], statusFilter="RUNNING"
    )
    return StackHeads(
        function=name,
        database=request["Database"],
        status=content,
        executions=tuple(execution["name"] for execution in running["executions"]),
    )
