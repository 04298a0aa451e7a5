"""Traffic steps, as CodeDeploy's deployment configurations define them."""

from typing import Any

import pytest

from seachange.rehearsal.errors import PlanError
from seachange.rehearsal.template import traffic_steps


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
