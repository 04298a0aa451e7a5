"""`migrate`: the one function that the Lambda, the command line and the rehearsal all call."""

import math
import time
from pathlib import Path

from seachange_migrations import first_migration
from seachange_migrations.apply import Applier
from seachange_migrations.connection import ConnectionSettings, open_connection
from seachange_migrations.directory import MigrationDirectory
from seachange_migrations.guards import refuse_unknown
from seachange_migrations.locks import LockWatch, advisory_lock
from seachange_migrations.phases import Phase
from seachange_migrations.plan import plan
from seachange_migrations.report import OnProgress, Report, silent
from seachange_migrations.running import ProfileName, Run, TimeLeft, endless, running

LOCK_PATIENCE_S = 10.0


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
) -> Report:
    """Brings the database of `settings` to `target` in `phase`, with the Alembic `directory`.

    Each revision commits on its own, so a call that raises `UnfinishedError` is simply repeated; `time_left` returns
    the seconds that remain for this one, without limit by default. `profile` (gentle by default) is the backfills' pace;
    one of `deferred_rows` rows or more (never, by default) is left to others. Raises a MigrationError otherwise; see
    `errors`.
    """
    started = time.monotonic()
    migrations = MigrationDirectory(directory, settings)
    run = Run(on_progress=on_progress, time_left=time_left, profile=profile, deferred_rows=deferred_rows)
    with running(run), open_connection(settings) as connection:
        migrations.attach(connection)
        with advisory_lock(connection, settings.database, patience_s=LOCK_PATIENCE_S, on_progress=on_progress):
            before = migrations.heads()
            refuse_unknown(migrations.script, before)
            is_first = first_migration.is_unfinished(connection, before, migrations.version_table)
            revisions = plan(migrations.script, before, target=target, phase=phase, first_migration=is_first)
            on_progress({"event": "planned", "from": before, "target": target, "phase": phase, "revisions": revisions})
            with LockWatch(settings, on_progress) as watch:
                applier = Applier(connection=connection, directory=migrations, watch=watch, run=run)
                applier.apply(revisions, first_comment=first_migration.MARK if is_first and not before else None)
            if is_first:
                first_migration.finish(connection, migrations.version_table)
            after = migrations.heads()
    return Report(
        before=before,
        after=after,
        revisions=revisions,
        duration_s=time.monotonic() - started,
        lock_wait_ms=watch.longest_wait_ms,
        rows_backfilled=run.rows_backfilled + migrations.rows_backfilled,
        version_table=migrations.version_table,
    )
