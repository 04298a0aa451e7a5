"""The engine's own schema in the user's database, `seachange`: what must be remembered between two calls.

It is made when the first operation needs it. It carries a version and only ever grows: a stack rollback restores an
older engine, which must work with what a newer one made. So a column or table is never renamed, dropped or given another
meaning, and what is new has a default.

Names are kept as text, not as `regclass`, so that the schema survives dump and restore.
"""

from sqlalchemy import Connection

SCHEMA = "seachange"
VERSION = 1

# Readable and callable by name is all that others get: writers of synced tables reach conversions and repair through it.
STATEMENTS = (
    "CREATE SCHEMA seachange",
    "GRANT USAGE ON SCHEMA seachange TO PUBLIC",
    """
    CREATE TABLE seachange.engine (
        only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
        version integer NOT NULL
    )
    """,
    f"INSERT INTO seachange.engine (version) VALUES ({VERSION})",
    # A statement of a revision that commits inside, written in the transaction of its effect.
    """
    CREATE TABLE seachange.journal (
        revision text NOT NULL,
        ordinal integer NOT NULL,
        hash text NOT NULL,
        statement text NOT NULL,
        state text NOT NULL CHECK (state IN ('intended', 'done')),
        written_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (revision, ordinal)
    )
    """,
    # A synced pair of column sets, from the expand revision that made it to the contract revision that drops it.
    """
    CREATE TABLE seachange.sync (
        name text PRIMARY KEY,
        schema_name text NOT NULL,
        table_name text NOT NULL,
        key_columns text[] NOT NULL,
        old_columns text[] NOT NULL,
        new_columns text[] NOT NULL,
        lossy boolean NOT NULL,
        revision text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    # Originals that no column holds any more, or that do not convert; `key` is the row's, by column, as text.
    """
    CREATE TABLE seachange.repair (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        sync text NOT NULL,
        key jsonb NOT NULL,
        original jsonb NOT NULL,
        reason text NOT NULL,
        recorded_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    "CREATE INDEX repair_by_key ON seachange.repair (sync, key)",
    # A backfill: what it does (`spec`), how far its proof is, and whether somebody asked it to pause.
    """
    CREATE TABLE seachange.backfill (
        name text PRIMARY KEY,
        revision text NOT NULL,
        spec jsonb NOT NULL,
        rows_estimated bigint NOT NULL,
        paused boolean NOT NULL DEFAULT false,
        started_at timestamptz NOT NULL DEFAULT now(),
        proven_at timestamptz
    )
    """,
    # A range of its keys and the cursor in it; progress is committed with each batch.
    """
    CREATE TABLE seachange.backfill_range (
        backfill text NOT NULL REFERENCES seachange.backfill (name) ON DELETE CASCADE,
        number integer NOT NULL,
        lower_key jsonb,
        upper_key jsonb,
        cursor_key jsonb,
        passes integer NOT NULL DEFAULT 0,
        rows_done bigint NOT NULL DEFAULT 0,
        rows_skipped bigint NOT NULL DEFAULT 0,
        finished boolean NOT NULL DEFAULT false,
        updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (backfill, number)
    )
    """,
)


def exists(connection: Connection) -> bool:
    """Whether the schema is there. PostgreSQL asks for CREATE on the database even for one that is there already."""
    return bool(connection.exec_driver_sql("SELECT to_regnamespace('seachange') IS NOT NULL").scalar())
