"""The functions of a sync: its conversions, what asks of a row whether it is in step, and what records for repair."""

from seachange_migrations.sql import literal
from seachange_migrations.sync.conversion import Conversion
from seachange_migrations.sync.fragments import (
    CAUGHT,
    FIXED_PATH,
    FIXED_STYLE,
    arguments,
    declared,
    plain,
    plpgsql,
    record,
    same,
    variables,
)
from seachange_migrations.sync.spec import Sync
from seachange_migrations.sync.trigger import body, declarations


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
            plpgsql(
                sync,
                "fits",
                arguments(sync.guards.columns),
                "text",
                "\n".join([*sync.guards.tests.values(), "RETURN NULL;"]),
            )
        )
    made.append(
        plpgsql(
            sync,
            "sync",
            "",
            "trigger",
            body(sync),
            declare=declarations(sync),
            options=f"SECURITY DEFINER {FIXED_PATH}",
        )
    )
    return made


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
        return plpgsql(
            sync, part, taken, "boolean", f"RETURN {compared};\n{CAUGHT}\n    RETURN false;", options="IMMUTABLE"
        )
    derived = variables("v", conversion.targets)
    body = f"{conversion.into(derived, sources)}\nRETURN {same(derived, plain(targets, conversion.targets))};\n{CAUGHT}\n    RETURN false;"
    declare = f"{declared('v', conversion.targets)}\nconverted record;"
    return plpgsql(sync, part, taken, "boolean", body, declare=declare, options="IMMUTABLE")


def _survives(sync: Sync) -> str:
    """Whether old values come back as they were from the new side."""
    sources = [f"${number}" for number in range(1, len(sync.old) + 1)]
    there, back = variables("n", sync.new), variables("o", sync.old)
    convert = f"{sync.forward.into(there, sources)}\n{sync.backward.into(back, there)}"
    body = f"{convert}\nRETURN {same(back, plain(sources, sync.old))};\n{CAUGHT}\n    RETURN false;"
    declare = f"{declared('n', sync.new)}\n{declared('o', sync.old)}\nconverted record;"
    return plpgsql(sync, "survives", arguments(sync.old), "boolean", body, declare=declare, options="IMMUTABLE")


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
        plpgsql(sync, "to_repair", "jsonb, jsonb, text", "void", insert),
        plpgsql(sync, "rekey", "jsonb, jsonb", "void", move),
        # The trigger's owner alone calls them: nobody else may forge an entry.
        *(f"REVOKE ALL ON FUNCTION {sync.function(part)} FROM PUBLIC" for part in ("to_repair", "rekey")),
        # VOLATILE, so that it sees what the same statement has recorded.
        plpgsql(sync, "in_repair", arguments(sync.key), "boolean", found),
    ]
