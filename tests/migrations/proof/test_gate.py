"""The gate at deploy time, with the example service's own queries and the roles that the first migration makes."""

import sys
from typing import Any

import pytest
from psycopg_pool import ConnectionPool

from seachange_migrations.check.gate import gate
from seachange_migrations.errors import BreaksReleaseError
from seachange_migrations.migrate import migrate
from seachange_migrations.report import silent
from seachange_migrations.roles import ensure_roles, protect_version_table
from tests.migrations.databases import Database
from tests.migrations.proof.services import EXAMPLE, ROOT, scratches

sys.path.insert(0, str(ROOT / "service"))

from customers.addresses import Address
from customers.releases import RELEASES
from customers.store import Customers


@pytest.fixture
def shop(database: Database) -> Database:
    """The example's database at release v1, which has served."""
    with database.connect() as connection:
        connection.execute(f"GRANT pg_read_all_stats TO {database.master.user} WITH ADMIN OPTION".encode())
        connection.execute("CREATE EXTENSION pg_stat_statements")
    ensure_roles(database.master, database.owner, database.application, silent)
    report = migrate(database.owner, EXAMPLE, target="0001")
    protect_version_table(database.owner, database.application, report.version_table)
    serve(database)
    return database


def serve(database: Database) -> None:
    """Executes what release v1 executes."""
    dsn = database.server.dsn(database.name, user=database.application.user, password=database.application.password)
    with ConnectionPool(dsn, min_size=1, max_size=1, kwargs={"autocommit": True, "sslmode": "disable"}) as pool:
        customers = Customers(pool, RELEASES["v1"])
        made = [
            customers.create(
                {
                    "name": "Ann",
                    "email": f"{number}@example.com",
                    "address": Address("1 Main St", "Springfield", "IL", "62701"),
                }
            )
            for number in range(150)
        ]
        customers.get(made[0].id)
        customers.page(0, 10)
        customers.update(made[0].id, {"name": "Bob"})
        customers.update(made[1].id, {"address": None, "email": "new@example.com"})
        customers.delete(made[2].id)


def test_the_example_expands_under_v1_and_its_contract_would_break_it(shop: Database) -> None:
    events: list[Any] = []
    arguments = {"creator": shop.master, "service": shop.application, "interval_s": 0, "on_progress": events.append}
    assert gate(shop.owner, EXAMPLE, ["0002", "0003"], **arguments)
    [proven] = [event for event in events if event["event"] == "proven"]
    assert (proven["executed"], proven["unknown"], proven["notes"]) == (6, 0, ())
    with pytest.raises(BreaksReleaseError) as refused:
        gate(shop.owner, EXAMPLE, ["0002", "0003", "0004"], **arguments)
    message = str(refused.value)
    assert message.startswith(
        "revision 0004 would break the release that serves: this statement of the serving release then fails: "
        'column "address" '
    )
    assert "contract phase" in message
    assert "example.com" not in message
    assert "\n" not in message
    assert scratches(shop) == []
    assert shop.rows("SELECT version_num FROM alembic_version") == [("0001",)]
