"""`seachange migrate`: what it does, says and answers, on a real database."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from seachange_migrations.locks import lock_key
from tests.cli.running import Commands, url_of
from tests.migrations.databases import MASTER_PASSWORD, AlembicDirectory, Database
from tests.servers.dump import schema

SLOW = "SELECT pg_sleep(60)"


@contextmanager
def another_deployer(database: Database) -> Iterator[psycopg.Connection]:
    with database.connect(application_name="the other deployer") as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [lock_key(database.name)])
        yield connection


def at_0002(seachange: Commands, database: Database, directory: AlembicDirectory) -> str:
    """A database that serves release 0002's predecessor and takes its expand revision; the URL."""
    url = url_of(database.master)
    assert seachange("migrate", str(directory.path), "--phase", "expand", "--url", url, "--target", "0001").code == 0
    return url


def test_expand_then_contract_then_nothing(
    seachange: Commands, database: Database, directory: AlembicDirectory
) -> None:
    path, url = str(directory.example().path), at_0002(seachange, database, directory)
    expanded = seachange("migrate", path, "--phase", "expand", "--url", url)
    assert expanded.code == 0, expanded.err
    assert "expand: 1 revision to apply, from 0001" in expanded.err
    assert "0002  applied in" in expanded.err
    assert expanded.out.startswith("done: 1 revision in ")
    assert expanded.out.endswith("; the database is at 0002\n")
    contracted = seachange("migrate", path, "--phase", "contract", "--url", url)
    assert contracted.code == 0, contracted.err
    again = seachange("migrate", path, "--phase", "contract", "--url", url)
    assert (again.code, again.out) == (0, "done: nothing had to run; the database is at 0003\n")
    columns = "SELECT array_agg(column_name::text) FROM information_schema.columns WHERE table_name = 'customers'"
    assert database.rows(columns) == [(["id", "city"],)]


def test_the_plan_shows_what_would_run_and_changes_nothing(
    seachange: Commands, database: Database, directory: AlembicDirectory
) -> None:
    path, url = str(directory.example().path), at_0002(seachange, database, directory)
    before = schema(database.server, database.name)
    shown = seachange("migrate", path, "--phase", "expand", "--url", url, "--plan")
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.splitlines() == [
        "the database is at 0001",
        "expand would run:",
        "  0002  expand  safe",
        "waiting for contract:",
        "  0003  contract",
    ]
    found = json.loads(
        seachange(
            "migrate", path, "--phase", "contract", "--url", url, "--plan", "--target", "0002", "--format", "json"
        ).out
    )
    assert found["schema"] == "seachange.plan/1"
    assert (found["from"], found["revisions"], found["waiting"]) == (["0001"], [], ["0002"])
    assert schema(database.server, database.name) == before


def test_the_plan_estimates_the_backfills_of_revisions_that_have_not_run(
    seachange: Commands, database: Database, directory: AlembicDirectory
) -> None:
    directory.revision(
        "0001", None, "CREATE TABLE customers (id int PRIMARY KEY, name text, address text)", phase="expand"
    )
    url = at_0002(seachange, database, directory)
    sync = """
    op.rename_column("customers", "name", "full_name", type_="text")
    op.backfill("customers", sync="customers_full_name")
    """
    directory.revision("0002", "0001", body=sync, phase="expand")
    directory.revision(
        "0003", "0002", body="op.backfill('orders', set={'a': '1'}, where='a = 0', name='b')", phase="expand"
    )
    database.rows("INSERT INTO customers SELECT n, 'c' FROM generate_series(1, 5000) AS n")
    database.rows("ANALYZE customers")
    arguments = ["migrate", str(directory.path), "--phase", "expand", "--url", url, "--plan"]
    shown = seachange(*arguments).out
    assert "backfill customers_full_name: about 5,000 rows of public.customers, in order of id" in shown
    assert "      backfill of orders: that table is not there yet" in shown
    revisions = json.loads(seachange(*arguments, "--format", "json").out)["revisions"]
    assert [one["backfills"][0].get("rows") for one in revisions] == [5000, None]
    assert "full_name" not in str(database.rows("SELECT array_agg(attname::text) FROM pg_attribute"))


