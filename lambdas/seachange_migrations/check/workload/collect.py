"""Collects the serving release's statements: a recording, and what PostgreSQL counted."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from seachange_migrations.check.scratch import ScratchError
from seachange_migrations.check.workload.counted import Counted, counted
from seachange_migrations.check.workload.kinds import usable
from seachange_migrations.check.workload.model import Unknown, Workload, WorkloadStatement
from seachange_migrations.check.workload.recording import read_recording
from seachange_migrations.connection import ConnectionSettings

INTERVAL_S = 10.0
MOST = 1000
# Where a recording lies, beside env.py.
RECORDING = "workload.jsonl"


def collect(
    settings: ConnectionSettings,
    directory: Path,
    *,
    service: str | None = None,
    roles: Sequence[str] = (),
    interval_s: float = INTERVAL_S,
) -> Workload:
    """The statements that the serving release executes on the database of `settings`.

    First those of `workload.jsonl` in the migrations' `directory`, when there is one; then those that pg_stat_statements
    counted of `roles`, by default of every role but superusers. `service` is the role that serves, where the role of `settings`
    only migrates; by default that one may serve too. `interval_s`, 10 seconds by default, is how long to look which are still
    executed, where that must be known. Raises ScratchError when there is neither, InvalidRequestError for a recording that
    cannot be read.
    """
    recording = directory / RECORDING
    recorded = read_recording(recording, default_role=service or settings.user) if recording.exists() else ()
    try:
        found = counted(settings, roles=roles, interval_s=interval_s, own_serves=service is None)
    except ScratchError as error:
        if not recorded:
            raise
        found = Counted(statements=(), origin=f"nothing that PostgreSQL counted, for {error}")
    statements: list[WorkloadStatement] = []
    unknown = list(found.unknown)
    for statement in _without_doubles((*recorded, *found.statements)):
        verdict = usable(statement.sql)
        if isinstance(verdict, str):
            unknown.append(Unknown(sql=statement.sql, role=statement.role, reason=verdict))
        elif verdict and len(statements) < MOST:
            statements.append(statement)
        elif verdict:
            unknown.append(Unknown(sql=statement.sql, role=statement.role, reason=f"there are {MOST} before it"))
    origin = f"{RECORDING} and {found.origin}" if recorded else found.origin
    doubted_s = None if found.growing else interval_s
    return Workload(statements=tuple(statements), origin=origin, unknown=tuple(unknown), doubted_s=doubted_s)


def _without_doubles(statements: Iterable[WorkloadStatement]) -> Iterable[WorkloadStatement]:
    found: dict[tuple[str, str], WorkloadStatement] = {}
    for statement in statements:
        found.setdefault((statement.sql, statement.role), statement)
    return found.values()
