"""The trigger of a sync and its function, as SQL.

The trigger's function runs as its owner and with a fixed search_path: writers need no right to anything of ours, and no name or
operator depends on theirs. Direction is told by what the statement changed. Rows are compared by image (`*<>`), which works
for types without equality and sees 1.0 become 1.00. No WHEN clause and no column list: a function that returns at once is
cheaper than WHEN, and a list misses what other triggers change.
"""

from textwrap import indent

from seachange_migrations.sql import literal, quoted
from seachange_migrations.sync import names
from seachange_migrations.sync.entries import entry, guarded, key_of
from seachange_migrations.sync.fragments import CAUGHT, assign, declared, differ, of, plain, variables
from seachange_migrations.sync.spec import Sync

UNIQUE = literal("the old side is unique, and it would come back as another value")
FAILED = "'does not convert: '::pg_catalog.text OPERATOR(pg_catalog.||) SQLSTATE"


def not_null(column: str) -> str:
    """Why NULL is not assigned to a column that is NOT NULL."""
    return literal(f"{column} may not be NULL")


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


def declarations(sync: Sync) -> str:
    """The variables of the trigger's function."""
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


def body(sync: Sync) -> str:
    """What the trigger's function does."""
    old, new, key = sync.old, sync.new, sync.key
    defaults = [f"({column.default})::{column.base}" if column.default else f"NULL::{column.base}" for column in old]
    written = f"pg_catalog.num_nonnulls({', '.join(of('NEW', new))}) OPERATOR(pg_catalog.>) 0"
    call = f"{sync.function('in_step')}({', '.join([*of('NEW', old), *of('NEW', new)])})"
    setting = "pg_catalog.current_setting('seachange.sync', true)"
    insert, update = (f"TG_OP OPERATOR(pg_catalog.=) '{event}'" for event in ("INSERT", "UPDATE"))
    moved = f"{update} AND {differ(of('OLD', key), of('NEW', key))}"
    new_written = f"CASE WHEN {insert} THEN {written} ELSE {differ(of('OLD', new), of('NEW', new))} END"
    given = differ(plain(of("NEW", old), old), defaults)
    changed = differ(of("OLD", old), of("NEW", old))
    old_written = f"CASE WHEN {insert} THEN {given} ELSE {changed} END"
    ask_default = ""
    if any(column.is_computed for column in old):
        # A default may raise, or read what is not set: its own INSERT would, but not one that gives the value.
        old_written = "old_written"
        ask_default = f"""
    IF {insert} THEN
        BEGIN
            old_written := {given};
        {CAUGHT}
            old_written := true;
        END;
    ELSE
        old_written := {changed};
    END IF;"""
    overwritten = literal(names.REFILLED)
    # Each expression costs a transaction's first call a microsecond or two: what is seldom asked hides behind one that is.
    return f"""IF {setting} OPERATOR(pg_catalog.<>) '' OR {moved} THEN
    IF {setting} OPERATOR(pg_catalog.=) 'filled' THEN
        RETURN NEW;  -- the backfill, which has derived the new side itself and moves no key
    END IF;
    IF {moved} THEN
{indent(guarded(sync, f"PERFORM {sync.function('rekey')}({key_of(sync, 'OLD')}, {key_of(sync, 'NEW')});"), "        ")}
    END IF;
    IF {setting} OPERATOR(pg_catalog.=) 'off' AND {update} THEN
        -- The backfill, whose own writes would look like green's.
        IF {written} AND NOT {call} THEN
{indent(guarded(sync, entry(sync, "NEW", new, overwritten)), "            ")}
        END IF;
{indent(_forward(sync), "        ")}
        RETURN NEW;
    ELSIF {setting} OPERATOR(pg_catalog.=) 'back' AND {update} THEN
        -- A repair, which derives the old side anew from what stands on the new one.
{indent(_backward(sync), "        ")}
        RETURN NEW;
    END IF;
END IF;

IF ({new_written}) THEN{ask_default}
    IF ({old_written}) THEN
        IF {call} THEN
            RETURN NEW;
        END IF;
        old_written := true;
    END IF;
{indent(_backward(sync), "    ")}
ELSIF {insert} OR {changed} THEN
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
{indent(guarded(sync, entry(sync, "NEW", sync.old, FAILED)), "    ")}
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
        ambiguous = f"IF NOT {in_step} THEN\n    {entry(sync, 'NEW', new, cannot_hold)}\nEND IF;"
    # Where no block is around, each entry has its own.
    is_open = sync.is_identity and not tests and not old[0].is_domain
    both = entry(sync, "NEW", old, literal(names.DISAGREED))
    lost = entry(sync, "OLD", old, literal(names.OVERWRITTEN), key_row="NEW")
    if is_open:
        both, lost = guarded(sync, both), guarded(sync, lost)
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
{indent(both, "    ")}
ELSIF TG_OP OPERATOR(pg_catalog.=) 'UPDATE' AND NOT {kept} THEN
    IF pg_catalog.num_nonnulls({", ".join(of("OLD", old))}) OPERATOR(pg_catalog.>) 0 THEN
{indent(lost, "        ")}
    END IF;
END IF;""",
                assign("NEW", old, derived),
            ],
        )
    )
    failed = "'does not convert back: '::pg_catalog.text OPERATOR(pg_catalog.||) coalesce(unfit, SQLSTATE)"
    if is_open:
        return convert
    return f"""{save}BEGIN
{indent(convert, "    ")}
{CAUGHT}
{indent(restore, "    ") + chr(10) if restore else ""}{indent(guarded(sync, entry(sync, "NEW", new, failed)), "    ")}
END;"""


def _unfit(condition: str, why: str) -> str:
    return f"IF {condition} THEN\n    unfit := {why};\n    RAISE check_violation;\nEND IF;"
