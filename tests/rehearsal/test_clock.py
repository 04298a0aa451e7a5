"""The plan's clock, and what runs on its own."""

import pytest

from seachange.plan.model import HealthCheck
from seachange.rehearsal.clock import healthy_within_s, local_health_interval_s

CHECK = HealthCheck(path="/", interval_s=30, timeout_s=5, healthy=2, unhealthy=3, codes="200")


@pytest.mark.parametrize(("speed", "interval_s"), [(1, 30), (10, 3), (60, 1)])
def test_the_health_check_s_interval_is_scaled_but_never_below_a_second(speed: float, interval_s: float) -> None:
    assert local_health_interval_s(CHECK, speed) == interval_s


@pytest.mark.parametrize(("speed", "within_s"), [(1, 20 + 90), (60, 20 + 3)])
def test_tasks_have_time_to_start_and_for_their_checks(speed: float, within_s: float) -> None:
    """At speed 1 two checks, and one that came too early, take longer than any start: no service was ever healthy in time."""
    assert healthy_within_s(CHECK, speed, 20) == within_s
