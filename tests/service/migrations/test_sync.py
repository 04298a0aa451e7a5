"""Both forms of an address stay in step, whoever writes, and no original is lost.

What holds for every sync is tested with the engine; this is what the example's own conversion adds.
"""

import threading
from typing import Any

import psycopg
import pytest

TEXT, PARTS = "1 Main St, Springfield, IL, 62701", ("1 Main St", "Springfield", "IL", "62701")
OTHER_TEXT, OTHER_PARTS = "2 Elm St, Portland, OR, 97201", ("2 Elm St", "Portland", "OR", "97201")
COLUMNS = "street_address, city, state, zip_code"
NOTHING = (None, None, None, None)


@pytest.fixture
def expanded(database: Any) -> Any:
    database.upgrade("expand@head")
    return database


def insert(database: Any, **values: Any) -> int:
    values = {"name": "n", "email": f"{threading.get_ident()}-{len(values)}@example.com", **values}
    marks = ", ".join(["%s"] * len(values))
    query = f"INSERT INTO customers ({', '.join(values)}) VALUES ({marks}) RETURNING id"
    return int(database.execute(query, *values.values())[0][0])


def row(database: Any, number: int) -> tuple[str | None, tuple[str | None, ...]]:
    address, *parts = database.execute(f"SELECT address, {COLUMNS} FROM customers WHERE id = %s", number)[0]
    return address, tuple(parts)


def repairs(database: Any) -> list[tuple[Any, ...]]:
    return database.execute("SELECT (key->>'id')::bigint, original FROM seachange.repair ORDER BY id")


def insert_parts(database: Any, parts: tuple[str | None, ...], **more: Any) -> int:
    return insert(database, **dict(zip(COLUMNS.split(", "), parts, strict=True)), **more)


def update_parts(database: Any, number: int, parts: tuple[str | None, ...], more: str = "") -> None:
    database.execute(f"UPDATE customers SET ({COLUMNS}) = (%s, %s, %s, %s) {more} WHERE id = {number}", *parts)


def test_what_blue_writes_green_reads(expanded: Any) -> None:
    number = insert(expanded, address=TEXT)
    assert row(expanded, number) == (TEXT, PARTS)
    expanded.execute("UPDATE customers SET address = %s", OTHER_TEXT)
    assert row(expanded, number) == (OTHER_TEXT, OTHER_PARTS)
    expanded.execute("UPDATE customers SET address = 'elsewhere'")
    assert row(expanded, number) == ("elsewhere", ("elsewhere", None, None, None))
    expanded.execute("UPDATE customers SET address = ''")
    assert row(expanded, number) == ("", ("", None, None, None))
    expanded.execute("UPDATE customers SET address = NULL")
    assert row(expanded, number) == (None, NOTHING)
    assert repairs(expanded) == []


def test_what_green_writes_blue_reads(expanded: Any) -> None:
    number = insert_parts(expanded, PARTS)
    assert row(expanded, number) == (TEXT, PARTS)
    update_parts(expanded, number, OTHER_PARTS)
    assert row(expanded, number) == (OTHER_TEXT, OTHER_PARTS)
    update_parts(expanded, number, NOTHING)
    assert row(expanded, number) == (None, NOTHING)
    assert repairs(expanded) == []


def test_unchanged_columns_change_nothing(expanded: Any) -> None:
    number = insert(expanded, address=TEXT)
    expanded.execute(f"UPDATE customers SET name = 'm', address = address, ({COLUMNS}) = ({COLUMNS})")
    assert row(expanded, number) == (TEXT, PARTS)
    expanded.execute("UPDATE customers SET address = %s, city = city", OTHER_TEXT)  # blue's full-row write
    assert row(expanded, number) == (OTHER_TEXT, OTHER_PARTS)


def test_when_both_are_written_the_new_form_wins_and_the_other_is_kept_for_repair(expanded: Any) -> None:
    number = insert_parts(expanded, PARTS, address="conflicting")
    assert row(expanded, number) == (TEXT, PARTS)
    update_parts(expanded, number, OTHER_PARTS, ", address = 'again'")
    assert row(expanded, number) == (OTHER_TEXT, OTHER_PARTS)
    update_parts(expanded, number, PARTS, f", address = '{TEXT}'")  # both, and they agree: nothing to repair
    assert repairs(expanded) == [(number, {"address": "conflicting"}), (number, {"address": "again"})]


