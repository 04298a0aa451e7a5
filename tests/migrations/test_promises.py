"""What a later revision does to a sync that stands: it is refused where the sync could not keep its promise."""

import pytest

from seachange_migrations.errors import BreaksSyncError
from seachange_migrations.migrate import migrate
from seachange_migrations.phases import Phase
from tests.migrations.databases import MAKES_ITS_OWN_ENGINE, AlembicDirectory, Database

TABLE = "CREATE TABLE items (id int PRIMARY KEY, amount text, other int)"
SYNC = 'op.sync_columns("items", old="amount", new={"cents": "int"}, forward="amount::int", backward="cents::text", lossy=True)'
TOUCH = "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"
IN_STEP = [(1, "5", 5), (2, "6", 6)]


@pytest.fixture
def synced(database: Database, directory: AlembicDirectory) -> AlembicDirectory:
    """A directory whose revisions 0001 and 0002 are applied: a table, and a sync that stands on it."""
    directory.revision("0001", None, TABLE)
    migrate(database.master, directory.path)
    directory.revision("0002", "0001", body=SYNC, branch_labels=("expand",))
    assert migrate(database.master, directory.path).revisions == ("0002",)
    return directory


def catalog(database: Database) -> list[tuple[str, ...]]:
    """Everything that a revision of these tests could have left behind."""
    return database.rows(
        "SELECT 'column', format('%s %s %s', attname, attnotnull, atthasdef) FROM pg_attribute WHERE attrelid = 'items'::regclass"
        " UNION ALL SELECT 'constraint', conname FROM pg_constraint WHERE conrelid = 'items'::regclass"
        " UNION ALL SELECT 'index', indexrelid::regclass::text FROM pg_index WHERE indrelid = 'items'::regclass"
        " UNION ALL SELECT 'trigger', format('%s %s', tgname, tgenabled) FROM pg_trigger WHERE tgrelid = 'items'::regclass"
        " UNION ALL SELECT 'table', tablename FROM pg_tables WHERE schemaname = 'public'"
        " UNION ALL SELECT 'version', version_num FROM alembic_version ORDER BY 1, 2"
    )


def write_both_sides(database: Database) -> None:
    database.rows("INSERT INTO items (id, amount) VALUES (1, '5')", database.master)
    database.rows("INSERT INTO items (id, cents) VALUES (2, 6)", database.master)
    assert database.rows("SELECT id, amount, cents FROM items ORDER BY id") == IN_STEP


BROKEN = {
    "a check on the derived column": (
        ("ALTER TABLE items ADD CONSTRAINT few CHECK (cents < 9) NOT VALID",),
        "the constraint few is on the new side.*in the contract revision, after op.drop_synced",
    ),
    "a check on the old column": (
        ("ALTER TABLE items ADD CONSTRAINT few CHECK (length(amount) < 9) NOT VALID",),
        "constraint few came later than the sync.*make the sync anew",
    ),
    "a trigger that sorts later": (
        (TOUCH, 'CREATE TRIGGER "~touch" BEFORE UPDATE ON items FOR EACH ROW EXECUTE FUNCTION touch()'),
        "trigger ~touch of items fires after ours.*RENAME TO",
    ),
    "unique on both sides": (
        ("CREATE UNIQUE INDEX amounts ON items (amount)", "CREATE UNIQUE INDEX cents ON items (cents)"),
        "cents makes the new side unique.*op.add_unique in the contract revision",
    ),
    "a disabled trigger": (
        ("DO $$ BEGIN EXECUTE format('ALTER TABLE items DISABLE %s USER', 'TRIGGER'); END $$",),
        "is disabled.*put it back",
    ),
}


@pytest.mark.parametrize("env", ["a given connection", "an engine of its own"])
@pytest.mark.parametrize("case", BROKEN)
def test_a_later_revision_that_breaks_a_sync_is_rolled_back(
    database: Database, synced: AlembicDirectory, case: str, env: str
) -> None:
    if env == "an engine of its own":
        (synced.path / "env.py").write_text(MAKES_ITS_OWN_ENGINE, "utf-8")
    before = catalog(database)
    statements, message = BROKEN[case]
    later(synced, "op.create_table('beside')", *(f"op.execute({statement!r})" for statement in statements))
    with pytest.raises(BreaksSyncError, match=f"^revision 0003 is refused.*{message}.*as it was before it") as caught:
        migrate(database.master, synced.path)
    assert (caught.value.revision, "\n" in str(caught.value)) == ("0003", False)
    assert catalog(database) == before
    write_both_sides(database)


