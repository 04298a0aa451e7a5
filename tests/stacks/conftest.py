"""The example's stacks, synthesized once for each release."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import assertions

from stacks import settings
from stacks.data import DataStack
from stacks.service import CustomersStack

ROOT = Path(__file__).resolve().parents[2]
Template = dict[str, Any]


@cache
def synthesize(release: str, environment: str = "dev") -> dict[str, Template]:
    """The templates of both stacks, by stack name, with the feature flags of cdk.json and without bundling."""
    flags = json.loads((ROOT / "cdk.json").read_text("utf-8"))["context"]
    app = cdk.App(context={**flags, "aws:cdk:bundling-stacks": []}, analytics_reporting=False)
    where = settings.environment(environment)
    data = DataStack(app, where.data_stack, environment=where)
    service = CustomersStack(app, where.service_stack, environment=where, release=settings.release(release))
    service.add_stack_dependency(data)
    return {stack.stack_name: dict(assertions.Template.from_stack(stack).to_json()) for stack in (data, service)}


@pytest.fixture(scope="session")
def templates() -> Callable[[str], dict[str, Template]]:
    """Release → stack name → template."""
    return synthesize
