"""`migrate`: the one function that the Lambda, the command line and the rehearsal all call."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from seachange_migrations import first_migration
from seachange_migrations.apply import Applier
from seachange_migrations.connection import ConnectionSettings, connect
from seachange_migrations.directory import MigrationDirectory
from seachange_migrations.errors import ConnectionFailedError, ServerGoneError, UnfinishedError, UnreachableError
from seachange_migrations.failures import drivers_words, lost_connection, raise_clearly
from seachange_migrations.journal import forget_applied
from seachange_migrations.locks import LockWatch, advisory_lock
from seachange_migrations.phases import Phase
from seachange_migrations.planned import plan_for
from seachange_migrations.report import OnProgress, Report, silent
from seachange_migrations.running import ProfileName, Run, TimeLeft, endless, running
from seachange_migrations.server import open_session

LOCK_PATIENCE_S = 10.0
# A restart takes seconds, a failover of Amazon RDS one to two minutes.
RECONNECT_PATIENCE_S = 120.0
RECONNECT_PAUSE_S = 1.0
LOSSES = 5


def migrate(
    settings: ConnectionSettings,
    directory: Path,
    phase: Phase = Phase.EXPAND,
    target: str = "heads",
    on_progress: OnProgress = silent,
    *,
    time_left: TimeLeft = endless,
    profile: ProfileName = "gentle",
    deferred_rows: float = math.inf,
    free_storage: Callable[[], float] = endless,
) -> Report:
    """Brings the database of `settings` to `target` in `phase`, with the Alembic `directory`.

    Each revision commits on its own, so a call that raises `UnfinishedError` is simply repeated; `time_left` returns
    the seconds that remain for this one, without limit by default. `profile` (gentle by default) is the backfills' pace;
    one of `deferred_rows` rows or more (never, by default) is left to others, and all pause while `free_storage`, the bytes
    that are left (without limit by default), is little. Raises a MigrationError otherwise; see `errors`.
    """
    started = time.monotonic()
    migrations = MigrationDirectory(directory, settings)
    run = Run(
        on_progress=on_progress,
        time_left=time_left,
        profile=profile,
        deferred_rows=deferred_rows,
        free_storage=free_storage,
    )
    so_far = _SoFar()
    with running(run):
        try:
            after = _persistently(settings, run, lambda: _once(settings, migrations, phase, target, run, so_far))
        except UnfinishedError as error:
            error.before = so_far.before
            raise
    return Report(
        before=so_far.before or (),
        after=after,
        revisions=tuple(so_far.revisions),
        duration_s=time.monotonic() - started,
        lock_wait_ms=so_far.lock_wait_ms,
        rows_backfilled=run.rows_backfilled,
        version_table=migrations.version_table,
    )


@dataclass
class _SoFar:
    """What the sessions of one call have done together; `before` is what the first one found."""

    before: tuple[str, ...] | None = None
    revisions: list[str] = field(default_factory=list)
    lock_wait_ms: float = 0.0


def _once(
    settings: ConnectionSettings, migrations: MigrationDirectory, phase: Phase, target: str, run: Run, so_far: _SoFar
) -> tuple[str, ...]:
    """Migrates in one session; the database's revisions after it."""
    with open_session(settings, run.on_progress) as connection:
        migrations.attach(connection)
        with advisory_lock(connection, settings.database, patience_s=LOCK_PATIENCE_S, on_progress=run.on_progress):
            planned = plan_for(connection, migrations, phase=phase, target=target, on_progress=run.on_progress)
            so_far.before = planned.before if so_far.before is None else so_far.before
            run.on_progress(
                {
                    "event": "planned",
                    "from": planned.before,
                    "target": target,
                    "phase": phase,
                    "revisions": planned.wanted,
                }
            )
            forget_applied(connection, migrations.script, planned.before)
            with LockWatch(settings, run.on_progress) as watch:
                applier = Applier(
                    connection=connection,
                    directory=migrations,
                    watch=watch,
                    run=run,
                    serving=planned.serving,
                    applied=so_far.revisions,
                )
                begins = planned.is_first and not planned.before
                try:
                    applier.apply(planned.wanted, first_comment=first_migration.MARK if begins else None)
                finally:
                    so_far.lock_wait_ms = max(so_far.lock_wait_ms, watch.longest_wait_ms)
            if planned.is_first:
                first_migration.finish(connection, migrations.version_table)
            return migrations.heads()


def _persistently(settings: ConnectionSettings, run: Run, once: Callable[[], tuple[str, ...]]) -> tuple[str, ...]:
    """What `once` returns, begun again when the server went away under it; a revision's journal tells how far it came."""
    for loss in count(1):
        try:
            return once()
        except Exception as error:
            if not lost_connection(error) or (isinstance(error, ConnectionFailedError) and loss == 1):
                raise_clearly(error)
            if loss == LOSSES:
                raise ServerGoneError(run.revision, drivers_words(error)) from error
            run.on_progress({"event": "connection_lost", "revision": run.revision, "reason": drivers_words(error)})
            _await_server(settings, run, error)
    raise AssertionError("count() does not end")


def _await_server(settings: ConnectionSettings, run: Run, lost: Exception) -> None:
    """Returns once the server answers again. Raises ServerGoneError when that takes too long."""
    give_up = time.monotonic() + RECONNECT_PATIENCE_S
    while True:
        try:
            connect(settings).close()
            return
        except UnreachableError as error:
            if time.monotonic() > give_up or run.time_left() < RECONNECT_PAUSE_S:
                raise ServerGoneError(run.revision, drivers_words(lost)) from error
            time.sleep(RECONNECT_PAUSE_S)
