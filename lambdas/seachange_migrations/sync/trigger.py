"""The functions and the trigger of a sync, as SQL.

The trigger's function runs as its owner and with a fixed search_path: writers need no right to anything of ours, and no name or
operator depends on theirs. Direction is told by what the statement changed. Rows are compared by image (`*<>`), which works
for types without equality and sees 1.0 become 1.00. No WHEN clause and no column list: a function that returns at once is
cheaper than WHEN, and a list misses what other triggers change.
"""

from collections.abc import Sequence
from textwrap import indent

from seachange_migrations.sync import names
from seachange_migrations.sync.conversion import Conversion
from seachange_migrations.sync.names import literal, quoted
from seachange_migrations.sync.spec import Sync
from seachange_migrations.sync.table import Column

# Whatever fails but for a cancellation, which is the writer's own.
CAUGHT = "EXCEPTION WHEN OTHERS OR ASSERT_FAILURE THEN"
FIXED_PATH = "SET search_path = pg_catalog, pg_temp"
# In which a key is written as text, whatever the session's are.
FIXED_STYLE = "SET DateStyle = 'ISO, YMD' SET IntervalStyle = 'postgres' SET TimeZone = 'UTC' SET extra_float_digits = 3 SET bytea_output = 'hex'"
UNIQUE = literal("the old side is unique, and it would come back as another value")


def not_null(column: str) -> str:
    """Why NULL is not assigned to a column that is NOT NULL."""
    return literal(f"{column} may not be NULL")


def record(values: Sequence[str]) -> str:
    """Values as one anonymous record."""
    return f"ROW({', '.join(values)})::pg_catalog.record"


def of(row: str, columns: Sequence[Column]) -> list[str]:
    """The columns of a row, such as NEW."""
    return [f"{row}.{quoted(column.name)}" for column in columns]


def same(left: Sequence[str], right: Sequence[str]) -> str:
    return f"{record(left)} OPERATOR(pg_catalog.*=) {record(right)}"


def differ(left: Sequence[str], right: Sequence[str]) -> str:
    return f"{record(left)} OPERATOR(pg_catalog.*<>) {record(right)}"


def text_of(row: str, columns: Sequence[Column]) -> str:
    """Columns of a row as a JSON object of texts, which loses nothing."""
    pairs = (f"{literal(column.name)}, {row}.{quoted(column.name)}::pg_catalog.text" for column in columns)
    return f"pg_catalog.jsonb_build_object({', '.join(pairs)})"


def declared(prefix: str, columns: Sequence[Column]) -> str:
    """Variables with the columns' types: an assignment casts as one to the column does. Domains are judged in the row itself."""
    return "\n".join(f"{prefix}{number} {column.base};" for number, column in enumerate(columns))


def variables(prefix: str, columns: Sequence[Column]) -> list[str]:
    return [f"{prefix}{number}" for number in range(len(columns))]


def arguments(*column_sets: Sequence[Column]) -> str:
    return ", ".join(f"{quoted(column.name)} {column.type}" for columns in column_sets for column in columns)


def plain(values: Sequence[str], columns: Sequence[Column]) -> list[str]:
    """Values of domains as what these are made of: records with other column types cannot be compared."""
    return [
        f"{value}::{column.base}" if column.is_domain else value for value, column in zip(values, columns, strict=True)
    ]


def assign(row: str, columns: Sequence[Column], values: Sequence[str]) -> str:
    return "\n".join(f"{row}.{quoted(column.name)} := {value};" for column, value in zip(columns, values, strict=True))


def functions(sync: Sync) -> list[str]:
    """The statements that make all functions of `sync`, in order; none locks the table."""
    made = [*sync.forward.functions(), *sync.backward.functions()] if not sync.is_identity else []
    made += [
        _comparison(sync, "in_step", sync.forward),
        _comparison(sync, "kept", sync.backward),
        _survives(sync),
        _key(sync),
        *_repair(sync),
    ]
    if sync.guards.tests:
        made.append(
            _plpgsql(
                sync,
                "fits",
                arguments(sync.guards.columns),
                "text",
                "\n".join([*sync.guards.tests.values(), "RETURN NULL;"]),
            )
        )
    made.append(
        _plpgsql(
            sync,
            "sync",
            "",
            "trigger",
            _body(sync),
            declare=_declarations(sync),
            options=f"SECURITY DEFINER {FIXED_PATH}",
        )
    )
    return made


