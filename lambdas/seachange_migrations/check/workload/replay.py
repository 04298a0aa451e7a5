"""One role's statements: executed before, kept prepared, executed again after each revision."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import psycopg

from seachange_migrations.check.findings import Finding
from seachange_migrations.check.parser import Parsed, kinds
from seachange_migrations.check.scratch.failure import Failure
from seachange_migrations.check.workload import rules
from seachange_migrations.check.workload.model import Values, WorkloadStatement
from seachange_migrations.check.workload.parameters import Target, Use, targets
from seachange_migrations.check.workload.seeds import Row
from seachange_migrations.check.workload.session import Prepared, Session
from seachange_migrations.check.workload.tables import Tables
from seachange_migrations.check.workload.values import values

ENUMS = """
SELECT t.oid::int8, t.typarray::int8, t.oid::regtype::text, array_agg(e.enumlabel::text)
FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid GROUP BY t.oid
"""

# ambiguous_function, ambiguous_parameter, indeterminate_datatype
AMBIGUOUS = frozenset({"42725", "42P08", "42P18"})


@dataclass(frozen=True, kw_only=True)
class Executed:
    """A statement that worked before the first revision, with the values with which it did."""

    sql: str
    prepared: Prepared
    worked: Sequence[Values]


def execute_before(
    session: Session, statement: WorkloadStatement, parsed: Parsed, tables: Tables, rows: Mapping[str, Sequence[Row]]
) -> Executed | Failure:
    """Prepares `statement` in `session` and executes it with all the values that there are; why it never worked, if so."""
    found = targets(parsed, tables)
    prepared = session.prepare(statement.sql)
    if isinstance(prepared, Failure) and prepared.code in AMBIGUOUS:
        # Where a constant stood, whose type was plain, there is a parameter now: the columns know it.
        prepared = session.prepare(statement.sql, _types(parsed, found, tables))
    if isinstance(prepared, Failure):
        return prepared
    fits = [each for each in statement.recorded if len(each) == len(prepared.parameters)]
    bound = [*fits, *values(prepared.parameters, found, tables, rows, writes=_written(parsed, tables))]
    failures = {each: session.execute(prepared, each) for each in dict.fromkeys(bound)}
    worked = [each for each, failure in failures.items() if failure is None]
    if not worked:
        return next(failure for failure in failures.values() if failure is not None)
    return Executed(sql=statement.sql, prepared=prepared, worked=worked)


def execute_after(revision: str, executed: Executed, old: Session, new: Session) -> Finding | Failure | None:
    """What became of it: in the session that has it prepared, and in a new one."""
    failure = _in_new_session(executed, new)
    if failure is None:
        failure = next((found for each in executed.worked if (found := old.execute(executed.prepared, each))), None)
        prepared_only = True
    else:
        prepared_only = False
    if failure is None or failure.says_nothing:
        return failure
    return (rules.breaks_prepared if prepared_only else rules.breaks)(revision, executed.sql, failure)


def enums(connection: psycopg.Connection) -> dict[int, tuple[str, frozenset[str]]]:
    """Name and labels of each enum, by the number of its type and of its array's."""
    found = {}
    for oid, array, name, labels in connection.execute(ENUMS).fetchall():
        found[oid] = found[array] = (name, frozenset(labels))
    return found


def new_values(
    revision: str,
    executed: Executed,
    before: Mapping[int, tuple[str, frozenset[str]]],
    after: Mapping[int, tuple[str, frozenset[str]]],
) -> Iterator[Finding]:
    """The enums that it returns and that have values now which they had not."""
    for type_ in sorted(set(executed.prepared.returns) & before.keys() & after.keys()):
        if after[type_][1] - before[type_][1]:
            yield rules.reads_new_value(revision, executed.sql, after[type_][0])


def _in_new_session(executed: Executed, session: Session) -> Failure | None:
    # With the types that the serving release's driver found out before.
    prepared = session.prepare(executed.sql, executed.prepared.parameters)
    if isinstance(prepared, Failure):
        return prepared
    return next((found for each in executed.worked if (found := session.execute(prepared, each))), None)


def _types(parsed: Parsed, found: Mapping[int, Target], tables: Tables) -> list[int]:
    """The types of the columns that the parameters stand for; 0 where nobody knows."""
    count = max((node.number for node in kinds(parsed.node, "ParamRef")), default=0)
    types = dict.fromkeys(range(1, count + 1), 0)
    for number, target in found.items():
        if target.use is Use.VALUE and (column := tables.by_key[target.table].columns.get(target.column)):
            types[number] = column.oid
    return list(types.values())


def _written(parsed: Parsed, tables: Tables) -> str:
    """The key of the table that a statement inserts into or updates; empty for none."""
    for kind in ("InsertStmt", "UpdateStmt", "MergeStmt"):
        for node in kinds(parsed.node, kind):
            return tables.key(node.relation.schemaname, node.relation.relname)
    return ""
