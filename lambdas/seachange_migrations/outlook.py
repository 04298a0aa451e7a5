"""What a migration would do: the answer to `--plan` and `heads`, from a look that changes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from seachange_migrations import first_migration
from seachange_migrations.connection import ConnectionSettings, open_connection
from seachange_migrations.directory import MigrationDirectory
from seachange_migrations.guards import refuse_unknown
from seachange_migrations.locks import HOLDER, lock_key
from seachange_migrations.phases import Phase, phases
from seachange_migrations.plan import pending, plan


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
    with open_connection(settings) as connection:
        migrations.attach(connection)
        before = migrations.heads()
        refuse_unknown(migrations.script, before)
        is_first = first_migration.is_unfinished(connection, before, migrations.version_table)
        wanted = plan(migrations.script, before, target=target, phase=phase, first_migration=is_first)
        holder = connection.exec_driver_sql(HOLDER, (lock_key(settings.database),)).scalar()
    waiting = tuple(revision for revision in pending(migrations.script, before, target) if revision not in wanted)
    return Outlook(
        before=before,
        wanted=wanted,
        waiting=waiting,
        phase_of=phases(migrations.script),
        is_first=is_first,
        lock_holder=holder,
    )
