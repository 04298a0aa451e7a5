"""What a call would do to a database, refused where it must not: shared by `migrate` and the look that changes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from seachange_migrations import first_migration
from seachange_migrations.directory import MigrationDirectory
from seachange_migrations.guards import refuse_unknown
from seachange_migrations.inspection import inspect_pending
from seachange_migrations.phases import Phase, phases
from seachange_migrations.plan import pending, plan
from seachange_migrations.report import OnProgress


@dataclass(frozen=True, kw_only=True)
class Planned:
    """`before` are the database's revisions, `wanted` would be applied, `waiting` are pending in the other phase."""

    before: tuple[str, ...]
    wanted: tuple[str, ...]
    waiting: tuple[str, ...]
    phase_of: Mapping[str, Phase]
    is_first: bool

    @property
    def serving(self) -> frozenset[str]:
        """The revisions that are applied while releases serve, and until contract comes: with each, standing syncs keep their promises."""
        if self.is_first:
            return frozenset()
        return frozenset(revision for revision in self.wanted if self.phase_of[revision] is Phase.EXPAND)


def plan_for(
    connection: Connection, migrations: MigrationDirectory, *, phase: Phase, target: str, on_progress: OnProgress
) -> Planned:
    """Reads the database and decides. Raises a RefusedError or InvalidDirectoryError; nothing was changed."""
    script = migrations.script
    before = migrations.heads()
    refuse_unknown(script, before)
    is_first = first_migration.is_unfinished(connection, before, migrations.version_table)
    needed = pending(script, before, target)
    # Nothing is served from a database before its first migration has finished, so nothing can break.
    inspection = None if is_first else inspect_pending(script, needed)
    phase_of = inspection.phase_of if inspection else phases(script)
    wanted = plan(script, before, target=target, phase=phase, first_migration=is_first, phase_of=phase_of)
    if inspection:
        inspection.refuse_breaking(wanted)
    if not before and not is_first:
        found = first_migration.tables(connection, migrations.version_table)
        on_progress({"event": "not_empty", "tables": found})
    waiting = tuple(revision for revision in needed if revision not in wanted)
    return Planned(before=before, wanted=wanted, waiting=waiting, phase_of=phase_of, is_first=is_first)
