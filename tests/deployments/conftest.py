"""A world of stubbed AWS services, checked at the end of each test for calls that were not made."""

from collections.abc import Iterator

import pytest

from tests.deployments.world import World


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.settled()
