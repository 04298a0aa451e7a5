"""The whole check: emitted SQL, a scratch database on the server of a real one, and what the serving release executes there."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from seachange_migrations.check import check
from seachange_migrations.check.findings import Result
from seachange_migrations.check.observed import observe
from seachange_migrations.check.scratch import ScratchError, scratch
from seachange_migrations.check.statement import RevisionObservation
from seachange_migrations.check.workload import Proof, collect, prove
from seachange_migrations.connection import ConnectionSettings, open_connection
from seachange_migrations.directory import MigrationDirectory
from seachange_migrations.errors import one_line
from seachange_migrations.guards import refuse_unknown
from seachange_migrations.plan import pending

MOST_LISTED, SHOWN_BYTES = 20, 100


def check_on(settings: ConnectionSettings, directory: Path, *, revisions: Sequence[str] | None = None) -> Result:
    """Checks `revisions`, by default those that the database of `settings` has not; the real database is only read.

    What the scratch database and the workload could not show stands in the result's notes. Raises a MigrationError when the
    database cannot be reached or the directory cannot be used.
    """
    missing = _missing(settings, directory)
    wanted = missing if revisions is None else tuple(revisions)
    observations, notes = _observed(settings, directory, missing) if set(wanted) & set(missing) else ([], [])
    result = check(directory, revisions=wanted, observations=observations)
    return replace(result, notes=(*result.notes, *notes))


def _missing(settings: ConnectionSettings, directory: Path) -> tuple[str, ...]:
    migrations = MigrationDirectory(directory, settings)
    with open_connection(settings) as connection:
        migrations.attach(connection)
        heads = migrations.heads()
    refuse_unknown(migrations.script, heads)
    return pending(migrations.script, heads, "heads")


def _observed(
    settings: ConnectionSettings, directory: Path, revisions: Sequence[str]
) -> tuple[Sequence[RevisionObservation], list[str]]:
    try:
        with scratch(settings, directory) as made:
            notes = [f"observed on a scratch database, made from {made.source}"]
            try:
                workload = collect(settings, directory)
            except ScratchError as error:
                notes.append(f"no statement of the serving release was executed: {error}")
                return observe(made, directory, revisions), notes
            proof = prove(made, directory, revisions, workload)
            return proof.observations, [*notes, *_said(proof, workload.origin)]
    except ScratchError as error:
        # They were tried, so that nobody is told to try them.
        tried = [RevisionObservation(revision=revision) for revision in revisions]
        return tried, [f"nothing was observed, only the SQL was read: {error}"]


def _said(proof: Proof, origin: str) -> list[str]:
    notes = [
        f"workload: {proof.executed} statements of {origin} were executed before and after; {len(proof.unknown)} are unknown"
    ]
    listed = [
        f"workload, unknown: {one_line(found.sql, SHOWN_BYTES)} ({found.role}): {one_line(found.reason, SHOWN_BYTES)}"
        for found in proof.unknown
    ]
    if len(listed) > MOST_LISTED:
        listed = [*listed[:MOST_LISTED], f"workload, unknown: {len(listed) - MOST_LISTED} more"]
    return [*notes, *proof.notes, *listed]