def create_trigger(sync: Sync) -> str:
    """The statement that puts the trigger on the table."""
    return (
        f"CREATE TRIGGER {quoted(names.trigger(sync.name))} BEFORE INSERT OR UPDATE ON {sync.table.qualified} "
        f"FOR EACH ROW EXECUTE FUNCTION {sync.function('sync')}()"
    )


def add_columns(sync: Sync) -> str:
    """The statement that adds the new columns."""
    return f"ALTER TABLE {sync.table.qualified} " + ", ".join(
        f"ADD COLUMN {quoted(column.name)} {column.type}" for column in sync.new
    )


def _plpgsql(
    sync: Sync, part: str, taken: str, returned: str, body: str, *, declare: str = "", options: str = ""
) -> str:
    declarations = f"DECLARE\n{indent(declare, '    ')}\n" if declare else ""
    return (
        f"CREATE FUNCTION {sync.function(part)}({taken}) RETURNS {returned} LANGUAGE plpgsql {options} AS $seachange$\n"
        f"{declarations}BEGIN\n{indent(body, '    ')}\nEND\n$seachange$"
    )


def _comparison(sync: Sync, part: str, conversion: Conversion) -> str:
    """Whether what `conversion` makes of its sources is what stands in its targets; what it cannot convert is not."""
    taken = arguments(conversion.sources, conversion.targets)
    # By position: a column may have the name of a variable.
    sources = [f"${number}" for number in range(1, len(conversion.sources) + 1)]
    targets = [f"${len(sources) + number}" for number in range(1, len(conversion.targets) + 1)]
    if sync.is_identity:
        return (
            f"CREATE FUNCTION {sync.function(part)}({taken}) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE "
            f"RETURN {same(sources, targets)}"
        )
    if conversion.is_exact:
        compared = f"{conversion.record_of(sources)} OPERATOR(pg_catalog.*=) {record(targets)}"
        return _plpgsql(
            sync, part, taken, "boolean", f"RETURN {compared};\n{CAUGHT}\n    RETURN false;", options="IMMUTABLE"
        )
    derived = variables("v", conversion.targets)
    body = f"{conversion.into(derived, sources)}\nRETURN {same(derived, plain(targets, conversion.targets))};\n{CAUGHT}\n    RETURN false;"
    declare = f"{declared('v', conversion.targets)}\nconverted record;"
    return _plpgsql(sync, part, taken, "boolean", body, declare=declare, options="IMMUTABLE")


def _survives(sync: Sync) -> str:
    """Whether old values come back as they were from the new side."""
    sources = [f"${number}" for number in range(1, len(sync.old) + 1)]
    there, back = variables("n", sync.new), variables("o", sync.old)
    convert = f"{sync.forward.into(there, sources)}\n{sync.backward.into(back, there)}"
    body = f"{convert}\nRETURN {same(back, plain(sources, sync.old))};\n{CAUGHT}\n    RETURN false;"
    declare = f"{declared('n', sync.new)}\n{declared('o', sync.old)}\nconverted record;"
    return _plpgsql(sync, "survives", arguments(sync.old), "boolean", body, declare=declare, options="IMMUTABLE")


def _key(sync: Sync) -> str:
    pairs = ", ".join(
        f"{literal(column.name)}, ${number}::pg_catalog.text" for number, column in enumerate(sync.key, 1)
    )
    style = "" if all(column.has_stable_text for column in sync.key) else FIXED_STYLE
    return (
        f"CREATE FUNCTION {sync.function('key')}({arguments(sync.key)}) RETURNS jsonb LANGUAGE sql IMMUTABLE {style} "
        f"RETURN pg_catalog.jsonb_build_object({pairs})"
    )


