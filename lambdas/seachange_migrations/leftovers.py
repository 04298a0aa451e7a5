"""Invalid indexes that a CREATE INDEX or REINDEX CONCURRENTLY left behind when it failed, was canceled or killed.

PostgreSQL leaves them to be dropped by hand: https://www.postgresql.org/docs/current/sql-createindex.html. They cost
every write, a unique one refuses rows, and `IF NOT EXISTS` takes one for the index that was wanted.
"""

from sqlalchemy import Connection

from seachange_migrations.driver import send
from seachange_migrations.words import first_word, words

# Invalid and in nobody's hands. One of a partitioned table is invalid until all parts are attached: no leftover.
INVALID = """
SELECT i.relname, t.relname, format('%I.%I', n.nspname, i.relname)
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
JOIN pg_namespace n ON n.oid = i.relnamespace
WHERE NOT x.indisvalid AND i.relkind = 'i' AND n.nspname <> 'pg_toast' AND pg_has_role(i.relowner, 'USAGE')
  AND NOT EXISTS (
      SELECT FROM pg_stat_progress_create_index p
      WHERE p.datname = current_database() AND p.pid <> pg_backend_pid() AND (p.relid IS NULL OR p.relid = x.indrelid)
  )
"""
# REINDEX builds the new index under the one, and keeps the old index under the other, with a number where it is taken.
REINDEX_SUFFIXES = ("_ccnew", "_ccold")
NAME_BYTES = 63


def drop_leftovers(connection: Connection, statement: str) -> list[str]:
    """Drops the invalid indexes that a former try of `statement` left, concurrently; their names.

    Those whose own name and table the statement holds, or what REINDEX derives from one of the two. Outside of any
    transaction.
    """
    if first_word(statement) == "drop":
        return []
    named = frozenset(word.encode()[:NAME_BYTES].decode(errors="ignore") for word in words(statement))
    found = [qualified for index, table, qualified in send(connection, INVALID) if _is_left_by(named, index, table)]
    for qualified in found:
        send(connection, f"DROP INDEX CONCURRENTLY IF EXISTS {qualified}")
    return found


def _is_left_by(named: frozenset[str], index: str, table: str) -> bool:
    if index in named:
        return table in named
    base = index.rstrip("0123456789")
    if "reindex" not in named or not base.endswith(REINDEX_SUFFIXES):
        return False
    # Of a long name REINDEX takes only the beginning.
    original = base.rpartition("_")[0]
    is_cut = len(index.encode()) == NAME_BYTES
    return table in named or original in named or (is_cut and any(name.startswith(original) for name in named))
