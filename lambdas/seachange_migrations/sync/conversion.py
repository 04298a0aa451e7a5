"""The conversions of a sync: bound when they are made, so that no search_path matters; pure, as PostgreSQL itself judges."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from seachange_migrations.errors import RefusedError, one_line
from seachange_migrations.failures import passes
from seachange_migrations.sql import quoted, verbatim
from seachange_migrations.sync import names
from seachange_migrations.sync.table import Column, qualified_types

Direction = Literal["forward", "backward"]
Expressions = Mapping[str, str] | str


@dataclass(frozen=True, kw_only=True)
class Conversion:
    """One direction: `targets` from `sources`.

    `expressions` has one for each target, or `record` is one that returns them all by name. `function` is the user's own function,
    qualified, when `record` is nothing but a call of it: it is then called as it is, once for all targets. `returns` are the columns of
    what it returns, by name their types.
    """

    sync: str
    direction: Direction
    sources: Sequence[Column]
    targets: Sequence[Column]
    expressions: Mapping[str, str]
    record: str | None = None
    function: str | None = None
    returns: Mapping[str, str] | None = None

    @property
    def is_identity(self) -> bool:
        """Whether it hands over one value as it is, so that it cannot fail."""
        if len(self.sources) != 1 or len(self.targets) != 1 or self.record is not None:
            return False
        source, target = self.sources[0], self.targets[0]
        bare = self.expressions[target.name].strip()
        is_name = bare == quoted(source.name) or (bare == source.name and bare.islower() and bare.isidentifier())
        return is_name and source.type == target.type

    @property
    def is_exact(self) -> bool:
        """Whether what it returns has the targets' very types, so that it can be compared with them as it is."""
        if any(target.is_domain or "(" in target.type for target in self.targets):
            return False
        return self.function is None or list((self.returns or {}).items()) == [(t.name, t.type) for t in self.targets]

    def functions(self) -> list[str]:
        """The statements that make its functions."""
        arguments = ", ".join(f"{quoted(source.name)} {source.type}" for source in self.sources)
        pure = "LANGUAGE sql IMMUTABLE PARALLEL SAFE"
        if self.record is None:
            return [
                f"CREATE FUNCTION {names.conversion(self.sync, target.name)}({arguments}) RETURNS {target.type} {pure} "
                f"RETURN ({self.expressions[target.name]})"
                for target in self.targets
            ]
        if self.function is not None:
            return []
        out = ", ".join(f"OUT {quoted(target.name)} {target.type}" for target in self.targets)
        fields = ", ".join(f"r.{quoted(target.name)}" for target in self.targets)
        return [
            f"CREATE FUNCTION {names.function(self.sync, self.direction)}({arguments}, {out}) {pure} "
            f"BEGIN ATOMIC SELECT {fields} FROM (SELECT ({self.record}).*) AS r; END"
        ]

    def record_of(self, arguments: Sequence[str]) -> str:
        """SQL that converts `arguments` into one record."""
        passed = ", ".join(arguments)
        if self.record is not None:
            return f"{self.function or names.function(self.sync, self.direction)}({passed})"
        calls = ", ".join(f"{names.conversion(self.sync, target.name)}({passed})" for target in self.targets)
        return f"ROW({calls})::pg_catalog.record"

    def into(self, variables: Sequence[str], arguments: Sequence[str]) -> str:
        """PL/pgSQL that converts `arguments` into `variables`; a record goes through the variable `converted`."""
        passed = ", ".join(arguments)
        if self.record is None:
            return "\n".join(
                f"{variable} := {arguments[0] if self.is_identity else f'{names.conversion(self.sync, target.name)}({passed})'};"
                for variable, target in zip(variables, self.targets, strict=True)
            )
        called = self.function or names.function(self.sync, self.direction)
        return "\n".join(
            [
                f"converted := {called}({passed});",
                *(
                    f"{variable} := converted.{quoted(target.name)};"
                    for variable, target in zip(variables, self.targets, strict=True)
                ),
            ]
        )


