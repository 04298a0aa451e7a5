"""Models in several schemas, with an env.py that says nothing of schemas, and with one that does."""

import pytest
import sqlalchemy as sa
from sqlalchemy import MetaData

from tests.authoring.kinds import said
from tests.authoring.project import Project, revisions, upgrade

APP = "My App"


def key() -> sa.Column[int]:
    return sa.Column("id", sa.Integer, sa.Identity(), primary_key=True)


def accounts(metadata: MetaData, schema: str, *more: sa.schema.SchemaItem) -> MetaData:
    sa.Table("accounts", metadata, key(), *more, schema=schema)
    return metadata


def first() -> MetaData:
    """Tables of equal names in two schemas, and one in the default schema."""
    metadata = accounts(MetaData(), APP, sa.Column("code", sa.Text, nullable=False))
    sa.Table("plans", metadata, key(), sa.Column("name", sa.Text))
    return accounts(metadata, "crm", sa.Column("account", sa.Integer), sa.Column("kind", sa.Text))


def second() -> MetaData:
    """A column renamed, a unique constraint, and keys from schema to schema and into the default schema."""
    code = sa.Column("code", sa.Text, nullable=False, unique=True)
    plan: sa.Column[int] = sa.Column("plan_id", sa.ForeignKey("plans.id"), index=True)
    metadata = accounts(MetaData(), APP, code, plan)
    sa.Table("plans", metadata, key(), sa.Column("name", sa.Text))
    account = sa.Column(
        "account_id", sa.Integer, sa.ForeignKey(f"{APP}.accounts.id"), info=said(renamed_from="account")
    )
    origin: sa.Column[str] = sa.Column("origin", sa.Enum("web", "shop", name="account_origin", schema=APP))
    return accounts(metadata, "crm", account, sa.Column("kind", sa.Text), origin)


@pytest.fixture
def schemas(project: Project) -> Project:
    """Their schemas, and one that is nobody's here with a table of a name that the models use too."""
    for schema in (APP, "crm", "elsewhere"):
        project.database.rows(f'CREATE SCHEMA "{schema}" AUTHORIZATION {project.database.master.user}')
    project.database.rows("CREATE TABLE elsewhere.plans (id integer, other text UNIQUE)")
    project.database.rows("CREATE TABLE elsewhere.others (id integer PRIMARY KEY)")
    return project


def test_a_change_in_two_schemas(schemas: Project) -> None:
    schemas.release(first())
    assert schemas.generate(first()).written == ()
    schemas.database.rows("INSERT INTO \"My App\".accounts (code) SELECT 'c' || n FROM generate_series(1, 100) n")
    schemas.database.rows("INSERT INTO crm.accounts (account) SELECT n FROM generate_series(1, 100) n")

    generated = schemas.generate(second(), "keys")
    assert generated.questions == ()
    expand, contract = upgrade(generated, "expand"), upgrade(generated, "contract")
    assert "create_table" not in expand
    assert "op.rename_column('accounts', 'account', 'account_id', type_=sa.Integer(), schema='crm')" in expand
    assert "op.add_unique('accounts_code_key', 'accounts', ['code'], schema='My App')" in contract
    assert (
        "op.add_foreign_key('accounts_account_id_fkey', 'accounts', 'accounts', ['account_id'], ['id'], "
        "schema='crm', referent_schema='My App')"
    ) in contract
    # Tables of one name in two schemas are two tables: no revision locks both.
    assert len(revisions(generated, "expand")) == 2
    assert schemas.migrate("expand") == revisions(generated, "expand")
    assert schemas.migrate("contract") == revisions(generated, "contract")

    assert schemas.database.rows('SELECT count(code) FROM "My App".accounts') == [(100,)]
    assert schemas.database.rows("SELECT count(account_id), sum(account_id) FROM crm.accounts") == [(100, 5050)]
    keys = (
        "SELECT conrelid::regclass::text, confrelid::regclass::text, convalidated FROM pg_constraint "
        "WHERE contype = 'f' AND connamespace <> 'seachange'::regnamespace ORDER BY 1"
    )
    assert schemas.database.rows(keys) == [
        ('"My App".accounts', "plans", True),
        ("crm.accounts", '"My App".accounts', True),
    ]
    # The engine's own schema is there by now, and nobody's tables still are.
    assert schemas.generate(second()).written == ()
    assert schemas.database.rows("SELECT count(*) FROM pg_tables WHERE schemaname = 'elsewhere'") == [(2,)]


def test_a_table_of_a_named_schema_goes(schemas: Project) -> None:
    """As in the default schema; one of the same name in another schema changes meanwhile."""
    schemas.release(first())
    models = accounts(MetaData(), APP, sa.Column("code", sa.Text, nullable=False), sa.Column("note", sa.Text))
    sa.Table("plans", models, key(), sa.Column("name", sa.Text))
    sa.Table("leads", models, key(), schema="crm")
    generated = schemas.generate(models, "no accounts in crm")
    assert "op.add_column('accounts', sa.Column('note', sa.Text(), nullable=True), schema='My App')" in upgrade(
        generated, "expand"
    )
    assert upgrade(generated, "contract") == "op.drop_table('accounts', schema='crm')"
    assert schemas.migrate("expand") == revisions(generated, "expand")
    assert schemas.migrate("contract") == revisions(generated, "contract")
    assert schemas.generate(models).written == ()


OWN_NAMES = """
def include_name(name, kind, parents):
    return not (kind == "table" and parents["schema_name"] == "crm" and name == "by_others")
"""
OWN_OBJECTS = """
def include_object(item, name, kind, reflected, other):
    return not (kind == "table" and item.schema == "crm" and name == "by_others")
"""
OWN_SCHEMAS = """
def include_name(name, kind, parents):
    return name in (None, "My App", "crm") if kind == "schema" else name != "by_others"
"""


@pytest.mark.parametrize(
    ("functions", "options"),
    [
        (OWN_NAMES, "include_name=include_name"),
        (OWN_OBJECTS, "include_object=include_object"),
        (OWN_SCHEMAS, "include_name=include_name, include_schemas=True"),
    ],
    ids=["names", "objects", "schemas"],
)
def test_what_env_py_leaves_out_stays_out(schemas: Project, functions: str, options: str) -> None:
    schemas.database.rows("CREATE TABLE crm.by_others (id integer PRIMARY KEY)")
    env = schemas.path / "env.py"
    before, run, after = env.read_text("utf-8").partition("\n\ndef run(")
    configured = after.replace("include_name=include_name", options)
    env.write_text(f"{before}\n{functions}{run}{configured}", "utf-8")
    schemas.release(first())
    assert schemas.generate(first()).written == ()


def test_schemas_that_env_py_includes_are_its_own_choice(schemas: Project) -> None:
    env = schemas.path / "env.py"
    schemas.release(first())
    everything = env.read_text("utf-8").replace("include_name=include_name", "include_schemas=True")
    env.write_text(everything, "utf-8")
    generated = schemas.generate(first())
    assert "op.drop_table('others', schema='elsewhere')" in upgrade(generated, "contract")
    assert "seachange" not in upgrade(generated, "contract")


def test_models_given_as_a_list(schemas: Project) -> None:
    env = schemas.path / "env.py"
    env.write_text(
        env.read_text("utf-8").replace("target_metadata=target_metadata", "target_metadata=[target_metadata]")
    )
    schemas.release(first())
