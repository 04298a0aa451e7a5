"""The database's URL: as libpq and SQLAlchemy write it, and refused in a line where it is anything else."""

from pathlib import Path
from urllib.parse import quote

import pytest

from seachange_migrations.connection import ConnectionSettings, connect, open_connection
from seachange_migrations.errors import InvalidRequestError
from tests.migrations.databases import Database

VARIABLES = ("PGHOST", "PGPORT", "PGDATABASE", "PGUSER", "PGPASSWORD", "PGPASSFILE")


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_all_of_it(scheme: str) -> None:
    url = f"{scheme}://us%40er:p%2Fa%3As%25s@db.example:6543/sh%20op?sslmode=verify-ca&sslrootcert=/a%20b.pem"
    assert ConnectionSettings.from_url(url) == ConnectionSettings(
        host="db.example",
        port=6543,
        database="sh op",
        user="us@er",
        password="p/a:s%s",
        sslmode="verify-ca",
        sslrootcert="/a b.pem",
    )


def test_the_environment_fills_in(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("PGHOST", "h"), ("PGPORT", "1"), ("PGDATABASE", "d"), ("PGUSER", "u")):
        monkeypatch.setenv(name, value)
    expected = ConnectionSettings(host="h", port=1, database="d", user="u", password="")
    assert ConnectionSettings.from_url("postgresql://") == expected
    assert ConnectionSettings.from_url("postgresql://[::1]:2/x").host == "::1"


def test_a_real_connection_by_each_way_to_give_a_password(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    to = database.master
    bare = f"postgresql://{to.user}@{to.host}:{to.port}/{to.database}"
    reached(f"postgresql://{to.user}:{quote(to.password, safe='')}@{to.host}:{to.port}/{to.database}", database)
    with monkeypatch.context() as patched:
        patched.setenv("PGPASSWORD", to.password)
        reached(bare, database)
    passfile = tmp_path / "pass word"
    escaped = to.password.replace(":", r"\:")
    passfile.write_text(f"{to.host}:{to.port}:*:{to.user}:{escaped}\n", "utf-8")
    passfile.chmod(0o600)
    reached(f"{bare}?passfile={quote(str(passfile))}", database)
    folder = quote(str(database.server._directory), safe="")
    reached(f"postgresql://{to.user}:{quote(to.password, safe='')}@:{to.port}/{to.database}?host={folder}", database)


def reached(url: str, database: Database) -> None:
    settings = ConnectionSettings.from_url(url)
    with connect(settings) as session:
        assert session.execute("SELECT current_database()").fetchone() == (database.name,)
    with open_connection(settings) as connection:
        assert connection.exec_driver_sql("SELECT current_user").scalar() == database.master.user


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://root:secret@db/shop", "begins with 'mysql': only PostgreSQL is migrated"),
        ("postgresql+asyncpg://u:secret@db/shop", "begins with 'postgresql+asyncpg'"),
        ("u:secret@db/shop", "begins with"),
        ("", "begins with"),
        ("postgresql://u:secret@db:port/shop", "cannot be read"),
        ("postgresql://u:secret@db:99999/shop", "cannot be read"),
        ("postgresql://u:secret@[::1/shop", "cannot be read"),
        ("postgresql://u:p/secret@db/shop", "cannot be read"),
        ("postgresql://u:secret/p@db/shop", "cannot be read (Port could not be cast to integer value)"),
        ("postgresql+psycopg2://u:secret@db/shop", "begins with 'postgresql+psycopg2': psycopg 3 connects here"),
        ("postgresql://u:secret@one,two/shop", "names several hosts"),
        ("postgresql://u:secret@one:5432,two:5433/shop", "names several hosts"),
        ("postgresql://u:secret@/shop?host=one,two", "names several hosts"),
        ("postgresql://u%00:secret@db/shop", "holds a zero byte (%00)"),
        ("postgresql://u:secret%00@db/shop", "holds a zero byte (%00)"),
        ("postgresql://u:secret@d%00b/shop", "holds a zero byte (%00)"),
        ("postgresql://u:secret@db/sh%00op", "holds a zero byte (%00)"),
        ("postgresql://u:secret@db/shop?sslrootcert=a%00", "holds a zero byte (%00)"),
        ("postgresql://u:secret@db/sh\0op", "holds a zero byte (%00)"),
        ("postgresql://u:secret@/shop", "names no host, and PGHOST is not set"),
        ("postgresql://u:secret@db", "names no database, and PGDATABASE is not set"),
        ("postgresql://db/shop", "names no user, and PGUSER is not set"),
        ("postgresql://u:secret@db/shop?options=-c", "has the parameter 'options'"),
        ("postgresql://u:secret@db/shop?sslmode=on", "has sslmode=on: write one of disable, allow"),
    ],
)
def test_refused_in_one_line(url: str, message: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        ConnectionSettings.from_url(url)
    text = str(caught.value)
    assert message in text
    assert "postgresql://USER@HOST:PORT/DATABASE" in text
    assert "\n" not in text
    assert "secret" not in text


def test_several_hosts_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "one,two")
    with pytest.raises(InvalidRequestError, match="names several hosts"):
        ConnectionSettings.from_url("postgresql://u@/shop")


def test_a_port_in_the_environment_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPORT", "soon")
    with pytest.raises(InvalidRequestError, match="names no port, and PGPORT is 'soon'"):
        ConnectionSettings.from_url("postgresql://u@db/shop")
