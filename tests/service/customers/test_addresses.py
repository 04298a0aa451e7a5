"""The conversion loses nothing, in Python as in SQL."""

import random
from typing import Any

import pytest
from customers.addresses import Address
from customers.releases import RELEASES, AddressError

PARSED = {
    "1 Main St, Springfield, IL, 62701": ("1 Main St", "Springfield", "IL", "62701"),
    "1 Main St, Apt 4, Springfield, IL, 62701-0001": ("1 Main St, Apt 4", "Springfield", "IL", "62701-0001"),
    "Ñuñoa 3, San José, CA, 95101": ("Ñuñoa 3", "San José", "CA", "95101"),
    "a, b, CA, SW1A 1AA": ("a", "b", "CA", "SW1A 1AA"),
    "line one\nline two, b\nc, CA, 95101": ("line one\nline two", "b\nc", "CA", "95101"),
}
UNPARSED = [
    "",
    " ",
    ", , , ",
    "somewhere",
    "1 Main St, Springfield, il, 62701",
    "1 Main St,Springfield,IL,62701",
    "1 Main St, Springfield, ILL, 62701",
    "1 Main St, Springfield, IL, 62",
    "1 Main St, Springfield, IL, 62701\n",
    "1 Main St, Springfield, IL, 62701 ",
    " 1 Main St, Springfield, IL, 62701",
    "1 Main St,  Springfield, IL, 62701",
    "1 Main St, Springfield , IL, 62701",
    "Springfield, IL, 62701",
    "1 Main St, Springfield, IL, 62701, USA",
    "1 Main St, Springfield, ÄB, 62701",
    "1 Main St, Springfield, IL, ٦٢٧٠١",
    "東京都千代田区1-1",
]


def odd_strings(number: int) -> list[str]:
    """Strings of the pieces that decide the parse, in every wrong order too."""
    pieces = [
        ", ",
        ",",
        " ",
        "a",
        "B",
        "IL",
        "CA",
        "12345",
        "1",
        "-",
        "\n",
        "\t",
        "é",
        "京",
        "\\",
        "'",
        "%",
        "\u2028",
        "𝄞",
    ]
    chooser = random.Random(7)
    return ["".join(chooser.choices(pieces, k=chooser.randint(0, 14))) for _ in range(number)]


def near_misses(number: int) -> list[str]:
    """Good addresses with one character changed."""
    chooser = random.Random(8)
    found = []
    for _ in range(number):
        text = list(chooser.choice([*PARSED, "x, y, ZZ, 000"]))
        text[chooser.randrange(len(text))] = chooser.choice(["", ",", " ", "A", "z", "0", "\n", "ß", ", "])
        found.append("".join(text))
    return found


ALL = [*PARSED, *UNPARSED, *odd_strings(6000), *near_misses(4000)]


@pytest.mark.parametrize(("text", "parts"), PARSED.items())
def test_an_address_of_four_parts_parses(text: str, parts: tuple[str, ...]) -> None:
    assert Address.parse(text) == parts


@pytest.mark.parametrize("text", UNPARSED)
def test_any_other_goes_whole_into_street(text: str) -> None:
    assert Address.parse(text) == (text, None, None, None)


def test_no_string_is_changed_by_the_round_trip() -> None:
    assert [text for text in ALL if Address.parse(text).joined != text] == []


def test_what_v2_answers_it_accepts_and_means_the_same() -> None:
    v2 = RELEASES["v2"]
    for text in ALL:
        address = v2.accept(text)
        assert address is not None
        assert v2.accept(address._asdict()) == address


def test_what_v2_accepts_survives_the_way_through_v1() -> None:
    v1, v2 = RELEASES["v1"], RELEASES["v2"]
    chooser, accepted = random.Random(9), 0
    words = ["a", "b c", "x,y", "1 Main St, Apt 4", " a", "b ", "", "\n", "é", None, 5]
    for _ in range(5000):
        given: dict[str, Any] = {
            "street": chooser.choice(words),
            "city": chooser.choice(words),
            "state": chooser.choice(["IL", "il", "I", "", None, "IL"]),
            "zip": chooser.choice(["62701", "1", "SW1A 1AA", " 123", None, "12-34", "12345678901"]),
        }
        try:
            address = v2.accept(given)
        except AddressError:
            continue
        accepted += 1
        assert v1.read(v1.write(address)) == address
    assert accepted > 50


def test_python_and_sql_convert_alike(database: Any) -> None:
    database.upgrade("0002")
    rows = database.execute(
        """
        SELECT given, part.street_address, part.city, part.state, part.zip_code,
            public.customers_address_backward(part.street_address, part.city, part.state, part.zip_code)
        FROM unnest(%s::text[]) AS given, LATERAL public.customers_address_forward(given) AS part
        """,
        ALL,
    )
    assert len(rows) == len(ALL)
    for given, *parts, back in rows:
        assert back == given
        assert Address.parse(given) == tuple(parts)


def test_null_stays_null(database: Any) -> None:
    database.upgrade("0002")
    assert database.execute("SELECT * FROM public.customers_address_forward(NULL)") == [(None, None, None, None)]
    assert database.execute("SELECT public.customers_address_backward(NULL, NULL, NULL, NULL)") == [(None,)]
    v2 = RELEASES["v2"]
    assert v2.read(v2.write(None)) is None
