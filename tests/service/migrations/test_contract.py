"""Contract drops what only release v1 used, and refuses while an address would be lost."""

from typing import Any

import pytest
from alembic import command
from alembic.util import CommandError


def test_contract_leaves_the_new_columns_and_nothing_else(database: Any) -> None:
    database.upgrade("0001")
    database.execute("INSERT INTO customers (name, email, address) VALUES ('n', 'a@example.com', 'a, b, CA, 12345')")
    database.upgrade("contract@head")  # its expand revision first
    columns = (
        "SELECT attname FROM pg_attribute WHERE attrelid = 'customers'::regclass AND attnum > 0 AND NOT attisdropped"
    )
    assert "address" not in {name for (name,) in database.execute(columns)}
    assert database.execute("SELECT street_address, city, state, zip_code FROM customers") == [
        ("a", "b", "CA", "12345")
    ]
    assert (
        database.execute(
            "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname ~ 'address'"
        )
        == []
    )
    assert (
        database.execute("SELECT tgname FROM pg_trigger WHERE tgrelid = 'customers'::regclass AND NOT tgisinternal")
        == []
    )
    assert database.execute("SELECT version_num FROM alembic_version") == [("0004",)]  # which implies 0003


def test_an_address_that_is_not_converted_stops_it(database: Any) -> None:
    database.upgrade("expand@head")
    database.execute(
        "SET session_replication_role = replica; INSERT INTO customers (name, email, address) VALUES ('n', 'e', 'x')"
    )
    with pytest.raises(Exception, match="not in step"):
        database.upgrade("contract@head")
    assert database.execute("SELECT address FROM customers") == [("x",)]


def test_an_original_that_waits_for_repair_stops_it(database: Any) -> None:
    database.upgrade("expand@head")
    database.execute(
        "INSERT INTO customers (name, email, address, street_address) VALUES ('n', 'e', 'what blue wrote', 'what green wrote')"
    )
    with pytest.raises(Exception, match="repair"):
        database.upgrade("contract@head")
    assert database.execute("SELECT address FROM customers") == [("what green wrote",)]
    database.execute("DELETE FROM seachange.repair")
    database.upgrade("contract@head")


@pytest.mark.parametrize("revision", ["0001", "expand@head", "contract@head"])
def test_a_database_is_never_downgraded(database: Any, revision: str) -> None:
    config = database.upgrade(revision)
    with database.engine() as connection:
        config.attributes["connection"] = connection
        with pytest.raises(CommandError, match="never downgraded; to go back, deploy the previous task definition"):
            command.downgrade(config, "-1" if revision == "0001" else "base")
