"""Queries of the stage's database: one that is not there is told in a line."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from seachange.rehearsal import data
from seachange.rehearsal.errors import StageError
from seachange.rehearsal.stage.ports import LOOPBACK, free_port


@pytest.mark.parametrize(
    "ask",
    [
        partial(data.seed, script=Path("seed.sql"), rows=1),
        partial(data.sample, queries={"id": "SELECT 1"}),
        partial(data.count, view="SELECT 1"),
        partial(data.compare, blue_view="SELECT 1", green_view="SELECT 1"),
    ],
)
def test_a_database_that_is_gone(ask: Callable[[str], object]) -> None:
    with pytest.raises(StageError, match="takes no connection"):
        ask(f"host={LOOPBACK} port={free_port()} dbname=rehearsal user=owner")
