"""What a migration would do: the answer to `--plan` and `heads`, from a look that changes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from seachange_migrations.connection import ConnectionSettings
from seachange_migrations.directory import MigrationDirectory
from seachange_migrations.locks import HOLDER, lock_key
from seachange_migrations.phases import Phase
from seachange_migrations.planned import plan_for
from seachange_migrations.report import silent
from seachange_migrations.server import open_session


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """`before` are the database's revisions; `wanted` would run in the asked phase, `waiting` are pending in the other.

    `phase_of` holds the phase of every revision of the directory. `is_first`: the database is empty, or its first
    migration has not finished, so that both phases run. `lock_holder` says in words who migrates right now; None for nobody.
    """

    before: tuple[str, ...]
    wanted: tuple[str, ...]
    waiting: tuple[str, ...]
    phase_of: Mapping[str, Phase]
    is_first: bool
    lock_holder: str | None


def inspect(
    settings: ConnectionSettings, directory: Path, phase: Phase = Phase.EXPAND, target: str = "heads"
) -> Outlook:
    """What `migrate` with the same arguments would do. Takes no lock, and raises what `migrate` would refuse."""
    migrations = MigrationDirectory(directory, settings)
    with open_session(settings, silent) as connection:
        migrations.attach(connection)
        planned = plan_for(connection, migrations, phase=phase, target=target, on_progress=silent)
        holder = connection.exec_driver_sql(HOLDER, (lock_key(settings.database),)).scalar()
    return Outlook(
        before=planned.before,
        wanted=planned.wanted,
        waiting=planned.waiting,
        phase_of=planned.phase_of,
        is_first=planned.is_first,
        lock_holder=holder,
    )
