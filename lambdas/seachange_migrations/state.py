"""The engine's own schema in the user's database, `seachange`: what must be remembered between two calls.

It is made when the first operation needs it. It carries a version and only ever grows: a stack rollback restores an
older engine, which must work with what a newer one made. So a column or table is never renamed, dropped or given another
meaning, and what is new has a default.

Names are kept as text, not as `regclass`, so that the schema survives dump and restore.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, CursorResult, text

from seachange_migrations.errors import StateError

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
    "INSERT INTO seachange.engine (version) VALUES (1)",
    # A statement of a revision that commits inside, written in the transaction of its effect. `intended`: of one that
    # PostgreSQL runs outside of any transaction, written before it. `read` and `returned` gave rows, the second by writing.
    """
    CREATE TABLE seachange.journal (
        revision text NOT NULL,
        ordinal integer NOT NULL,
        hash text NOT NULL,
        statement text NOT NULL,
        state text NOT NULL CHECK (state IN ('intended', 'done')),
        kind text NOT NULL CHECK (kind IN ('write', 'read', 'returned')),
        row_count bigint NOT NULL,
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
        shortcut jsonb,
        revision text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        dropped_at timestamptz
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
    # A range of its keys and the cursor in it; progress is committed with each batch. A pass that found none proves it.
    """
    CREATE TABLE seachange.backfill_range (
        backfill text NOT NULL REFERENCES seachange.backfill (name) ON DELETE CASCADE,
        number integer NOT NULL,
        lower_key jsonb,
        upper_key jsonb,
        cursor_key jsonb,
        passes integer NOT NULL DEFAULT 0,
        seen_in_pass bigint NOT NULL DEFAULT 0,
        found_in_pass bigint NOT NULL DEFAULT 0,
        rows_per_s double precision NOT NULL DEFAULT 0,
        rows_done bigint NOT NULL DEFAULT 0,
        rows_skipped bigint NOT NULL DEFAULT 0,
        finished boolean NOT NULL DEFAULT false,
        updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (backfill, number)
    )
    """,
)


# What a version after the first adds, by that version.
ADDITIONS: Mapping[int, Sequence[str]] = {}

# The owner's default privileges may let an application write to every new table; what it wrote here would decide what runs.
OWNERS_ALONE = """
DECLARE
    granted record;
BEGIN
    FOR granted IN
        SELECT DISTINCT CASE c.relkind WHEN 'S' THEN 'ALL ON SEQUENCE'
                        ELSE 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON TABLE' END AS what,
               c.oid::regclass AS name, coalesce(quote_ident(r.rolname), 'PUBLIC') AS role
        FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) AS acl LEFT JOIN pg_roles r ON r.oid = acl.grantee
        WHERE c.relnamespace = 'seachange'::regnamespace AND c.relkind IN ('r', 'S') AND acl.grantee <> c.relowner
    LOOP
        EXECUTE format('REVOKE %s %s FROM %s', granted.what, granted.name, granted.role);
    END LOOP;
END
"""

FOUND = """
SELECT n.oid IS NOT NULL, EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid AND c.relname = 'engine'),
       coalesce(pg_has_role(n.nspowner, 'USAGE'), has_database_privilege(current_database(), 'CREATE')),
       current_user, coalesce(pg_get_userbyid(n.nspowner), ''), quote_ident(current_database())
FROM (SELECT) AS nothing LEFT JOIN pg_namespace n ON n.nspname = 'seachange'
"""

# The journal of a revision does not count what the engine itself does inside it.
OWN = {"seachange_unjournalled": True}


def exists(connection: Connection) -> bool:
    """Whether the schema is there. PostgreSQL asks for CREATE on the database even for one that is there already."""
    return bool(_own(connection, "SELECT to_regnamespace('seachange') IS NOT NULL").scalar())


def ensure(connection: Connection) -> None:
    """Makes the schema where it is missing, and adds to an older one what this version needs; a newer one stays.

    One statement, so all or nothing, in a transaction or in autocommit. Raises StateError where the role may not do it.
    """
    is_there, is_ours, allowed, role, owner, database = _own(connection, FOUND).one()
    if is_there and not is_ours:
        raise StateError("schema seachange is not the engine's: it has no table `engine`. Rename it, then run again.")
    version = int(_own(connection, "SELECT version FROM seachange.engine").scalar_one()) if is_there else 0
    if version >= VERSION:
        return
    if not allowed:
        raise StateError(
            f"schema seachange, in which the engine remembers its work, is version {version} of {VERSION} and belongs to "
            f"{owner!r}: migrate as that role, not as {role!r}"
            if is_there
            else f"role {role!r} may not create schema seachange, in which the engine remembers its work. Allow it: "
            f'GRANT CREATE ON DATABASE {database} TO "{role}"'
        )
    statements = list(STATEMENTS) if version == 0 else []
    for number in range(max(version, 1) + 1, VERSION + 1):
        statements += ADDITIONS[number]
    statements.append(f"UPDATE seachange.engine SET version = {VERSION}")
    _own(connection, f"DO $seachange$ BEGIN {'; '.join(statements)}; {OWNERS_ALONE}; END $seachange$")


def _own(connection: Connection, statement: str) -> "CursorResult[*tuple[Any, ...]]":
    return connection.execute(text(statement.replace(":", r"\:")), execution_options=OWN)
