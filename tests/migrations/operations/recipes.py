"""The bodies of revisions that use the operations, in a schema and with names that need quotes, and all that they leave in a database."""

from dataclasses import dataclass
from typing import Any

from tests.migrations.databases import Database

TABLE = '"the Shop"."Items"'
MADE = (
    'CREATE SCHEMA "the Shop"',
    'CREATE TABLE "the Shop".known ("Code" text PRIMARY KEY)',
    f'CREATE TABLE {TABLE} (id int PRIMARY KEY, "Amount" text, token text)',
    """INSERT INTO "the Shop".known VALUES ('1'), ('2'), ('3')""",
    f"INSERT INTO {TABLE} VALUES (1, '1'), (2, '2'), (3, '3')",
)
CHANGE = """
op.change_type("Items", "Amount", "Cents", "int", forward='"Amount"::int', backward='"Cents"::text', schema="the Shop")
op.backfill("Items", sync="Items_Cents", schema="the Shop")
"""


@dataclass(frozen=True)
class Recipe:
    """The body of a revision, and of one before it."""

    body: str
    before: str = ""


RECIPES = {
    "set_not_null": Recipe('op.set_not_null("Items", "Amount", schema="the Shop")'),
    "add_unique": Recipe('op.add_unique("once: each", "Items", ["Amount"], schema="the Shop")'),
    "add_foreign_key": Recipe(
        'op.add_foreign_key("Known", "Items", "known", ["Amount"], ["Code"], schema="the Shop", referent_schema="the Shop")'
    ),
    "change_type": Recipe(CHANGE),
    "backfill": Recipe(
        """op.backfill("Items", set={"token": 'upper("Amount")'}, where="token IS NULL", schema="the Shop")"""
    ),
    "contract": Recipe(
        'op.drop_synced("Items", sync="Items_Cents", schema="the Shop")\n'
        'op.set_not_null("Items", "Cents", schema="the Shop")\n'
        'op.add_unique("once", "Items", ["Cents"], schema="the Shop")',
        before=CHANGE,
    ),
}

CATALOG = (
    f"SELECT * FROM {TABLE} ORDER BY id",
    """SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute
       WHERE attrelid = '"the Shop"."Items"'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attname""",
    """SELECT conname, pg_get_constraintdef(oid), convalidated FROM pg_constraint
       WHERE connamespace = '"the Shop"'::regnamespace ORDER BY conname""",
    """SELECT indexrelid::regclass::text, indisvalid, pg_get_indexdef(indexrelid) FROM pg_index
       WHERE indexrelid::regclass::text LIKE '"the Shop".%' ORDER BY 1""",
    "SELECT tgname, tgenabled, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY tgname",
    """SELECT proname, prosrc, pg_get_function_arguments(oid) FROM pg_proc
       WHERE pronamespace = to_regnamespace('seachange') ORDER BY proname""",
)
REGISTRY = (
    "SELECT name, old_columns, new_columns, dropped_at IS NULL FROM seachange.sync ORDER BY name",
    "SELECT sync, key, original FROM seachange.repair",
    "SELECT name FROM seachange.backfill ORDER BY name",
)


def begin(database: Database) -> None:
    """The tables as they are before any migration, and nothing else."""
    with database.connect(database.master) as owner:
        owner.execute('DROP SCHEMA IF EXISTS "the Shop", seachange CASCADE')
        owner.execute("DROP TABLE IF EXISTS alembic_version")
        for statement in MADE:
            owner.execute(statement.encode())


def found(database: Database) -> list[list[tuple[Any, ...]]]:
    """All that a migration may have left."""
    with database.connect() as reader:
        (has_registry,) = reader.execute("SELECT to_regclass('seachange.sync') IS NOT NULL").fetchone() or (False,)
        asked = [*CATALOG, *(REGISTRY if has_registry else ())]
        return [reader.execute(query.encode()).fetchall() for query in asked]
