"""The words of an SQL text: names and keywords, and nothing that stands in literals or comments."""

import pytest

from seachange_migrations.words import first_word, words


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (
            "CREATE INDEX By_Name ON shop.customers (name);",
            ["create", "index", "by_name", "on", "shop", "customers", "name"],
        ),
        ('SELECT "By Name", "a""b"', ["select", "By Name", 'a"b']),
        ("SELECT 'it''s not' , E'a\\' b' , x", ["select", "x"]),
        ("SELECT 'a\\', b", ["select", "b"]),
        ("-- commit\n/* commit /* nested */ commit */ COMMIT", ["commit"]),
        ("DO $body$ COMMIT; $$ $body$; COMMIT", ["do", "commit"]),
        ("DO $$ COMMIT $$", ["do"]),
        ("SELECT $1, a$b FROM t1", ["select", "a$b", "from", "t1"]),
        ("SELECT 'never closed", ["select"]),
        ("/* never closed", []),
        ("SELECT größe", ["select", "größe"]),
        ("", []),
    ],
)
def test_words(sql: str, expected: list[str]) -> None:
    assert list(words(sql)) == expected


def test_the_first_word() -> None:
    assert first_word("  /* x */ Commit work") == "commit"
    assert first_word("-- nothing") == ""
