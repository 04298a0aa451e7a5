"""SIGKILL at any moment of a migration under load, and many deployers at once."""

import os
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.migrations.databases import Database
from tests.survival import shop
from tests.survival.deployer import Deployer
from tests.survival.load import Load

# The acceptance kills 200 times.
KILLS = int(os.environ.get("SEACHANGE_KILLS", "8"))
KILLS_OF_ONE = 4
DEPLOYERS = 8

pytestmark = pytest.mark.slow


@pytest.mark.timeout(300 + 30 * KILLS)
def test_killed_at_random_moments(
    cloned: Callable[[], Database], migrations: Path, undisturbed: shop.Undisturbed
) -> None:
    whole_s = _duration(cloned(), migrations)
    killed = 0
    while killed < KILLS:
        database = cloned()
        with Load(database) as load:
            for _ in range(min(KILLS_OF_ONE, KILLS - killed)):
                deployer = Deployer(database.master, migrations)
                if deployer.ends_within(random.uniform(0, whole_s)):
                    break
                deployer.kill()
                killed += 1
            Deployer(database.master, migrations).applied()
        assert load.failures == []
        assert load.written > 0
        shop.verify(database, undisturbed)
        shop.drop(database)


def _duration(database: Database, migrations: Path) -> float:
    started = time.monotonic()
    with Load(database):
        Deployer(database.master, migrations).applied()
    return time.monotonic() - started


def test_eight_deployers_at_once(
    cloned: Callable[[], Database], migrations: Path, undisturbed: shop.Undisturbed
) -> None:
    database = cloned()
    with Load(database) as load:
        deployers = [Deployer(database.master, migrations) for _ in range(DEPLOYERS)]
        applied = sorted(revision for deployer in deployers for revision in deployer.applied())
    assert applied == ["0002", "0003", "0004", "0005", "0006", "0007"]
    assert load.failures == []
    shop.verify(database, undisturbed)