def test_json_lines_end_with_what_was_done(
    seachange: Commands, database: Database, directory: AlembicDirectory
) -> None:
    url = url_of(database.master)
    done = seachange("migrate", str(directory.example().path), "--phase", "expand", "--url", url, "--format", "json")
    events = [json.loads(line) for line in done.out.splitlines()]
    assert (done.code, done.err) == (0, "")
    assert [event["event"] for event in events[:2]] == ["planned", "revision_started"]
    assert events[-1]["event"] == "finished"
    assert events[-1]["schema"] == "seachange.migrate/1"
    assert (events[-1]["from"], events[-1]["to"], events[-1]["revisions"]) == ([], ["0003"], ["0001", "0002", "0003"])


def test_the_directory_is_called_migrations_and_the_variables_name_the_database(
    seachange: Commands, database: Database, directory: AlembicDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(directory.example().path.parent)
    monkeypatch.setenv("DATABASE_URL", url_of(database.master, password=""))
    monkeypatch.setenv("PGPASSWORD", MASTER_PASSWORD)
    assert seachange("migrate", "--phase", "expand").code == 0
    assert database.rows("SELECT count(*) FROM customers") == [(0,)]


def test_a_failing_revision_is_answered_with_1_and_taken_back(
    seachange: Commands, database: Database, directory: AlembicDirectory
) -> None:
    directory.revision("0001", None, "SELECT 1/0", branch_labels=("expand",))
    url = url_of(database.master)
    failed = seachange("migrate", str(directory.path), "--phase", "expand", "--url", url, "--format", "json")
    assert failed.code == 1
    assert "division by zero" in failed.one_line()
    last = json.loads(failed.out.splitlines()[-1])
    assert (last["event"], last["error"], last["exit_code"]) == ("failed", "RevisionFailedError", 1)
    assert "division by zero" in last["reason"]
    assert "customers" not in database.tables()


def test_contract_first_is_answered_with_1(
    seachange: Commands, database: Database, directory: AlembicDirectory
) -> None:
    directory.revision("0001", None, "CREATE TABLE customers (id int PRIMARY KEY, address text)", phase="expand")
    directory.revision("0002", "0001", "ALTER TABLE customers DROP COLUMN address", phase="contract")
    directory.revision("0003", "0002", "ALTER TABLE customers ADD COLUMN city text", phase="expand")
    url = at_0002(seachange, database, directory)
    for more in ([], ["--plan"]):
        refused = seachange("migrate", str(directory.path), "--phase", "expand", "--url", url, *more)
        assert refused.code == 1
        assert "contract first" in refused.err


def test_it_waits_for_another_deployer_and_says_for_whom(
    seachange: Commands, database: Database, directory: AlembicDirectory
) -> None:
    path, url = str(directory.example().path), url_of(database.master)
    with another_deployer(database):
        waited = seachange("migrate", path, "--phase", "expand", "--url", url, "--timeout", "1")
    assert waited.code == 1
    assert f"waiting: another deployer migrates database '{database.name}': pid " in waited.err
    assert "the other deployer" in waited.err
    assert seachange("migrate", path, "--phase", "expand", "--url", url).code == 0


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_says_what_stays_and_the_next_run_goes_on(
    seachange: Commands, database: Database, directory: AlembicDirectory, stop: signal.Signals
) -> None:
    directory.revision("0001", None, "CREATE TABLE customers (id int PRIMARY KEY)")
    directory.revision("0002", "0001", SLOW, phase="expand")
    command = [sys.executable, "-c", "from seachange.cli import main; main()", "migrate", str(directory.path)]
    command += ["--phase", "expand", "--url", url_of(database.master)]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ})
    try:
        sleeping = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
        deadline = time.monotonic() + 30
        while database.rows(sleeping) == [(0,)]:
            assert running.poll() is None, running.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        running.send_signal(stop)
        _, err = running.communicate(timeout=20)
    finally:
        running.kill()
    assert running.returncode == 130, err
    assert "Traceback" not in err
    assert err.strip().endswith("seachange: interrupted; what was committed stays, and the next run goes on from there")
    assert database.rows("SELECT version_num FROM alembic_version") == [("0001",)]
    (directory.path / "versions" / "0002.py").unlink()
    directory.revision("0002", "0001", "ALTER TABLE customers ADD COLUMN city text", phase="expand")
    assert seachange("migrate", str(directory.path), "--phase", "expand", "--url", url_of(database.master)).code == 0
