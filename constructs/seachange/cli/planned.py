"""What a migration would do, as far as that can be known before: `seachange migrate --plan`."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from seachange.cli.progress import Format
from seachange_migrations.backfill import Backfill, BackfillPlan, estimate
from seachange_migrations.check import check, emitted
from seachange_migrations.check.revisions import opened
from seachange_migrations.connection import ConnectionSettings, open_connection
from seachange_migrations.errors import MigrationError
from seachange_migrations.operations import BackfillRows
from seachange_migrations.outlook import Outlook, inspect
from seachange_migrations.phases import Phase

SCHEMA = "seachange.plan/1"
SCHEMA_OF = """
SELECT n.nspname::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = to_regclass(quote_ident(:table))
"""


@dataclass(frozen=True, kw_only=True)
class Planned:
    """`messages` are the revisions' first lines; `verdicts` what `seachange check` says of their SQL.

    `backfills` are those that the wanted revisions ask for: their plans, or in words why there is none.
    """

    phase: str
    outlook: Outlook
    messages: Mapping[str, str]
    verdicts: Mapping[str, str]
    backfills: Mapping[str, tuple[BackfillPlan | str, ...]]

    def to_json(self) -> dict[str, Any]:
        """The plan under the schema seachange.plan/1."""
        shown = {
            revision: [{"unknown": one} if isinstance(one, str) else asdict(one) for one in found]
            for revision, found in self.backfills.items()
        }
        return {
            "schema": SCHEMA,
            "phase": self.phase,
            "from": list(self.outlook.before),
            "first": self.outlook.is_first,
            "revisions": [
                {
                    "revision": revision,
                    "phase": self.outlook.phase_of[revision].value,
                    "message": self.messages[revision],
                    "verdict": self.verdicts[revision],
                    "backfills": shown.get(revision, []),
                }
                for revision in self.outlook.wanted
            ],
            "waiting": list(self.outlook.waiting),
            "lock_holder": self.outlook.lock_holder,
        }


def planned(settings: ConnectionSettings, directory: Path, phase: str, target: str) -> Planned:
    """Looks, and changes nothing. Raises what the migration itself would refuse."""
    outlook = inspect(settings, directory, Phase(phase), target)
    script, config = opened(directory)
    verdicts = {found.revision: found.verdict.value for found in check(directory, revisions=outlook.wanted).revisions}
    with open_connection(settings) as connection:
        backfills = {
            revision: tuple(
                _estimate(connection, revision, asked.asked)
                for asked in emitted.emitted(script, script.get_revision(revision), config).statements
                if isinstance(asked.asked, BackfillRows)
            )
            for revision in outlook.wanted
        }
    messages = {revision: _message(script, revision) for revision in outlook.wanted}
    return Planned(phase=phase, outlook=outlook, messages=messages, verdicts=verdicts, backfills=backfills)


def _estimate(connection: Connection, revision: str, asked: BackfillRows) -> BackfillPlan | str:
    schema = asked.schema or connection.scalar(text(SCHEMA_OF), {"table": asked.table})
    name = asked.name or asked.sync or f"{revision} {schema}.{asked.table} {', '.join(asked.assignments)}"
    if schema is None:
        return f"backfill of {asked.table}: that table is not there yet"
    backfill = Backfill(
        name=name, revision=revision, schema=schema, table=asked.table, assignments=asked.assignments, behind="true"
    )
    try:
        return estimate(connection, backfill)
    except MigrationError as error:
        return f"backfill {name}: {error}"


def _message(script: ScriptDirectory, revision: str) -> str:
    found = script.get_revision(revision)
    return found.doc if found.module.__doc__ else ""


def render(plan: Planned, output: Format) -> str:
    """For people, or one line of JSON."""
    return json.dumps(plan.to_json()) if output is Format.JSON else "\n".join(_lines(plan))


def _lines(plan: Planned) -> Iterator[str]:
    outlook = plan.outlook
    at = ", ".join(outlook.before) or "no revision"
    first = "; its first migration has not finished, so both phases run" if outlook.is_first else ""
    yield f"the database is at {at}{first}"
    if outlook.lock_holder:
        yield f"another deployer migrates it now: {outlook.lock_holder}"
    yield f"{plan.phase} would run:" if outlook.wanted else f"{plan.phase} would run nothing"
    for revision in outlook.wanted:
        said = (revision, outlook.phase_of[revision], plan.verdicts[revision], plan.messages[revision])
        yield "  " + "  ".join(filter(None, said))
        for found in plan.backfills.get(revision, ()):
            yield from (f"      {line}" for line in ([found] if isinstance(found, str) else found.lines()))
    if outlook.waiting:
        other = Phase.EXPAND if plan.phase == Phase.CONTRACT else Phase.CONTRACT
        yield f"waiting for {other}:"
        yield from (f"  {revision}  {outlook.phase_of[revision]}" for revision in outlook.waiting)
