"""One change of the models of each kind: what it becomes, and what each release writes and the other reads meanwhile."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase

Values = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A table `items` in two releases.

    Args:
        old: The columns and constraints of the serving release, beside the key; made anew for each use.
        new: Those of the next.
        expand: The statements expected in the expand revision.
        contract: The statements expected in the contract revision.
        by_old: What the serving release writes, before and after expand, and what the new one reads of it.
        by_new: The same the other way round.
        changed_by_old: What the serving release then changes in the new one's row, and what the new one reads.
        changed_by_new: The same the other way round.
        once: Whether a second row with the same values is against the rules of the new release.
        last: What the new release writes after contract; what it wrote before by default.
        before: What the new release reads of the row that was there before expand; the same by default.
        after: What it reads of that row after contract; the same as after expand by default.
    """

    name: str
    old: Callable[[], list[sa.schema.SchemaItem]]
    new: Callable[[], list[sa.schema.SchemaItem]]
    expand: tuple[str, ...] = ()
    contract: tuple[str, ...] = ()
    by_old: tuple[Values, Values] = ({}, {})
    by_new: tuple[Values, Values] = ({}, {})
    changed_by_old: tuple[Values, Values] = ({}, {})
    changed_by_new: tuple[Values, Values] = ({}, {})
    once: bool = False
    last: Values | None = None
    before: Values | None = None
    after: Values | None = None


def release(columns: list[sa.schema.SchemaItem]) -> type[Any]:
    """A mapped class `Item` with these columns, and a table `owners` that they may refer to."""

    class Base(DeclarativeBase):
        pass

    sa.Table("owners", Base.metadata, sa.Column("id", sa.Integer, primary_key=True))
    key = sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True)
    table = sa.Table("items", Base.metadata, key, *columns)
    return type("Item", (Base,), {"__table__": table})


def said(**answers: object) -> Values:
    """The argument `info` of a column."""
    return {"seachange": answers}


def column(name: str, *arguments: Any, **named: Any) -> sa.Column[Any]:
    return sa.Column(name, *arguments, **named)


NAME = {"name": "Ada"}


def named() -> sa.Column[Any]:
    return column("name", sa.Text)


