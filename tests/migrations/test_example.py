"""The example's migrations under the engine, as its release v1 and then v2 run them."""

from pathlib import Path

from seachange_migrations.migrate import migrate
from seachange_migrations.roles import ensure_roles
from tests.migrations.databases import Database

EXAMPLE = Path(__file__).parents[2] / "service" / "migrations"


def test_v1_then_v2(database: Database) -> None:
    ensure_roles(database.master, database.owner, database.application, lambda _: None)
    assert migrate(database.owner, EXAMPLE, target="0001").revisions == ("0001",)
    rows = "INSERT INTO customers (name, email, address) SELECT 'n' || i, i || '@example.com', i || ' Road, Town, NY, 12345' "
    database.rows(f"{rows} FROM generate_series(1, 3000) i", database.application)
    report = migrate(database.owner, EXAMPLE, target="expand@head")
    assert (report.before, report.after, report.revisions) == (("0001",), ("0003",), ("0002", "0003"))
    assert report.rows_backfilled == 3000
    assert database.rows("SELECT count(*) FROM customers WHERE city = 'Town'", database.application) == [(3000,)]
    assert migrate(database.owner, EXAMPLE, target="expand@head").revisions == ()
