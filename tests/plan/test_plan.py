"""What the plan reads from the templates: traffic steps, as CodeDeploy's deployment configurations define them, and the release's own port."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seachange.assembly import Assembly
from seachange.plan.errors import PlanError
from seachange.plan.template import read_plan, traffic_steps


@pytest.mark.parametrize(
    ("routing", "steps"),
    [
        ({"Type": "AllAtOnce"}, [(0, 100)]),
        (
            {"Type": "TimeBasedCanary", "TimeBasedCanary": {"CanaryPercentage": 10, "CanaryInterval": 5}},
            [(0, 10), (300, 100)],
        ),
        (
            {"Type": "TimeBasedLinear", "TimeBasedLinear": {"LinearPercentage": 30, "LinearInterval": 1}},
            [(0, 30), (60, 60), (120, 90), (180, 100)],
        ),
        (
            {"Type": "TimeBasedLinear", "TimeBasedLinear": {"LinearPercentage": 10, "LinearInterval": 3}},
            [(180 * index, 10 * (index + 1)) for index in range(10)],
        ),
    ],
)
def test_steps(routing: dict[str, Any], steps: list[tuple[float, int]]) -> None:
    assert [(step.at_s, step.green_weight) for step in traffic_steps(routing)] == steps


def test_an_unknown_configuration_is_refused() -> None:
    with pytest.raises(PlanError, match="none of AllAtOnce"):
        traffic_steps({"Type": "Sideways"})


@pytest.fixture
def deployed_with(green: Path, tmp_path: Path) -> Callable[..., Assembly]:
    """The assembly of v2, with other properties of the deployment resource."""

    def change(**properties: str) -> Assembly:
        copy = shutil.copytree(green, tmp_path / "green")
        path = copy / "customers-dev.template.json"
        template = json.loads(path.read_text("utf-8"))
        [deployment] = [r for r in template["Resources"].values() if r["Type"] == "Custom::SeaChangeDeployment"]
        deployment["Properties"] |= properties
        path.write_text(json.dumps(template), "utf-8")
        return Assembly.load(copy)

    return change


def test_the_releases_own_port_is_rehearsed(blue: Path, deployed_with: Callable[..., Assembly]) -> None:
    plan = read_plan(Assembly.load(blue), deployed_with(ContainerPort="9090"))
    assert (plan.blue.container_port, plan.green.container_port) == (8080, 9090)
    assert plan.green.sidecar is None


def test_a_sidecar_that_takes_the_traffic_is_told(blue: Path, deployed_with: Callable[..., Assembly]) -> None:
    plan = read_plan(Assembly.load(blue), deployed_with(ContainerName="proxy", ContainerPort="9090"))
    assert (plan.green.container_port, plan.green.sidecar) == (8080, "proxy")


@pytest.fixture
def stopping_after(green: Path, tmp_path: Path) -> Callable[[object], Assembly]:
    """The assembly of v2, with this StopTimeout in every container."""

    def change(value: object) -> Assembly:
        copy = shutil.copytree(green, tmp_path / "green")
        path = copy / "customers-dev.template.json"
        template = json.loads(path.read_text("utf-8"))
        [task] = [r for r in template["Resources"].values() if r["Type"] == "AWS::ECS::TaskDefinition"]
        for container in task["Properties"]["ContainerDefinitions"]:
            container["StopTimeout"] = value
        path.write_text(json.dumps(template), "utf-8")
        return Assembly.load(copy)

    return change


@pytest.mark.parametrize("seconds", [7, 120])
def test_a_task_has_the_containers_stop_timeout(
    blue: Path, stopping_after: Callable[[object], Assembly], seconds: int
) -> None:
    plan = read_plan(Assembly.load(blue), stopping_after(seconds))
    assert plan.green.stop_timeout_s == seconds
    # Where the container says nothing, as blue's: ECS's own default on Fargate.
    assert plan.blue.stop_timeout_s == 30


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (121, "the StopTimeout of container .* is 121 s, and Fargate takes at most 120 s"),
        ({"Ref": "Patience"}, "its StopTimeout must be a number in the template; it is .*Patience"),
    ],
)
def test_a_stop_timeout_that_ecs_refuses_or_only_aws_knows_is_refused(
    blue: Path, stopping_after: Callable[[object], Assembly], value: object, told: str
) -> None:
    with pytest.raises(PlanError, match=told):
        read_plan(Assembly.load(blue), stopping_after(value))
