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


def collect(
    settings: ConnectionSettings,
    *,
    recording: Path | None = None,
    roles: Sequence[str] = (),
    interval_s: float = INTERVAL_S,
) -> Workload:
    """The statements that the serving release executes on the database of `settings`.

    First those of `recording`, when there is one; then those of pg_stat_statements whose `calls` grow within `interval_s`
    seconds (10 by default), executed by `roles`: by default every role but superusers. In a quiet database those are all that
    were ever counted, of the role of `settings` only when there is no other. Raises ScratchError when there is neither,
    InvalidRequestError for a recording that cannot be read.
    """
    recorded = read_recording(recording, default_role=roles[0] if roles else settings.user) if recording else ()
    try:
        found = counted(settings, roles=roles, interval_s=interval_s)
    except ScratchError as error:
        if not recorded:
            raise
        found = Counted(statements=(), origin=f"nothing that PostgreSQL counted, for {error}", unknown=())
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
    origin = f"{recording} and {found.origin}" if recorded else found.origin
    return Workload(statements=tuple(statements), origin=origin, unknown=tuple(unknown))


def _without_doubles(statements: Iterable[WorkloadStatement]) -> Iterable[WorkloadStatement]:
    found: dict[tuple[str, str], WorkloadStatement] = {}
    for statement in statements:
        found.setdefault((statement.sql, statement.role), statement)
    return found.values()
