"""PL/pgSQL that records for repair."""

from collections.abc import Sequence

from seachange_migrations.sql import literal
from seachange_migrations.sync.fragments import CAUGHT, of, text_of
from seachange_migrations.sync.spec import Sync
from seachange_migrations.sync.table import Column


def key_of(sync: Sync, row: str) -> str:
    return f"{sync.function('key')}({', '.join(of(row, sync.key))})"


def entry(sync: Sync, row: str, columns: Sequence[Column], reason: str, *, key_row: str = "NEW") -> str:
    return f"PERFORM {sync.function('to_repair')}({key_of(sync, key_row)}, {text_of(row, columns)}, {reason});"


def guarded(sync: Sync, statement: str) -> str:
    """`statement`, which records for repair: a key or a value may have no text, by its type's own cast or its size."""
    return f"""BEGIN
    {statement}
{CAUGHT}
    RAISE WARNING 'sync %: a value could not be recorded for repair: %', {literal(sync.name)}, SQLERRM;
END;"""
