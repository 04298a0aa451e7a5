"""The example's rows that were there before get their structured address."""

import tomllib
from pathlib import Path
from typing import Any

from seachange.rehearsal.data import compare

SERVICE = Path(__file__).parents[3] / "service"


def test_every_row_is_converted_and_both_releases_see_the_same(database: Any) -> None:
    database.upgrade("0001")
    with database.connect() as connection:
        connection.execute("SELECT set_config('seachange.rows', '6000', false)")
        connection.execute((SERVICE / "seed.sql").read_bytes())
    database.upgrade("expand@head")
    assert database.execute("SELECT count(*) FROM customers WHERE street_address IS NOT NULL") == [(5700,)]
    assert database.execute("SELECT count(*) FROM customers WHERE updated_at <> created_at") == [(0,)]
    views = tomllib.loads((SERVICE / "rehearsal.toml").read_text("utf-8"))["views"]
    result = compare(database.dsn, views["blue"], views["green"])
    assert (result.rows_checked, result.divergent) == (6000, 0)
