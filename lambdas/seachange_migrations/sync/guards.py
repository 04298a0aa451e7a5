"""What the old side's constraints ask of a derived value: tested before it is assigned, for they would fail the writer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from seachange_migrations.sql import literal, quoted
from seachange_migrations.sync.table import Column, Table, qualified_types

CHECKS = """
SELECT k.conname::text, pg_get_expr(k.conbin, k.conrelid), (
    SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute AS a WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey))
FROM pg_constraint AS k
WHERE k.conrelid = :oid AND k.contype = 'c' AND k.conkey && ARRAY(
    SELECT attnum FROM pg_attribute WHERE attrelid = :oid AND attname = ANY (:old))
ORDER BY k.conname
"""

REFERENCES = """
SELECT k.conname::text, format('%I.%I', n.nspname, r.relname), k.confmatchtype = 'f',
       array_agg(a.attname::text ORDER BY p.n),
       array_agg(format('r.%I OPERATOR(%I.%s)', b.attname, s.nspname, o.oprname) ORDER BY p.n)
FROM pg_constraint AS k
JOIN pg_class AS r ON r.oid = k.confrelid JOIN pg_namespace AS n ON n.oid = r.relnamespace
CROSS JOIN LATERAL unnest(k.conkey, k.confkey, k.conpfeqop) WITH ORDINALITY AS p (own, other, operator, n)
JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = p.own
JOIN pg_attribute AS b ON b.attrelid = k.confrelid AND b.attnum = p.other
JOIN pg_operator AS o ON o.oid = p.operator JOIN pg_namespace AS s ON s.oid = o.oprnamespace
WHERE k.conrelid = :oid AND k.contype = 'f' AND k.conparentid = 0 AND k.conkey && ARRAY(
    SELECT attnum FROM pg_attribute WHERE attrelid = :oid AND attname = ANY (:old))
GROUP BY k.oid, k.conname, n.nspname, r.relname, k.confmatchtype ORDER BY k.conname
"""

UNIQUE = """
SELECT EXISTS (
    SELECT FROM pg_index AS i WHERE i.indrelid = :oid AND i.indisunique AND (i.indkey::int2[] && ARRAY(
        SELECT attnum FROM pg_attribute WHERE attrelid = :oid AND attname = ANY (:old)) OR EXISTS (
            SELECT FROM pg_depend AS d JOIN pg_attribute AS a ON a.attrelid = :oid AND a.attnum = d.refobjsubid
            WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid AND d.refobjid = :oid AND a.attname = ANY (:old))))
"""


@dataclass(frozen=True, kw_only=True)
class Guards:
    """`tests`, by the constraint's name, are PL/pgSQL that returns in words which constraint the arguments violate; `columns` are the arguments.

    `unique`: an old column is unique, so only values that are told apart on the new side may be derived.
    """

    columns: tuple[Column, ...]
    tests: Mapping[str, str]
    unique: bool


def read(connection: Connection, table: Table, old: Sequence[str]) -> Guards:
    """The guards for derived values of `old`."""
    parameters = {"oid": table.oid, "old": list(old)}
    checks = qualified_types(connection, CHECKS, parameters)
    references = connection.execute(text(REFERENCES), parameters).all()
    named = dict.fromkeys(name for *_, names in checks for name in names)
    named.update(dict.fromkeys(name for _, _, _, names, _ in references for name in names))
    tests = {
        name: f"IF ({condition}) IS FALSE THEN RETURN {literal(f'constraint {name}')}; END IF;"
        for name, condition, _ in checks
    }
    tests |= {reference[0]: _reference(*reference) for reference in references}
    return Guards(
        columns=tuple(table.columns[name] for name in named),
        tests=tests,
        unique=bool(connection.execute(text(UNIQUE), parameters).scalar()),
    )


def _reference(name: str, referent: str, is_full: bool, columns: Sequence[str], operands: Sequence[str]) -> str:
    """As the constraint itself asks: a key with a NULL is not looked up, unless MATCH FULL forbids it."""
    violated = literal(f"constraint {name}")
    values = ", ".join(map(quoted, columns))
    found = " AND ".join(f"{operand} {quoted(column)}" for operand, column in zip(operands, columns, strict=True))
    partial = f"IF pg_catalog.num_nulls({values}) BETWEEN 1 AND {len(columns) - 1} THEN RETURN {violated}; END IF;\n"
    return f"""{partial if is_full else ""}IF pg_catalog.num_nulls({values}) OPERATOR(pg_catalog.=) 0 THEN
    PERFORM FROM {referent} AS r WHERE {found} FOR KEY SHARE;
    IF NOT FOUND THEN RETURN {violated}; END IF;
END IF;"""