def build(
    sync: str, direction: Direction, sources: Sequence[Column], targets: Sequence[Column], given: Expressions
) -> Conversion:
    """The conversion that an author gave as a mapping or as one expression. Raises RefusedError when targets and it do not fit."""
    wanted = [target.name for target in targets]
    if not isinstance(given, str):
        if set(given) != set(wanted):
            raise RefusedError(
                f"sync {sync}: {direction} gives {', '.join(given) or 'nothing'}; it must give {', '.join(wanted)}"
            )
        return Conversion(sync=sync, direction=direction, sources=sources, targets=targets, expressions=given)
    if len(wanted) == 1:
        given_by_name = {wanted[0]: given}
        return Conversion(sync=sync, direction=direction, sources=sources, targets=targets, expressions=given_by_name)
    return Conversion(sync=sync, direction=direction, sources=sources, targets=targets, expressions={}, record=given)


# Of several by that name PostgreSQL takes the one with just these types. A function in SQL may be inlined, and its record then has
# lost the names of its fields; a strict one may return no record at all.
CALLED = """
SELECT format('%I.%I', n.nspname, p.proname), ARRAY(
    SELECT ARRAY[r.name, format_type(r.type, NULL)]
    FROM unnest(p.proargnames, p.proallargtypes, p.proargmodes::text[]) WITH ORDINALITY AS r (name, type, mode, n)
    WHERE r.mode = 'o' ORDER BY r.n)
FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace JOIN pg_language AS l ON l.oid = p.prolang
WHERE p.oid = :function AND l.lanname <> 'sql' AND NOT p.proisstrict
"""


def calling(connection: Connection, conversion: Conversion) -> Conversion:
    """The same, with the function of which its record is nothing but a call with all sources in order."""
    name, opening, rest = (conversion.record or "").strip().partition("(")
    arguments = [argument.strip() for argument in rest.removesuffix(")").split(",")]
    are_sources = len(arguments) == len(conversion.sources) and all(
        argument == quoted(source.name) or (argument == source.name and argument.islower())
        for argument, source in zip(arguments, conversion.sources, strict=True)
    )
    if not opening or not rest.endswith(")") or not are_sources:
        return conversion
    signature = f"{name}({', '.join(source.type for source in conversion.sources)})"
    function = connection.scalar(text("SELECT to_regprocedure(:signature)::oid"), {"signature": signature})
    found = qualified_types(connection, CALLED, {"function": function})
    return replace(conversion, function=found[0][0], returns=dict(found[0][1])) if found else conversion


def require_pure(connection: Connection, probe: str, conversion: Conversion) -> None:
    """Raises RefusedError for a conversion that cannot be computed from its sources alone; `probe` is a table that has them.

    PostgreSQL judges: it refuses a generated column whose expression is not immutable.
    """
    for number, target in enumerate(conversion.targets):
        expression = (
            f"({conversion.record}).{quoted(target.name)}" if conversion.record else conversion.expressions[target.name]
        )
        added = f"ALTER TABLE {probe} ADD COLUMN {quoted(f'~{conversion.direction}{number}')} {target.type} GENERATED ALWAYS AS ({expression}) STORED"
        try:
            with connection.begin_nested():
                connection.execute(verbatim(added))
        except DBAPIError as error:
            if passes(error):
                raise
            raise RefusedError(
                f"sync {conversion.sync}: {conversion.direction} for {target.name}, {one_line(expression, 200)}, cannot be kept in "
                f"step by a trigger: {one_line(error.orig or error, 300)}. It must be an expression over "
                f"{', '.join(source.name for source in conversion.sources)} alone, named without their table, with functions that are "
                "IMMUTABLE; a function of your own may be declared so if it is. concat and concat_ws are not: write a || b."
            ) from error