@pytest.mark.parametrize(
    "line",
    [
        "op.execute('ALTER TABLE items ADD note text')",
        "op.execute('CREATE INDEX cents ON items (cents)')",
        f"op.execute({TOUCH!r}); op.execute('CREATE TRIGGER t BEFORE UPDATE ON items FOR EACH ROW EXECUTE FUNCTION touch()')",
        "op.backfill('items', sync='items_cents')",
    ],
)
def test_an_innocent_later_revision_passes(database: Database, synced: AlembicDirectory, line: str) -> None:
    later(synced, line)
    assert migrate(database.master, synced.path).revisions == ("0003",)
    write_both_sides(database)


def test_contract_ends_the_promise(database: Database, synced: AlembicDirectory) -> None:
    write_both_sides(database)
    synced.revision(
        "0003",
        "0001",
        body="op.drop_synced('items', sync='items_cents'); op.execute('ALTER TABLE items ALTER cents SET NOT NULL')",
        branch_labels=("contract",),
        depends_on="0002",
    )
    assert migrate(database.master, synced.path, Phase.CONTRACT).revisions == ("0003",)
    synced.revision("0004", "0002", body="op.add_unique('once', 'items', ['cents'])", depends_on="0003")
    assert migrate(database.master, synced.path).revisions == ("0004",)


def test_a_first_migration_is_not_asked_for_nothing_is_served(database: Database, directory: AlembicDirectory) -> None:
    directory.revision("0001", None, TABLE)
    directory.revision("0002", "0001", body=SYNC)
    directory.revision("0003", "0002", "ALTER TABLE items ALTER cents SET NOT NULL")
    directory.revision("0004", "0003", body="op.drop_synced('items', sync='items_cents')", phase="contract")
    assert len(migrate(database.master, directory.path).revisions) == 4


@pytest.mark.parametrize("unjournalled", [False, True])
def test_a_revision_that_has_committed_stops_and_says_what_stays(
    database: Database, synced: AlembicDirectory, unjournalled: bool
) -> None:
    before = catalog(database)
    statement = "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS once ON items (cents)"
    later(
        synced,
        "from contextlib import nullcontext",
        "from seachange_migrations.journal import unjournalled",
        "op.execute('ALTER TABLE items ADD note text')",
        f"with op.get_context().autocommit_block(), {'unjournalled' if unjournalled else 'nullcontext'}():",
        f"    op.execute({statement!r})",
    )
    for _ in range(2):  # the next try does not take it for granted
        with pytest.raises(
            BreaksSyncError, match=r"broke the promise of a sync.*once makes the new side unique"
        ) as caught:
            migrate(database.master, synced.path)
        listed = "1. ALTER TABLE items ADD note text" + ("" if unjournalled else f"; 2. {statement}")
        assert f"what it committed stays: {listed}; but" in str(caught.value)
        assert "\n" not in str(caught.value)
    assert ("version", "0002") in catalog(database)

    # As the message says.
    database.rows("DROP INDEX once", database.master)
    later(synced, "op.execute('ALTER TABLE items ADD note text')")
    assert migrate(database.master, synced.path).revisions == ("0003",)
    assert set(catalog(database)) - set(before) == {("version", "0003"), ("column", "note f f")}
    assert database.rows("SELECT count(*) FROM seachange.journal") == [(0,)]
    write_both_sides(database)


def test_no_row_is_read_for_it(database: Database, synced: AlembicDirectory) -> None:
    """What the check costs does not grow with the table."""
    later(synced, "op.execute('ALTER TABLE items ADD note text')")
    database.rows("INSERT INTO items (id, amount) SELECT n, n FROM generate_series(1, 100) n", database.master)
    seen = "SELECT coalesce(seq_scan, 0) + coalesce(idx_scan, 0) FROM pg_stat_user_tables WHERE relname = 'items'"
    before = database.rows(seen)
    migrate(database.master, synced.path)
    assert database.rows(seen) == before


def later(directory: AlembicDirectory, *lines: str) -> None:
    directory.revision("0003", "0002", body="\n".join(lines))
