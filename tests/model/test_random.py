"""Random sequences of deploys and faults: every promise of the invariants holds after each of them.

Each test draws other sequences, always the same ones; `faults` says what can happen. The slow tests run 10,000 sequences of
updates and 3,000 creations.
"""

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.model.creation import GENES, create, creation
from tests.model.faults import LENGTH, script
from tests.model.script import NEVER
from tests.model.world import World

_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]


def every_promise_holds(examples: int, number: int) -> None:
    """So many sequences of updates."""

    @seed(number)
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=_SLOW)
    @given(data=st.binary(min_size=LENGTH, max_size=LENGTH))
    def check(data: bytes) -> None:
        drawn = script(data)
        assert World(drawn).run().broken.promises == [], str(drawn)

    check()


def creations_tell(examples: int, number: int) -> None:
    """So many creations: dying tasks fail it with their reason, healthy ones never do, however slow."""

    @seed(number)
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=_SLOW)
    @given(data=st.binary(min_size=GENES, max_size=GENES))
    def check(data: bytes) -> None:
        drawn = creation(data)
        world, request = create(drawn)
        assert world.broken.promises == [], str(drawn)
        died = "Task timed out" in request.reason
        if drawn.crashes and drawn.fails_after == NEVER:
            assert request.status == "FAILED", str(drawn)
        if not drawn.crashes and drawn.steady_after != NEVER and not died:
            assert request.status == "SUCCESS", (drawn, request.reason)

    check()


def test_some_sequences() -> None:
    every_promise_holds(200, 0)


@pytest.mark.slow
@pytest.mark.timeout(900)  # a found sequence takes minutes to be made short
@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_ten_thousand_sequences(number: int) -> None:
    every_promise_holds(2500, number)


def test_some_creations() -> None:
    creations_tell(100, 0)


@pytest.mark.slow
def test_three_thousand_creations() -> None:
    creations_tell(3000, 1)