def _repair(sync: Sync) -> list[str]:
    """Recording for repair, which cannot raise: what it cannot record it logs. An entry that is there already is not doubled."""
    name = literal(sync.name)
    key = f"{sync.function('key')}({', '.join(f'${number}' for number in range(1, len(sync.key) + 1))})"
    insert = f"""BEGIN
    INSERT INTO seachange.repair (sync, key, original, reason)
    SELECT {name}, $1, $2, $3 WHERE NOT EXISTS (
        SELECT FROM seachange.repair AS r WHERE r.sync OPERATOR(pg_catalog.=) {name} AND r.key OPERATOR(pg_catalog.=) $1
            AND r.original OPERATOR(pg_catalog.=) $2 AND r.reason OPERATOR(pg_catalog.=) $3);
{CAUGHT}
    RAISE WARNING 'sync %: a value of row % could not be recorded for repair: %', {name}, $1, SQLERRM;
END;"""
    move = f"""BEGIN
    UPDATE seachange.repair SET key = $2 WHERE sync OPERATOR(pg_catalog.=) {name} AND key OPERATOR(pg_catalog.=) $1;
{CAUGHT}
    RAISE WARNING 'sync %: entries for repair of row % could not follow its key: %', {name}, $1, SQLERRM;
END;"""
    found = f"RETURN EXISTS (SELECT FROM seachange.repair AS r WHERE r.sync OPERATOR(pg_catalog.=) {name} AND r.key OPERATOR(pg_catalog.=) {key});"
    return [
        _plpgsql(sync, "to_repair", "jsonb, jsonb, text", "void", insert),
        _plpgsql(sync, "rekey", "jsonb, jsonb", "void", move),
        # The trigger's owner alone calls them: nobody else may forge an entry.
        *(f"REVOKE ALL ON FUNCTION {sync.function(part)} FROM PUBLIC" for part in ("to_repair", "rekey")),
        # VOLATILE, so that it sees what the same statement has recorded.
        _plpgsql(sync, "in_repair", arguments(sync.key), "boolean", found),
    ]


def _declarations(sync: Sync) -> str:
    return "\n".join(
        [
            "old_written boolean := false;  -- beside the new side",
            "converted record;",
            declared("o", sync.old),
            "unfit text;  -- why a derived value is not assigned; never a value itself",
            *(["given record;"] if _partly_assignable(sync) else []),
        ]
    )


def _partly_assignable(sync: Sync) -> bool:
    """Whether an assignment of derived old values may fail after some of them."""
    return len(sync.old) > 1 and any(column.is_domain for column in sync.old)


def _body(sync: Sync) -> str:
    old, new, key = sync.old, sync.new, sync.key
    defaults = [f"({column.default})::{column.base}" if column.default else f"NULL::{column.base}" for column in old]
    written = f"pg_catalog.num_nonnulls({', '.join(of('NEW', new))}) OPERATOR(pg_catalog.>) 0"
    call = f"{sync.function('in_step')}({', '.join([*of('NEW', old), *of('NEW', new)])})"
    setting = "pg_catalog.current_setting('seachange.sync', true)"
    insert, update = (f"TG_OP OPERATOR(pg_catalog.=) '{event}'" for event in ("INSERT", "UPDATE"))
    moved = f"{update} AND {differ(of('OLD', key), of('NEW', key))}"
    new_written = f"CASE WHEN {insert} THEN {written} ELSE {differ(of('OLD', new), of('NEW', new))} END"
    given = differ(plain(of("NEW", old), old), defaults)
    old_written = f"CASE WHEN {insert} THEN {given} ELSE {differ(of('OLD', old), of('NEW', old))} END"
    overwritten = literal("overwritten by the backfill: it was not in step with the old side")
    # Each expression costs a transaction's first call a microsecond or two: what is seldom asked hides behind one that is.
    return f"""IF {setting} OPERATOR(pg_catalog.<>) '' OR {moved} THEN
    IF {moved} THEN
        PERFORM {sync.function("rekey")}({_key_of(sync, "OLD")}, {_key_of(sync, "NEW")});
    END IF;
    IF {setting} OPERATOR(pg_catalog.=) 'filled' THEN
        RETURN NEW;  -- the backfill, which has derived the new side itself
    ELSIF {setting} OPERATOR(pg_catalog.=) 'off' AND {update} THEN
        -- The backfill, whose own writes would look like green's.
        IF {written} AND NOT {call} THEN
            {_record(sync, "NEW", new, overwritten)}
        END IF;
{indent(_forward(sync), "        ")}
        RETURN NEW;
    ELSIF {setting} OPERATOR(pg_catalog.=) 'back' AND {update} THEN
        -- A repair, which derives the old side anew from what stands on the new one.
{indent(_backward(sync), "        ")}
        RETURN NEW;
    END IF;
END IF;

IF ({new_written}) THEN
    IF ({old_written}) THEN
        IF {call} THEN
            RETURN NEW;
        END IF;
        old_written := true;
    END IF;
{indent(_backward(sync), "    ")}
ELSIF {insert} OR {differ(of("OLD", old), of("NEW", old))} THEN
{indent(_forward(sync), "    ")}
END IF;
RETURN NEW;"""


