"""A metric that the load balancer never sends is not simulated as if it were."""

import pytest

from seachange.simulation.metrics import why_not
from tests.simulation.shifts import metric


@pytest.mark.parametrize(
    ("name", "group", "told"),
    [
        ("HTTPCode_ELB_502_Count", "G", "never sent by LoadBalancer and TargetGroup"),
        ("UnHealthyHostCount", None, "never sent by LoadBalancer"),
        ("HTTPCode_ELB_502_Count", None, None),
        ("HTTPCode_Target_5XX_Count", "G", None),
    ],
)
def test_dimensions(name: str, group: str | None, told: str | None) -> None:
    statistic = "Maximum" if name == "UnHealthyHostCount" else "Sum"
    asked = metric(name, group, statistic)
    why = why_not(asked, {"G": "green"})
    assert (told in (why or "")) if told else why is None
