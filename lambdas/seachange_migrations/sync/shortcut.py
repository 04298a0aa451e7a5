"""What the trigger derives and compares row by row, as SQL over many rows at once: several times as quick, but it raises for all of them
where one does not convert. The backfill takes it, and goes the trigger's way where it raises.
"""

from seachange_migrations.sql import quoted
from seachange_migrations.sync import names
from seachange_migrations.sync.fragments import differ, of, plain, record
from seachange_migrations.sync.spec import Sync


def shortcut(sync: Sync) -> dict[str, str]:
    """`untouched`: whether nobody has written a row's new side; `filling`: what sets it; `differs`: whether it is not what it should be."""
    forward, row = sync.forward, quoted(sync.table.name)
    old, new = of(row, sync.old), of(row, sync.new)
    if forward.record is not None:
        fields = [f"r.{quoted(column.name)}" for column in sync.new]
        called = f"{forward.function or names.function(sync.name, 'forward')}({', '.join(old)}) AS r"
        columns = ", ".join(quoted(column.name) for column in sync.new)
        filling = f"({columns}) = (SELECT {', '.join(fields)} FROM {called})"
        converted = f"(SELECT {record(plain(fields, sync.new))} FROM {called})"
        differs = f"{record(plain(new, sync.new))} OPERATOR(pg_catalog.*<>) {converted}"
    else:
        values = old if forward.is_identity else [_converted(sync, column.name, old) for column in sync.new]
        filling = ", ".join(f"{quoted(column.name)} = {value}" for column, value in zip(sync.new, values, strict=True))
        differs = differ(plain(new, sync.new), plain(values, sync.new))
    untouched = f"pg_catalog.num_nonnulls({', '.join(new)}) OPERATOR(pg_catalog.=) 0"
    return {"untouched": untouched, "filling": filling, "differs": differs}


def _converted(sync: Sync, column: str, old: list[str]) -> str:
    return f"{names.conversion(sync.name, column)}({', '.join(old)})"