def _forward(sync: Sync) -> str:
    convert = sync.forward.into(of("NEW", sync.new), of("NEW", sync.old))
    if sync.is_identity:
        return convert
    return f"""BEGIN
{indent(convert, "    ")}
{CAUGHT}
{indent(assign("NEW", sync.new, ["NULL"] * len(sync.new)), "    ")}
    {_record(sync, "NEW", sync.old, "'does not convert: '::pg_catalog.text OPERATOR(pg_catalog.||) SQLSTATE")}
END;"""


def _backward(sync: Sync) -> str:
    old, new = sync.old, sync.new
    derived = variables("o", old)
    in_step = f"{sync.function('in_step')}({', '.join([*derived, *of('NEW', new)])})"
    kept = f"{sync.function('kept')}({', '.join([*of('OLD', new), *of('OLD', old)])})"
    tests = [
        _unfit(f"pg_catalog.num_nulls({variable}) OPERATOR(pg_catalog.=) 1", not_null(column.name))
        for variable, column in zip(derived, old, strict=True)
        if column.not_null
    ]
    if sync.guards.tests:
        by_name = dict(zip((column.name for column in old), derived, strict=True))
        passed = ", ".join(by_name.get(column.name, f"NEW.{quoted(column.name)}") for column in sync.guards.columns)
        tests.append(
            f"unfit := {sync.function('fits')}({passed});\nIF unfit IS NOT NULL THEN\n    RAISE check_violation;\nEND IF;"
        )
    ambiguous = ""
    if not sync.is_identity and sync.guards.unique:
        ambiguous = _unfit(f"NOT {in_step}", UNIQUE)
    elif not sync.is_identity:
        cannot_hold = literal("the old side cannot hold it: it comes back as another value")
        ambiguous = f"IF NOT {in_step} THEN\n    {_record(sync, 'NEW', new, cannot_hold)}\nEND IF;"
    save = "given := ROW(" + ", ".join(of("NEW", old)) + ");\n" if _partly_assignable(sync) else ""
    restore = assign("NEW", old, [f"given.f{number}" for number in range(1, len(old) + 1)]) if save else ""
    convert = "\n".join(
        filter(
            None,
            [
                sync.backward.into(derived, of("NEW", new)),
                *tests,
                ambiguous,
                f"""IF old_written THEN
    {_record(sync, "NEW", old, literal("both sides were written and disagree; the new one was kept"))}
ELSIF TG_OP OPERATOR(pg_catalog.=) 'UPDATE' AND NOT {kept} THEN
    IF pg_catalog.num_nonnulls({", ".join(of("OLD", old))}) OPERATOR(pg_catalog.>) 0 THEN
        {_record(sync, "OLD", old, literal("overwritten: the new side did not hold it"), key_row="NEW")}
    END IF;
END IF;""",
                assign("NEW", old, derived),
            ],
        )
    )
    failed = "'does not convert back: '::pg_catalog.text OPERATOR(pg_catalog.||) coalesce(unfit, SQLSTATE)"
    if sync.is_identity and not tests and not old[0].is_domain:
        return convert
    return f"""{save}BEGIN
{indent(convert, "    ")}
{CAUGHT}
{indent(restore, "    ") + chr(10) if restore else ""}    {_record(sync, "NEW", new, failed)}
END;"""


def _unfit(condition: str, why: str) -> str:
    return f"IF {condition} THEN\n    unfit := {why};\n    RAISE check_violation;\nEND IF;"


def _key_of(sync: Sync, row: str) -> str:
    return f"{sync.function('key')}({', '.join(of(row, sync.key))})"


def _record(sync: Sync, row: str, columns: Sequence[Column], reason: str, *, key_row: str = "NEW") -> str:
    return f"PERFORM {sync.function('to_repair')}({_key_of(sync, key_row)}, {text_of(row, columns)}, {reason});"