def test_an_original_that_was_not_in_step_is_kept_before_green_overwrites_it(database: Any) -> None:
    database.upgrade("0001")
    number = insert(database, address=TEXT)
    database.upgrade("0002")  # not backfilled
    database.execute("UPDATE customers SET city = 'Portland'")
    assert row(database, number)[0] == "Portland"
    assert (number, {"address": TEXT}) in repairs(database)


def test_parts_that_do_not_survive_the_way_back_are_recorded(expanded: Any) -> None:
    number = insert_parts(expanded, ("1 Main St", "Springfield, West", "IL", "62701"))
    joined = "1 Main St, Springfield, West, IL, 62701"
    parts = ("1 Main St", "Springfield, West", "IL", "62701")
    assert row(expanded, number) == (joined, parts)
    assert repairs(expanded) == [(number, dict(zip(COLUMNS.split(", "), parts, strict=True)))]


def test_the_application_writes_repairs_without_a_right_to_the_table(expanded: Any) -> None:
    dsn = expanded.server.dsn(expanded.name, user=expanded.role, password=expanded.password)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            f"INSERT INTO customers (name, email, address, {COLUMNS}) VALUES ('n', 'a@example.com', 'kept', %s, %s, %s, %s)",
            PARTS,
        )
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DELETE FROM seachange.repair")
    assert [original for _, original in repairs(expanded)] == [{"address": "kept"}]


def test_a_writers_search_path_hijacks_nothing(expanded: Any) -> None:
    expanded.execute("CREATE SCHEMA evil")
    for operator, left in (("=", "text"), ("~", "text"), (">", "integer"), ("=", "integer")):
        name = f"evil.answer_{abs(hash((operator, left)))}"
        expanded.execute(f"CREATE FUNCTION {name}({left}, {left}) RETURNS boolean LANGUAGE sql RETURN false")
        expanded.execute(f"CREATE OPERATOR evil.{operator} (FUNCTION = {name}, LEFTARG = {left}, RIGHTARG = {left})")
    for function in ("split_part(text, text, integer)", "concat_ws(text, VARIADIC text[])"):
        expanded.execute(f"CREATE FUNCTION evil.{function} RETURNS text LANGUAGE sql RETURN 'evil'")
    with expanded.connect(options="-c search_path=evil,pg_catalog,public") as connection:
        connection.execute("INSERT INTO customers (name, email, address) VALUES ('n', 'a@example.com', %s)", [TEXT])
        connection.execute(
            f"INSERT INTO customers (name, email, {COLUMNS}) VALUES ('n', 'b@example.com', %s, %s, %s, %s)", OTHER_PARTS
        )
    assert expanded.execute(f"SELECT address, {COLUMNS} FROM customers ORDER BY id") == [
        (TEXT, *PARTS),
        (OTHER_TEXT, *OTHER_PARTS),
    ]


def test_concurrent_writers_of_both_releases_leave_no_row_out_of_step(expanded: Any) -> None:
    numbers = [insert(expanded, email=f"{index}@example.com", address=TEXT) for index in range(10)]

    def write(statement: str, values: tuple[str, ...]) -> None:
        with expanded.connect(autocommit=True) as connection:
            for index in range(150):
                number = numbers[index * 7 % len(numbers)]
                connection.execute(f"UPDATE customers SET {statement} WHERE id = {number}".encode(), values)

    blue = ("address = %s || (random() * 1000)::int::text || ', Austin, TX, 73301'", ("street ",))
    green = (f"({COLUMNS}) = (%s || (random() * 1000)::int::text, 'Portland', 'OR', '97201')", ("way ",))
    threads = [threading.Thread(target=write, args=writer) for writer in (blue, green, blue, green)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    divergent = f"SELECT id FROM customers WHERE ROW({COLUMNS})::record *<> public.customers_address_forward(address)"
    assert expanded.execute(divergent) == []
    assert repairs(expanded) == []
