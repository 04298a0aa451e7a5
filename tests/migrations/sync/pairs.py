"""Pairs of column sets: a split, a join, changed types and a rename."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A pair of column sets, with values that convert, that do not, that come back changed, and that the other side cannot hold."""

    old: dict[str, list[Any]]
    new: dict[str, list[Any]]
    types: dict[str, str]
    forward: dict[str, str] | str
    backward: dict[str, str] | str
    columns: str
    prepare: tuple[str, ...] = ()
    defaults: dict[str, str | None] = field(default_factory=dict)


SPLIT = """
CREATE OR REPLACE FUNCTION {s}.split(address text, OUT street text, OUT city text, OUT zip text) LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF address NOT LIKE '%, %, %' THEN RAISE EXCEPTION 'no parts in %', address; END IF;
    street := split_part(address, ', ', 1); city := split_part(address, ', ', 2); zip := split_part(address, ', ', 3);
END $$
"""
JOINED = """
CREATE OR REPLACE FUNCTION {s}.joined(street text, city text, zip text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN CASE WHEN num_nonnulls(street, city, zip) > 0 THEN concat_ws(', ', street, city, zip) END;
END $$
"""
PAIRS = {
    "one to three": Pair(
        old={"address": [None, "", "1 Road, Town, 12345", "a, b, c", "nowhere", "x, y, z, w"]},
        new={"street": [None, "", "1 Road", "a, b"], "city": [None, "Town", "b"], "zip": [None, "12345", "c"]},
        types={"street": "text", "city": "text", "zip": "varchar(6)"},
        forward="{s}.split(address)",
        backward="{s}.joined(street, city, zip)",
        columns="address text",
        prepare=(SPLIT, JOINED),
    ),
    "two to one": Pair(
        old={"first": [None, "", "Ann", "Mary Ann"], "last": [None, "Lee", "van Dam"]},
        new={"name": [None, "", "Ann Lee", "Ann", "Mary Ann van Dam", "Unspeakable"]},
        types={"name": "text"},
        forward={"name": "first || coalesce(' ' || last, '')"},
        backward={
            "first": "split_part(name, ' ', 1)",
            "last": "nullif(substr(name, length(split_part(name, ' ', 1)) + 2), '')",
        },
        columns="first text, last text CHECK (last <> 'Dam van')",
    ),
    "text to int": Pair(
        old={"amount": [None, "1", "007", "7", "many", "99999999999", ""]},
        new={"cents": [None, 1, 7, 8, -5, 1000]},
        types={"cents": "int"},
        forward={"cents": "amount::int"},
        backward={"amount": "cents::text"},
        columns="amount varchar(3)",
    ),
    "int to text": Pair(
        old={"code": [None, 1, 7, -2]},
        new={"label": [None, "1", "7", "07", "x", "99999999999"]},
        types={"label": "text"},
        forward={"label": "code::text"},
        backward={"code": "label::int"},
        columns="code int NOT NULL DEFAULT 0",
        defaults={"code": "0"},
    ),
    "numeric to text": Pair(
        old={"price": [None, "1", "1.0", "1.00", "2.50"]},
        new={"shown": [None, "1", "1.00", "2.5", "dear"]},
        types={"shown": "text"},
        forward={"shown": "price::text"},
        backward={"price": "shown::numeric"},
        columns="price numeric",
    ),
    "json to jsonb": Pair(
        old={"doc": [None, "{}", '{"a":  1}', '{"a":1,"a":2}', "[1]", "null"]},
        new={"document": [None, "{}", '{"a": 1}', "[1, 2]", "null"]},
        types={"document": "jsonb"},
        forward={"document": "doc::jsonb"},
        backward={"doc": "document::json"},
        columns="doc json",
    ),
    "rename": Pair(
        old={"a": [None, "", "x", "y"]},
        new={"b": [None, "", "x", "z"]},
        types={"b": "text"},
        forward={"b": "a"},
        backward={"a": "b"},
        columns="a text",
    ),
}
