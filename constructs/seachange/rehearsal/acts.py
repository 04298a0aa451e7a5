"""What is done to a rehearsal from outside: by an operator, by the database, by the world. Drills name them, the run performs them."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import psycopg
from psycopg import sql

from seachange.rehearsal.stage.postgres import PostgresServer

HELD_S = 15.0


class Moment(StrEnum):
    """When an act is due."""

    BEFORE_MIGRATION = "before the migration"
    MIGRATION = "migration"
    SHIFT = "shift"
    BAKE = "bake"


class Scene(Protocol):
    """What acts reach of a running rehearsal."""

    @property
    def server(self) -> PostgresServer:
        """The database's server."""

    @property
    def database(self) -> str:
        """The database's name."""

    def kill_migration(self) -> None:
        """Kills the migration's process; the next request goes on with its work."""

    def stop_deployment(self) -> None:
        """Has the deployment stopped with rollback at the next moment."""

    def set_rate(self, requests_per_s: float) -> None:
        """Gives the load another rate; 0 pauses it."""

    def in_background(self, work: Callable[[], None], name: str, *, disturbs: str = "") -> None:
        """Runs `work` beside the rehearsal; its error ends the rehearsal, and the rehearsal ends only after it.

        `disturbs` says, as a clause, what it does to everybody's requests; nothing by default.
        """


@dataclass(frozen=True, kw_only=True)
class Act:
    """Something that is done once.

    Attributes:
        at: Its place within the moment: a share of the shift's or the bake's time, seconds from the migration's start.
    """

    moment: Moment
    at: float
    do: Callable[[Scene], None]


def kill_migration(scene: Scene) -> None:
    """SIGKILL to the migration's process."""
    scene.kill_migration()


def stop_deployment(scene: Scene) -> None:
    """`aws deploy stop-deployment --auto-rollback-enabled`, in the words of an operator."""
    scene.stop_deployment()


def silence(scene: Scene) -> None:
    """No client asks any more."""
    scene.set_rate(0)


def restart_database(scene: Scene) -> None:
    """A "fast" restart of the server: sessions end, open transactions roll back."""

    def restart() -> None:
        scene.server.stop()
        scene.server.start()

    scene.in_background(restart, "database restart", disturbs="the database restarted")


def hold_tables(scene: Scene) -> None:
    """Reads every table in one transaction and keeps that open for `HELD_S` seconds: each table stays locked against DDL."""
    connection = psycopg.connect(scene.server.dsn(scene.database), application_name="long-transaction")
    tables = connection.execute(
        "SELECT schemaname, tablename FROM pg_tables WHERE schemaname !~ '^(pg_|information_schema|seachange)'"
    ).fetchall()
    for schema, table in tables:
        connection.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(sql.Identifier(schema, table)))

    def keep() -> None:
        time.sleep(HELD_S)
        connection.close()

    scene.in_background(keep, "long transaction")
