"""The Lambda assets as they are deployed, run by AWS's own runtime emulator: what they import, answer, and how their time ends."""

import json
import platform
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seachange.assembly import Assembly
from seachange.migrations import wheels
from seachange.migrations.bundle import Bundle
from tests.deployments.said import EVENT, NEW
from tests.deployments.shop import CREATE, DELETE, Api, serving
from tests.lambdas.aws import Endpoint
from tests.lambdas.deployed import function, service_with
from tests.lambdas.emulator import emulated
from tests.migrations.databases import AlembicDirectory, Database

pytestmark = pytest.mark.slow

HOOK_EVENT = {"DeploymentId": "d-ABCDEF123", "LifecycleEventHookExecutionId": "execution-1"}
ANSWERED = {"lifecycleEventHookExecutionId": "execution-1"}
NODES = (
    "<DescribeNetworkInterfacesResponse><networkInterfaceSet><item><privateIpAddress>127.0.0.1</privateIpAddress></item>"
    "</networkInterfaceSet></DescribeNetworkInterfacesResponse>"
)


@pytest.fixture
def api() -> Iterator[Api]:
    with serving() as server:
        yield server


def hook_variables(assembly: Assembly, api: Api) -> dict[str, str]:
    """The template's, with a literal load balancer and this test's port."""
    variables = function(assembly, "seachange_deployments.hook.handler").properties["Environment"]["Variables"]
    return {**variables, "SMOKE_LOAD_BALANCER": "app/shop/1", "SMOKE_PORT": str(api.server_port)}


def test_on_event(assembly: Assembly, tmp_path: Path) -> None:
    handler = "seachange_deployments.handler.on_event"
    with emulated(assembly.asset(function(assembly, handler)), handler, work=tmp_path, variables={}) as on_event:
        answer = on_event.invoke(EVENT).value
    assert answer["PhysicalResourceId"] == "seachange-deployment-Deployment"
    assert answer["StartedAt"] == pytest.approx(time.time(), abs=10)


def test_is_complete(assembly: Assembly, tmp_path: Path) -> None:
    handler = "seachange_deployments.handler.is_complete"
    asset = assembly.asset(function(assembly, handler))
    with (
        Endpoint(service_with(NEW)) as aws,
        emulated(asset, handler, work=tmp_path, variables=aws.variables) as is_complete,
    ):
        event = {**EVENT, "StartedAt": int(time.time())}
        assert is_complete.invoke({**event, "RequestType": "Create"}).value == {
            "IsComplete": True,
            "Data": {"DeploymentId": ""},
        }
        assert aws.calls == []
        assert is_complete.invoke(event).value["IsComplete"] is True
        assert {action for action, _ in aws.calls} == {"DescribeStacks", "GetDeploymentGroup", "DescribeServices"}
        refusal = is_complete.invoke({**event, "ResourceProperties": {}}).value
        assert refusal["errorType"] == "InvalidInputError"
        assert "lacks Application, BlueTargetGroup" in refusal["errorMessage"]


def test_a_call_that_outlasts_its_time_is_ended_and_the_next_one_works(assembly: Assembly, tmp_path: Path) -> None:
    handler = "seachange_deployments.handler.is_complete"
    asset = assembly.asset(function(assembly, handler))
    with (
        Endpoint(service_with(NEW), delay_s=30) as aws,
        emulated(asset, handler, work=tmp_path, timeout_s=6, variables=aws.variables) as is_complete,
    ):
        event = {**EVENT, "StartedAt": int(time.time())}
        assert is_complete.invoke(event).text == "Task timed out after 6.00 seconds"
        aws.delay_s = 0
        assert is_complete.invoke(event).value["IsComplete"] is True


def test_a_module_that_is_missing_shows(assembly: Assembly, tmp_path: Path) -> None:
    handler = "seachange_deployments.handler.is_complete"
    asset = tmp_path / "asset"
    shutil.copytree(assembly.asset(function(assembly, handler)), asset)
    (asset / "seachange_deployments" / "reconcile.py").unlink()
    with emulated(asset, handler, work=tmp_path, variables={}) as is_complete:
        answer = is_complete.invoke(EVENT).value
    assert answer["errorType"] == "Runtime.ImportModuleError"
    assert "reconcile" in answer["errorMessage"]


