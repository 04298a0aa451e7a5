"""URLs as users give them."""

import pytest

from seachange_migrations.connection import ConnectionSettings
from seachange_migrations.database_url import settings_of
from seachange_migrations.errors import InvalidRequestError


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "postgresql://a:b%40@h:1/d?sslmode=disable",
            ConnectionSettings(host="h", port=1, database="d", user="a", password="b@", options={"sslmode": "disable"}),
        ),
        ("postgres:///d", ConnectionSettings(host="", port=5432, database="d", user="", password="")),
        ("postgresql+psycopg2://u@h/d", ConnectionSettings(host="h", port=5432, database="d", user="u", password="")),
        (
            "postgresql://u@/d?host=/tmp/socket",
            ConnectionSettings(host="/tmp/socket", port=5432, database="d", user="u", password=""),
        ),
    ],
)
def test_read(url: str, expected: ConnectionSettings) -> None:
    assert settings_of(url) == expected


def test_what_it_says_is_over_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSSLMODE", "require")
    assert settings_of("postgresql://h/d").parameters()["sslmode"] == "require"
    assert settings_of("postgresql://h/d?sslmode=disable").parameters()["sslmode"] == "disable"
    assert settings_of("postgresql://h/d?sslmode=disable").url().query["sslmode"] == "disable"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://a:secret@h/d", "begins with 'mysql': it must name a PostgreSQL database"),
        ("shop", "has no scheme"),
        ("postgresql://a:secret @h/d", "cannot be read: write it as in"),
        ("postgresql://a:b@secret@h/d", "cannot be read"),
        ("postgresql://a:secret@h:port/d", "cannot be read"),
        ("postgresql://a:secret@h/d?nonsense=1", "cannot be read"),
        ("postgresql://a:secret%zz@h/d", "cannot be read"),
    ],
)
def test_refused(url: str, message: str) -> None:
    with pytest.raises(InvalidRequestError, match=message) as caught:
        settings_of(url)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
