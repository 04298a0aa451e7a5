"""When requests are due, over changes of the rate."""

import math

from hypothesis import given
from hypothesis import strategies as st

from seachange.rehearsal.load.pace import Pace

START = 1_764_000_000.0
CHANGES = st.lists(st.tuples(st.floats(0.01, 50), st.one_of(st.just(0.0), st.floats(0.1, 2000))), max_size=6)


@given(first=st.floats(0.1, 2000), changes=CHANGES, last=st.floats(0.1, 2000), position=st.integers(1, 10_000))
def test_a_position_is_the_integral_of_the_rate(
    first: float, changes: list[tuple[float, float]], last: float, position: int
) -> None:
    pace = Pace(first, START)
    at, rate, integral = START, first, 0.0
    for seconds, changed in [*changes, (1.0, last)]:
        # As seconds of the epoch are floating-point numbers, they differ by a little less, or more, than `seconds`.
        integral += rate * (at + seconds - at)
        at += seconds
        rate = changed
        pace.set_rate(rate, at)
    if position >= integral:
        assert math.isclose(pace.due(position) - at, (position - integral) / rate, abs_tol=1e-5, rel_tol=1e-6)


def test_in_a_pause_nothing_is_due() -> None:
    pace = Pace(100, START)
    pace.set_rate(0, START + 1)
    assert pace.due(100.5) == math.inf
    pace.set_rate(10, START + 60)
    assert math.isclose(pace.due(100.5), START + 60.05, abs_tol=1e-6)
