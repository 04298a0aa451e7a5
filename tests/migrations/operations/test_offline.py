"""What `alembic upgrade --sql` renders, and what it says that it cannot."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError

import seachange_migrations.operations  # noqa: F401 - registers them


def rendered(operation: Callable[[Any], Any]) -> list[str]:
    """The statements, without what Alembic puts between them."""
    output = io.StringIO()
    options = {"as_sql": True, "output_buffer": output, "literal_binds": True}
    context = MigrationContext.configure(dialect_name="postgresql", opts=options)
    with Operations.context(context) as op:
        operation(op)
    return [statement.strip() for statement in output.getvalue().split(";\n\n") if statement.strip()]


def test_set_not_null() -> None:
    assert rendered(lambda op: op.set_not_null("items", "amount", schema="s")) == [
        "COMMIT",
        'ALTER TABLE "s"."items" ADD CONSTRAINT "items_amount_is_not_null" CHECK ("amount" IS NOT NULL) NOT VALID',
        'ALTER TABLE "s"."items" VALIDATE CONSTRAINT "items_amount_is_not_null"',
        'ALTER TABLE "s"."items" ALTER COLUMN "amount" SET NOT NULL',
        'ALTER TABLE "s"."items" DROP CONSTRAINT "items_amount_is_not_null"',
        "BEGIN",
    ]


def test_add_unique() -> None:
    assert rendered(lambda op: op.add_unique("once", "items", ["a", "b:c"])) == [
        "COMMIT",
        'CREATE UNIQUE INDEX CONCURRENTLY "once" ON "items" ("a", "b:c")',
        'ALTER TABLE "items" ADD CONSTRAINT "once" UNIQUE USING INDEX "once"',
        "BEGIN",
    ]


def test_add_foreign_key() -> None:
    assert rendered(
        lambda op: op.add_foreign_key(
            "known", "items", "codes", ["code"], ["id"], referent_schema="s", ondelete="CASCADE"
        )
    ) == [
        "COMMIT",
        'ALTER TABLE "items" ADD CONSTRAINT "known" FOREIGN KEY ("code") REFERENCES "s"."codes" ("id") ON DELETE CASCADE NOT VALID',
        'ALTER TABLE "items" VALIDATE CONSTRAINT "known"',
        "BEGIN",
    ]


@pytest.mark.parametrize(
    "operation",
    [
        lambda op: op.rename_column("items", "a", "b", type_="text"),
        lambda op: op.change_type("items", "a", "b", "int", forward="a::int", backward="b::text"),
        lambda op: op.sync_columns("items", old="a", new={"b": "text"}, forward="a", backward="b"),
        lambda op: op.drop_synced("items", sync="items_b"),
        lambda op: op.backfill("items", sync="items_b"),
        lambda op: op.backfill("items", set={"a": "1"}, where="a IS NULL"),
    ],
)
def test_what_reads_the_database_says_so(operation: Callable[[Any], Any]) -> None:
    with pytest.raises(CommandError, match=r"op\.\w+ reads .*: run it on a connection, without --sql"):
        rendered(operation)
