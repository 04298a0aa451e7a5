"""Whole tables: new ones, their keys to tables in use, those that go, and what is none of the models' business."""

import sqlalchemy as sa
from sqlalchemy import MetaData

from seachange.authoring.directory import script
from seachange_migrations import state
from seachange_migrations.connection import open_connection
from tests.authoring.project import Project, formatted, source, upgrade


def customers(metadata: MetaData) -> MetaData:
    sa.Table("customers", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.Text))
    return metadata


def with_orders(metadata: MetaData) -> MetaData:
    kind = sa.Enum("web", "shop", name="order_kind")
    sa.Table(
        "orders",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("customer_id", sa.ForeignKey("customers.id", ondelete="CASCADE"), index=True),
        sa.Column("before_id", sa.ForeignKey("orders.id")),
        sa.Column("kind", kind, nullable=False),
        info={"owner": "shop"},
    )
    sa.Table(
        "lines",
        metadata,
        sa.Column("order_id", sa.ForeignKey("orders.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("kind", kind),
        sa.Column("customer_id", sa.Integer),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="late", deferrable=True, initially="DEFERRED"),
    )
    return metadata


def test_new_tables(project: Project) -> None:
    project.release(customers(MetaData()))
    models = with_orders(customers(MetaData()))
    generated = project.generate(models, "orders")
    assert generated.questions == ()
    expand = upgrade(generated, "expand")
    assert upgrade(generated, "contract") == ""
    # A key among new tables is theirs; one to a table in use comes last, and alone.
    created, _, keys = expand.partition("op.add_foreign_key")
    assert "sa.ForeignKeyConstraint(['before_id'], ['orders.id'])" in created
    assert "sa.ForeignKeyConstraint(['order_id'], ['orders.id'])" in created
    assert "customers.id" not in created
    assert keys.startswith(
        "('orders_customer_id_fkey', 'orders', 'customers', ['customer_id'], ['id'], ondelete='CASCADE')"
    )
    assert "op.create_index(op.f('ix_orders_customer_id')" in created
    assert "postgresql_not_valid=True" in keys
    assert "op.execute('ALTER TABLE lines VALIDATE CONSTRAINT late')" in keys
    assert "postgresql_concurrently" not in expand
    for written in generated.written:
        formatted(written.path)
    project.migrate("expand")
    assert project.generate(models).written == ()


def test_a_table_goes(project: Project) -> None:
    project.release(with_orders(customers(MetaData())))
    generated = project.generate(customers(MetaData()), "no orders")
    assert source(generated, "expand") == ""
    assert upgrade(generated, "contract") == "op.drop_table('lines')\nop.drop_table('orders')"
    assert len(generated.written) == 2
    project.migrate("contract")
    assert project.database.tables() == {"alembic_version", "customers"}


def test_the_engines_own_schema_is_none_of_the_models(project: Project) -> None:
    env = project.path / "env.py"
    text = env.read_text("utf-8")
    project.release(customers(MetaData()))
    with open_connection(project.database.master) as connection:
        state.ensure(connection)
        connection.commit()
    # With our env.py's own filter, and where a project's env.py has none.
    for filtered in ("include_name=include_name, include_schemas=True", "include_schemas=True"):
        env.write_text(text.replace("include_name=include_name", filtered), "utf-8")
        assert project.generate(customers(MetaData())).written == ()


def test_a_revision_locks_one_table_in_use(project: Project) -> None:
    project.release(with_orders(customers(MetaData())))
    models = with_orders(customers(MetaData()))
    sa.Table(
        "notes",
        models,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("order_id", sa.ForeignKey("orders.id")),
    )
    for name in ("customers", "orders"):
        models.tables[name].append_column(sa.Column("note", sa.Text))
        models.tables[name].append_column(sa.Column("number", sa.Integer, nullable=False))
    generated = project.generate(models, "notes")
    first, second, *contract = generated.written
    assert [written.phase for written in generated.written] == ["expand", "expand", "contract"]
    assert 'create_table("notes"' in first.path.read_text("utf-8").replace("(\n        ", "(")
    assert 'add_column("customers"' in first.path.read_text("utf-8")
    assert 'add_column("orders"' in second.path.read_text("utf-8")
    assert first.path.name.endswith("_notes_customers.py")
    # All questions stand in the first, which the others follow.
    assert (len(first.questions), len(second.questions)) == (2, 0)
    (last,) = contract
    history = script(project.path)
    assert history.get_revision(second.revision).down_revision == first.revision
    assert history.get_revision(last.revision).dependencies == second.revision
    assert "set_not_null" in last.path.read_text("utf-8")


def test_a_default_schema_that_is_named(project: Project) -> None:
    def models(*more: sa.Column[int]) -> MetaData:
        metadata = MetaData(schema="public")
        customers(metadata)
        if more:
            sa.Table("orders", metadata, *more, sa.Column("number", sa.Integer, index=True))
        return metadata

    env = project.path / "env.py"
    option = "compare_server_default=True"
    env.write_text(env.read_text("utf-8").replace(option, f"include_schemas=True, {option}"), "utf-8")
    project.release(models())
    generated = project.generate(models(sa.Column("id", sa.Integer, primary_key=True)), "orders")
    assert "postgresql_concurrently" not in upgrade(generated, "expand")
    project.migrate("expand")
    assert project.generate(models(sa.Column("id", sa.Integer, primary_key=True))).written == ()