KINDS = (
    Kind(
        name="add a nullable column",
        old=lambda: [named()],
        new=lambda: [named(), column("note", sa.Text)],
        expand=("op.add_column('items', sa.Column('note', sa.Text(), nullable=True))",),
        by_old=(NAME, NAME | {"note": None}),
        by_new=(NAME | {"note": "n"}, NAME),
    ),
    Kind(
        name="add a NOT NULL column with a constant default",
        old=lambda: [named()],
        new=lambda: [named(), column("state", sa.Text, server_default="new", nullable=False)],
        expand=("op.add_column('items', sa.Column('state', sa.Text(), server_default='new', nullable=False))",),
        by_old=(NAME, NAME | {"state": "new"}),
        by_new=(NAME | {"state": "paid"}, NAME),
        changed_by_old=({"name": "Bob"}, {"name": "Bob", "state": "paid"}),
    ),
    Kind(
        name="add a NOT NULL column with a default that differs from row to row",
        old=lambda: [named()],
        new=lambda: [named(), column("token", sa.Uuid, server_default=sa.func.gen_random_uuid(), nullable=False)],
        expand=(
            "op.add_column('items', sa.Column('token', sa.Uuid(), nullable=True))",
            "op.alter_column('items', 'token', existing_type=sa.Uuid(), server_default=sa.text('gen_random_uuid()'))",
            "op.backfill('items', set={'token': 'gen_random_uuid()'}, where='token IS NULL')",
            "op.set_not_null('items', 'token')",
        ),
        by_old=(NAME, NAME),
        by_new=(NAME, NAME),
    ),
    Kind(
        name="add a NOT NULL column, one value for the rows that are there",
        old=lambda: [named()],
        new=lambda: [named(), column("state", sa.Text, nullable=False, info=said(backfill="'old'"))],
        expand=(
            "op.add_column('items', sa.Column('state', sa.Text(), server_default=sa.text(\"'old'\"), nullable=False))",
        ),
        contract=("op.alter_column('items', 'state', existing_type=sa.Text(), server_default=None)",),
        by_old=(NAME, NAME | {"state": "old"}),
        by_new=(NAME | {"state": "paid"}, NAME),
    ),
    Kind(
        name="add a NOT NULL column, a value computed from each row",
        old=lambda: [named()],
        new=lambda: [named(), column("upper", sa.Text, nullable=False, info=said(backfill="upper(name)"))],
        expand=(
            "op.add_column('items', sa.Column('upper', sa.Text(), nullable=True))",
            "op.backfill('items', set={'upper': 'upper(name)'}, where='upper IS NULL')",
        ),
        contract=(
            "op.backfill('items', set={'upper': 'upper(name)'}, where='upper IS NULL')",
            "op.set_not_null('items', 'upper')",
        ),
        by_old=(NAME, NAME | {"upper": None}),
        by_new=(NAME | {"upper": "ADA"}, NAME),
        before=NAME | {"upper": "ADA"},
    ),
    Kind(
        name="drop a column",
        old=lambda: [named(), column("note", sa.Text)],
        new=lambda: [named()],
        contract=("op.drop_column('items', 'note')",),
        by_old=(NAME | {"note": "n"}, NAME),
        by_new=(NAME, NAME | {"note": None}),
    ),
    Kind(
        name="drop a NOT NULL column that the new release does not write",
        old=lambda: [named(), column("note", sa.String(20), nullable=False)],
        new=lambda: [named()],
        expand=("op.alter_column('items', 'note', existing_type=sa.VARCHAR(length=20), nullable=True)",),
        contract=("op.drop_column('items', 'note')",),
        by_old=(NAME | {"note": "n"}, NAME),
        by_new=(NAME, NAME | {"note": None}),
    ),
    Kind(
        name="rename a column",
        old=lambda: [column("name", sa.Text, nullable=False)],
        new=lambda: [column("full_name", sa.Text, nullable=False, index=True, info=said(renamed_from="name"))],
        expand=(
            "op.rename_column('items', 'name', 'full_name', type_=sa.Text())",
            "op.backfill('items', sync='items_full_name')",
            "with op.get_context().autocommit_block():\n"
            "    op.create_index(op.f('ix_items_full_name'), 'items', ['full_name'], unique=False, postgresql_concurrently=True)",
        ),
        contract=("op.drop_synced('items', sync='items_full_name')", "op.set_not_null('items', 'full_name')"),
        by_old=(NAME, {"full_name": "Ada"}),
        by_new=({"full_name": "Bob"}, {"name": "Bob"}),
        changed_by_old=({"name": "Bea"}, {"full_name": "Bea"}),
        changed_by_new=({"full_name": "Eve"}, {"name": "Eve"}),
    ),
    Kind(
        name="rename a unique column that refers to another table",
        old=lambda: [column("owner", sa.ForeignKey("owners.id"), unique=True)],
        new=lambda: [column("owner_id", sa.ForeignKey("owners.id"), unique=True, info=said(renamed_from="owner"))],
        expand=(
            "op.rename_column('items', 'owner', 'owner_id', type_=sa.Integer())",
            "op.backfill('items', sync='items_owner_id')",
        ),
        contract=(
            "op.drop_synced('items', sync='items_owner_id')",
            "op.add_unique('items_owner_id_key', 'items', ['owner_id'])",
            "op.add_foreign_key('items_owner_id_fkey', 'items', 'owners', ['owner_id'], ['id'])",
        ),
        by_old=({"owner": None}, {"owner_id": None}),
        by_new=({"owner_id": None}, {"owner": None}),
    ),
    Kind(
        name="change a type",
        old=lambda: [column("amount", sa.Integer, nullable=False, server_default="7")],
        new=lambda: [
            column(
                "amount_v2",
                sa.BigInteger,
                key="amount",
                nullable=False,
                server_default="7",
                info=said(changed_from="amount", forward="amount::bigint", backward="amount_v2::integer"),
            )
        ],
        expand=(
            "op.change_type('items', 'amount', 'amount_v2', sa.BigInteger(), forward='amount::bigint', backward='amount_v2::integer')",
            "op.backfill('items', sync='items_amount_v2')",
        ),
        contract=(
            "op.drop_synced('items', sync='items_amount_v2')",
            "op.alter_column('items', 'amount_v2', existing_type=sa.BigInteger(), server_default='7')",
            "op.set_not_null('items', 'amount_v2')",
        ),
        by_old=({"amount": 1}, {"amount": 1}),
        by_new=({"amount": 2}, {"amount": 2}),
        changed_by_old=({"amount": 3}, {"amount": 3}),
        changed_by_new=({"amount": 4}, {"amount": 4}),
    ),
    Kind(
        name="widen a string",
        old=lambda: [column("name", sa.String(20))],
        new=lambda: [column("name", sa.String(40), info=said(in_place=True))],
        expand=("op.alter_column('items', 'name', existing_type=sa.VARCHAR(length=20), type_=sa.String(length=40))",),
        by_old=(NAME, NAME),
        by_new=({"name": "x" * 40}, {"name": "x" * 40}),
    ),
    Kind(
        name="widen a number",
        old=lambda: [column("price", sa.Numeric(6, 2))],
        new=lambda: [column("price", sa.Numeric(12, 2), info=said(in_place=True))],
        expand=(
            "op.alter_column('items', 'price', existing_type=sa.NUMERIC(precision=6, scale=2), type_=sa.Numeric(precision=12, scale=2))",
        ),
        by_old=({"price": Decimal("1.50")}, {"price": Decimal("1.50")}),
        by_new=({"price": Decimal("1234567.50")}, {"price": Decimal("1234567.50")}),
    ),
    Kind(
        name="several columns into one",
        old=lambda: [column("first", sa.Text), column("last", sa.Text)],
        new=lambda: [
            column(
                "full_name",
                sa.Text,
                info=said(
                    **{"from": ["first", "last"]},
                    forward="first || ' ' || last",
                    backward={"first": "split_part(full_name, ' ', 1)", "last": "split_part(full_name, ' ', 2)"},
                ),
            )
        ],
        expand=(
            "op.sync_columns('items', old=['first', 'last'], new={'full_name': sa.Text()}, forward=\"first || ' ' || last\", "
            "backward={'first': \"split_part(full_name, ' ', 1)\", 'last': \"split_part(full_name, ' ', 2)\"})",
            "op.backfill('items', sync='items_full_name')",
        ),
        contract=("op.drop_synced('items', sync='items_full_name')",),
        by_old=({"first": "Ada", "last": "King"}, {"full_name": "Ada King"}),
        by_new=({"full_name": "Bob Roy"}, {"first": "Bob", "last": "Roy"}),
        changed_by_old=({"last": "Ray"}, {"full_name": "Bob Ray"}),
        changed_by_new=({"full_name": "Eve King"}, {"first": "Eve", "last": "King"}),
    ),
    Kind(
        name="one column into several",
        old=lambda: [column("place", sa.Text)],
        new=lambda: [
            column("city", sa.Text, info=said(**{"from": "place"}, forward="split_part(place, ', ', 1)")),
            column(
                "country",
                sa.Text,
                info=said(
                    **{"from": "place"}, forward="split_part(place, ', ', 2)", backward="city || ', ' || country"
                ),
            ),
        ],
        expand=(
            "op.sync_columns('items', old=['place'], new={'city': sa.Text(), 'country': sa.Text()}, "
            "forward={'city': \"split_part(place, ', ', 1)\", 'country': \"split_part(place, ', ', 2)\"}, "
            "backward=\"city || ', ' || country\")",
            "op.backfill('items', sync='items_city')",
        ),
        contract=("op.drop_synced('items', sync='items_city')",),
        by_old=({"place": "Oslo, NO"}, {"city": "Oslo", "country": "NO"}),
        by_new=({"city": "Bern", "country": "CH"}, {"place": "Bern, CH"}),
        changed_by_old=({"place": "Biel, CH"}, {"city": "Biel", "country": "CH"}),
        changed_by_new=({"city": "Moss"}, {"place": "Moss, NO"}),
    ),
    Kind(
        name="make a column NOT NULL",
        old=lambda: [named()],
        new=lambda: [column("name", sa.Text, nullable=False, info=said(backfill="''"))],
        contract=(
            "op.backfill('items', set={'name': \"''\"}, where='name IS NULL')",
            "op.set_not_null('items', 'name')",
        ),
        by_old=({"name": None}, {"name": None}),
        by_new=(NAME, NAME),
        after={"name": ""},
    ),
    Kind(
        name="let a column be NULL",
        old=lambda: [column("name", sa.Text, nullable=False)],
        new=lambda: [named()],
        expand=("op.alter_column('items', 'name', existing_type=sa.TEXT(), nullable=True)",),
        by_old=(NAME, NAME),
        by_new=({"name": None}, {"name": None}),
    ),
    Kind(
        name="give a column a default, and take another's",
        old=lambda: [named(), column("state", sa.Text, server_default="new")],
        new=lambda: [column("name", sa.Text, server_default="nobody"), column("state", sa.Text)],
        expand=("op.alter_column('items', 'name', existing_type=sa.TEXT(), server_default='nobody')",),
        contract=("op.alter_column('items', 'state', existing_type=sa.TEXT(), server_default=None)",),
        by_old=(NAME, NAME | {"state": "new"}),
        by_new=({"state": "paid"}, {"name": "nobody", "state": "paid"}),
    ),
    Kind(
        name="comment on a column",
        old=lambda: [named()],
        new=lambda: [column("name", sa.Text, comment="as the customer writes it")],
        expand=("op.alter_column('items', 'name', existing_type=sa.TEXT(), comment='as the customer writes it')",),
        by_old=(NAME, NAME),
        by_new=(NAME, NAME),
    ),
    Kind(
        name="make a column unique",
        old=lambda: [named()],
        new=lambda: [column("name", sa.Text, unique=True)],
        contract=("op.add_unique('items_name_key', 'items', ['name'])",),
        once=True,
        last={"name": "Eve"},
        by_old=(NAME, NAME),
        by_new=({"name": "Bob"}, {"name": "Bob"}),
    ),
    Kind(
        name="add a unique column that refers to another table",
        old=lambda: [named()],
        new=lambda: [named(), column("owner_id", sa.ForeignKey("owners.id", ondelete="CASCADE"), unique=True)],
        expand=(
            "op.add_column('items', sa.Column('owner_id', sa.Integer(), nullable=True))",
            "op.add_unique('items_owner_id_key', 'items', ['owner_id'])",
            "op.add_foreign_key('items_owner_id_fkey', 'items', 'owners', ['owner_id'], ['id'], ondelete='CASCADE')",
        ),
        by_old=(NAME, NAME | {"owner_id": None}),
        by_new=(NAME | {"owner_id": None}, NAME),
    ),
    Kind(
        name="add a column with a unique index",
        old=lambda: [named()],
        new=lambda: [named(), column("code", sa.Text, unique=True, index=True)],
        expand=(
            "op.add_column('items', sa.Column('code', sa.Text(), nullable=True))",
            "with op.get_context().autocommit_block():\n"
            "    op.create_index(op.f('ix_items_code'), 'items', ['code'], unique=True, postgresql_concurrently=True)",
        ),
        by_old=(NAME, NAME | {"code": None}),
        by_new=(NAME | {"code": "c"}, NAME),
        last=NAME | {"code": "d"},
    ),
    Kind(
        name="let a column refer to another table",
        old=lambda: [column("owner_id", sa.Integer)],
        new=lambda: [column("owner_id", sa.ForeignKey("owners.id"))],
        contract=("op.add_foreign_key('items_owner_id_fkey', 'items', 'owners', ['owner_id'], ['id'])",),
        by_old=({"owner_id": None}, {"owner_id": None}),
        by_new=({"owner_id": None}, {"owner_id": None}),
    ),
    Kind(
        name="refer to another table no more",
        old=lambda: [column("owner_id", sa.ForeignKey("owners.id"))],
        new=lambda: [column("owner_id", sa.Integer)],
        expand=("op.drop_constraint(op.f('items_owner_id_fkey'), 'items', type_='foreignkey')",),
        by_old=({"owner_id": None}, {"owner_id": None}),
        by_new=({"owner_id": 5}, {"owner_id": 5}),
    ),
    Kind(
        name="an index comes, another goes",
        old=lambda: [column("name", sa.Text, index=True), column("age", sa.Integer)],
        new=lambda: [named(), column("age", sa.Integer, index=True)],
        expand=(
            "with op.get_context().autocommit_block():\n"
            "    op.create_index(op.f('ix_items_age'), 'items', ['age'], unique=False, postgresql_concurrently=True)",
        ),
        contract=(
            "with op.get_context().autocommit_block():\n"
            "    op.drop_index(op.f('ix_items_name'), table_name='items', postgresql_concurrently=True)",
        ),
        by_old=(NAME, NAME),
        by_new=(NAME, NAME),
    ),
    Kind(
        name="an index gets other columns",
        old=lambda: [named(), column("age", sa.Integer), sa.Index("ix_items", "name")],
        new=lambda: [named(), column("age", sa.Integer), sa.Index("ix_items", "name", "age")],
        contract=(
            "with op.get_context().autocommit_block():\n"
            "    op.drop_index(op.f('ix_items'), table_name='items', postgresql_concurrently=True)",
            "with op.get_context().autocommit_block():\n"
            "    op.create_index('ix_items', 'items', ['name', 'age'], unique=False, postgresql_concurrently=True)",
        ),
        by_old=(NAME, NAME),
        by_new=(NAME, NAME),
    ),
    Kind(
        name="add a column of a new enumeration",
        old=lambda: [named()],
        new=lambda: [
            named(),
            column("size", sa.Enum("small", "large", name="item_size"), server_default="small", nullable=False),
        ],
        expand=(
            "op.execute(\"CREATE TYPE item_size AS ENUM ('small', 'large')\")",
            "op.add_column('items', sa.Column('size', postgresql.ENUM('small', 'large', name='item_size', create_type=False), "
            "server_default='small', nullable=False))",
        ),
        by_old=(NAME, NAME | {"size": "small"}),
        by_new=(NAME | {"size": "large"}, NAME),
    ),
)
