"""What protects a release is removed, piece by piece: each time a named test must turn red."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

MUTATIONS = {
    "the sync trigger": (
        "lambdas/seachange_migrations/operations/sync_columns.py",
        "trigger.create_trigger(sync), *grants):",
        "*grants):",
        "tests/service/migrations/test_sync.py",
        "test_what_blue_writes_green_reads",
    ),
    "the alarm": (
        "constructs/seachange/alarms/release.py",
        'self.green = [*self._over("Green", green, "Blue", blue), *(pair.green for pair in directed)]',
        "self.green = []",
        "tests/constructs/test_alarms.py",
        "test_six_alarms_on_each_group",
    ),
    "the lock timeout": (
        "lambdas/seachange_migrations/safety.py",
        'send(connection, f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")',
        "pass",
        "tests/migrations/test_locks.py",
        "test_expand_never_queues_writers_behind_a_long_reader",
    ),
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources, to be broken."""
    target = tmp_path_factory.mktemp("mutated") / "seachange"
    ignored = shutil.ignore_patterns(
        ".git", ".venv", "node_modules", "build", "cdk.out", "dist", "__pycache__", ".*_cache"
    )
    shutil.copytree(ROOT, target, ignore=ignored)
    return target


def passes(copy: Path, file: str, test: str) -> bool:
    """Whether the test passes on the copy's sources; the copy shadows the installed package."""
    paths = os.pathsep.join(str(copy / part) for part in ("constructs", "lambdas"))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", file, "-k", test],
        cwd=copy,
        env=os.environ | {"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    # 5 is "no test ran": a renamed test must not look like a red one.
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    return done.returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("what", MUTATIONS)
def test_without_it_a_named_test_is_red(copy: Path, what: str) -> None:
    file, before, after, test_file, test = MUTATIONS[what]
    source = (copy / file).read_text("utf-8")
    assert source.count(before) == 1
    assert passes(copy, test_file, test), "the test is red already"
    (copy / file).write_text(source.replace(before, after), "utf-8")
    try:
        assert not passes(copy, test_file, test), f"{test} stays green without {what}"
    finally:
        (copy / file).write_text(source, "utf-8")