def test_the_hook_passes_twice_in_a_row(assembly: Assembly, api: Api, tmp_path: Path) -> None:
    handler = "seachange_deployments.hook.handler"
    asset = assembly.asset(function(assembly, handler))
    with Endpoint({"DescribeNetworkInterfaces": NODES, "PutLifecycleEventHookExecutionStatus": ANSWERED}) as aws:
        variables = {**aws.variables, **hook_variables(assembly, api)}
        with emulated(asset, handler, work=tmp_path, timeout_s=60, variables=variables) as hook:
            for _ in range(2):
                assert hook.invoke(HOOK_EVENT).value == {"Status": "Succeeded"}
            log = hook.log
    [described, answered] = aws.calls[:2]
    assert described[1]["Filter.1.Value.1"] == "ELB app/shop/1"
    assert answered[1] == {
        "deploymentId": "d-ABCDEF123",
        "lifecycleEventHookExecutionId": "execution-1",
        "status": "Succeeded",
    }
    assert [action for action, _ in aws.calls].count("PutLifecycleEventHookExecutionStatus") == 2
    assert api.customers == {}
    assert log.count("Smoke test of deployment d-ABCDEF123 passed") == 2


def test_the_hook_answers_before_its_time_is_over(assembly: Assembly, api: Api, tmp_path: Path) -> None:
    handler = "seachange_deployments.hook.handler"
    asset = tmp_path / "asset"
    shutil.copytree(assembly.asset(function(assembly, handler)), asset)
    (asset / "smoke.json").write_text(json.dumps([CREATE, {"name": "slow", "path": "/trickle"}, DELETE]))
    with Endpoint({"DescribeNetworkInterfaces": NODES, "PutLifecycleEventHookExecutionStatus": ANSWERED}) as aws:
        variables = {**aws.variables, **hook_variables(assembly, api)}
        with emulated(asset, handler, work=tmp_path, timeout_s=40, variables=variables) as hook:
            assert hook.invoke(HOOK_EVENT).value == {"Status": "Failed"}
            log = hook.log
    assert aws.calls[-1][1]["status"] == "Failed"
    assert api.customers == {}
    assert "Smoke test of deployment d-ABCDEF123 failed: step 'slow': no answer from 127.0.0.1" in log


@pytest.fixture
def migrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The migrations Lambda's asset, with the wheels of this machine and this Python instead of Lambda's."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for module in (wheels, sys.modules[Bundle.__module__]):
        monkeypatch.setattr(module, "PYTHON", version)
    machine = "aarch64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
    directory = AlembicDirectory(tmp_path / "alembic").example()
    bundle = Bundle(directory=directory.path, requirements=None, include=[], machine=machine)
    asset = tmp_path / "migrations-asset"
    shutil.copytree(bundle.dependencies(), asset)
    bundle.copy_sources(asset)
    return asset


def test_the_migrations(migrations: Path, database: Database, tmp_path: Path) -> None:
    arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop-AbCdEf"
    master = json.dumps({"username": database.master.user, "password": database.master.password})
    secret = {"ARN": arn, "Name": "shop", "SecretString": master}
    event: dict[str, Any] = {
        "RequestType": "Create",
        "StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/Shop/0a1b2c3d",
        "LogicalResourceId": "Migrations",
        "ResourceProperties": {
            "Phase": "expand",
            "Directory": "migrations",
            "Target": "expand@head",
            "Roles": "existing",
            "Host": database.server.host,
            "Port": str(database.server.port),
            "Database": database.name,
            "SecretArn": arn,
            "ContentHash": "1",
        },
    }
    with Endpoint({"GetSecretValue": secret}) as aws:
        variables = {**aws.variables, "PGSSLMODE": "disable"}
        handlers = {name: f"seachange_migrations.handler.{name}" for name in ("on_event", "is_complete")}
        for name in handlers:
            (tmp_path / name).mkdir()
        with emulated(migrations, handlers["on_event"], work=tmp_path / "on_event", variables=variables) as on_event:
            event |= on_event.invoke(event).value
        # As in the template: the engine begins nothing that it could not end in the time of its call.
        with emulated(
            migrations, handlers["is_complete"], work=tmp_path / "is_complete", timeout_s=14 * 60, variables=variables
        ) as is_complete:
            answer = is_complete.invoke(event).value
            again = is_complete.invoke(event).value
            wrong = {**event, "ResourceProperties": {**event["ResourceProperties"], "Target": "absent"}}
            refusal = is_complete.invoke(wrong).value
    assert (answer["IsComplete"], answer["Data"]["Revisions"]) == (True, "0001,0002")
    assert (again["IsComplete"], again["Data"]["Revisions"]) == (True, "")
    assert refusal["errorType"] == "MigrationFailedError"
    assert "absent" in refusal["errorMessage"]
    assert "customers" in database.tables()
