"""What the guides tell people to do to a backfill that runs, as the role that migrates on AWS."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import NullPool, create_engine

from seachange_migrations.backfill import run, status
from seachange_migrations.report import silent
from seachange_migrations.roles import ensure_roles
from seachange_migrations.running import Run, running
from tests.migrations.backfill.examples import doubling, items, left
from tests.migrations.databases import Database

GUIDES = Path(__file__).parents[3] / "docs/guide"


def told(guide: str) -> str:
    """The statement with which `guide` says to pause the backfill."""
    (statement,) = re.findall(r"`(UPDATE seachange\.backfill [^`]+)`", (GUIDES / guide).read_text("utf-8"))
    assert "'…'" in statement
    return str(statement).replace("…", doubling().name)


@pytest.mark.usefixtures("impatient", "small_batches")
@pytest.mark.parametrize("guide", ["migrating.md", "long-migrations.md"])
def test_pausing_by_hand(database: Database, guide: str) -> None:
    ensure_roles(database.master, database.owner, database.application, silent)
    items(database, 300)
    database.rows(f'ALTER TABLE items OWNER TO "{database.owner.user}"')
    pausing = told(guide)
    going_on = pausing.replace("true", "false")
    assert going_on != pausing
    reasons: list[str] = []
    behind: list[int] = []

    def watch(event: Mapping[str, Any]) -> None:
        if event["event"] == "backfill" and not behind:
            database.rows(pausing, database.owner)
        if event.get("paused"):
            reasons.append(event["paused"])
            behind.append(left(database))
            if len(reasons) == 3:
                (found,) = status(other)
                assert (found.paused, found.seconds_left) == (True, None)
                database.rows(going_on, database.owner)

    engine = create_engine(database.owner.url(), poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection, engine.connect() as other, running(Run(on_progress=watch)):
        run(connection, doubling())
    assert set(reasons) == {"asked to"}
    assert behind[0] > 0
    assert set(behind) == {behind[0]}, "nothing was written meanwhile"
    assert left(database) == 0
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        database.rows(pausing, database.application)
