"""When the machine is at fault, and when it does not carry a load at all."""

import time

import pytest

from seachange.rehearsal.machine import MOST_CPU_PERCENT, MOST_LAG_S, Machine, drowned, faults, overload
from seachange.rehearsal.statistics import AA

ALIKE = AA(duration_s=10, difference_s={}, interval_s={}, passed=True)
UNLIKE = AA(duration_s=10, difference_s={}, interval_s={}, passed=False)
IDLE, QUICK = [40.0] * 60, [0.0002] * 1000


def test_a_machine_that_keeps_up_is_not_at_fault() -> None:
    assert faults(IDLE, QUICK, ALIKE) == []
    assert faults([MOST_CPU_PERCENT] * 60, [MOST_LAG_S] * 1000, None) == []


def test_a_peak_while_tasks_start_is_no_fault() -> None:
    assert faults([100.0] * 29 + [60.0] * 31, QUICK, ALIKE) == []


def test_one_late_request_in_a_hundred_is_no_fault_and_two_are() -> None:
    assert faults(IDLE, [0.0002] * 99 + [0.4], ALIKE) == []
    (fault,) = faults(IDLE, [0.0002] * 98 + [0.0062] * 2, ALIKE)
    assert fault == "the load generator sent one request in a hundred 6.2 ms late or later; 5 ms are allowed"


@pytest.mark.parametrize(
    ("cpu_percent", "aa", "said"),
    [([93.0] * 31 + [60.0] * 29, ALIKE, "busy for 93 %"), (IDLE, UNLIKE, "blue's build differed from itself (A/A)")],
)
def test_a_busy_machine_and_unlike_twins_are_faults(cpu_percent: list[float], aa: AA, said: str) -> None:
    (fault,) = faults(cpu_percent, QUICK, aa)
    assert said in fault


def test_nothing_measured_is_no_fault() -> None:
    assert faults([], [], None) == []


def test_a_load_that_is_not_answered_or_leaves_late_is_not_carried() -> None:
    assert overload(2000, 1990, QUICK, rate=200) is None
    assert overload(0, 0, [], rate=200) is None
    unanswered = overload(2000, 1100, QUICK, rate=200)
    assert unanswered is not None
    assert "does not carry 200 requests/s: of 2000 only 1100 are answered so far; lower --rate" in unanswered
    late = overload(2000, 1990, [0.0002] * 900 + [1.24] * 100, rate=200)
    assert late is not None
    assert "requests left up to 1.2 s late; lower --rate" in late


@pytest.mark.parametrize(("rate", "most"), [(200, 1000), (3000, 4000)])
def test_answers_that_fall_seconds_behind_end_the_wait(rate: float, most: int) -> None:
    assert drowned(5000, 5000 - most, rate=rate) is None
    why = drowned(5000, 5000 - most - 1, rate=rate)
    assert why is not None
    assert f"does not carry {rate} requests/s: {most + 1} of 5000 wait for their answer; lower --rate" in why


@pytest.mark.slow
def test_each_second_has_a_sample() -> None:
    started = time.time()
    with Machine() as machine:
        time.sleep(2.3)
    assert len(machine.cpu) == 2
    assert all(started < at <= time.time() for at, _ in machine.cpu)
    # This very test keeps a processor busy now and then; no second of a running machine is all idle to the last tick.
    assert all(0 <= percent <= 100 for _, percent in machine.cpu)
