"""`seachange check`: exit codes, and each format."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from seachange.cli.app import app
from seachange.errors import SeaChangeError
from seachange_migrations.errors import MigrationError
from tests.migrations.databases import AlembicDirectory


def seachange(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["check", *arguments])


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AlembicDirectory:
    """Safe, then an expand that drops, then one that nobody can render, then a contract."""
    monkeypatch.chdir(tmp_path)
    made = AlembicDirectory(tmp_path / "migrations")
    made.revision("0001", None, "CREATE TABLE customers (id int PRIMARY KEY, note text, address text)")
    made.revision("0002", "0001", "ALTER TABLE customers DROP COLUMN note")
    made.revision("0003", "0002", body="op.get_bind().exec_driver_sql('SELECT 1')")
    made.revision("0004", "0003", "ALTER TABLE customers DROP COLUMN address", phase="contract")
    return made


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], 1),
        (["--revision", "0001"], 0),
        (["--revision", "0001", "--revision", "0002"], 1),
        (["--since", "0002"], 0),
        (["--since", "0002", "--strict"], 1),
        (["--since", "0003", "--strict"], 0),
        (["--since", "0004"], 0),
    ],
)
def test_exit_codes(directory: AlembicDirectory, arguments: list[str], code: int) -> None:
    assert seachange(str(directory.path), *arguments).exit_code == code


@pytest.mark.usefixtures("directory")
def test_the_directory_is_migrations_by_default() -> None:
    ran = seachange("--revision", "0001")
    assert ran.output.splitlines()[-1] == "1 revision: 1 safe"
    assert ran.exit_code == 0


def test_terminal(directory: AlembicDirectory) -> None:
    lines = seachange(str(directory.path)).output.splitlines()
    assert lines[0] == "safe        0001 (expand)  migrations/versions/0001.py"
    assert lines[1] == "contract    0002 (expand)  migrations/versions/0002.py"
    assert lines[2].startswith("    line 7: drop-column (contract): it drops column note of customers")
    assert "contract    0004 (contract)  migrations/versions/0004.py" in lines
    assert lines[-1] == "4 revisions: 2 contract, 1 unknown, 1 safe; 1 must not run as it is"
    assert "A contract revision may." in " ".join(line.strip() for line in lines)


def test_json(directory: AlembicDirectory) -> None:
    found = json.loads(seachange(str(directory.path), "--format", "json").output)
    assert found["schema"] == "seachange.check/1"
    assert [one["verdict"] for one in found["revisions"]] == ["safe", "contract", "unknown", "contract"]


def test_github(directory: AlembicDirectory) -> None:
    path = directory.path / "versions/0002.py"
    path.write_text(path.read_text("utf-8") + "    op.execute('SELECT f(100%)')\n", "utf-8")
    lines = seachange(str(directory.path), "--format", "github").output.splitlines()
    assert [re.split("[ :]", line.removeprefix("::"))[0] for line in lines] == ["error", "warning", "warning"]
    assert lines[0].startswith(
        "::error file=migrations/versions/0002.py,line=7,title=contract%3A drop-column::it drops column note of customers, "
    )


@pytest.mark.parametrize(
    ("workspace", "repository", "expected"),
    [
        (".", None, "app/migrations/versions/0002.py"),
        (".", "app", "app/migrations/versions/0002.py"),
        (None, ".", "app/migrations/versions/0002.py"),
        ("elsewhere", "app", "migrations/versions/0002.py"),
        (None, None, "versions/0002.py"),
    ],
)
@pytest.mark.parametrize("form", ["github", "sarif"])
def test_a_pull_request_names_files_from_its_repository(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    workspace: str | None,
    repository: str | None,
    expected: str,
    form: str,
) -> None:
    made = AlembicDirectory(tmp_path / "app" / "migrations")
    made.revision("0001", None, "CREATE TABLE customers (id int PRIMARY KEY, note text)")
    made.revision("0002", "0001", "ALTER TABLE customers DROP COLUMN note")
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    if workspace:
        (tmp_path / workspace).mkdir(exist_ok=True)
        monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path / workspace))
    if repository:
        (tmp_path / repository / ".git").mkdir()
    monkeypatch.chdir(made.path)
    output = seachange(".", "--format", form).output
    if form == "github":
        assert output.startswith(f"::error file={expected},line=7,")
    else:
        [result] = json.loads(output)["runs"][0]["results"]
        assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == expected


def test_sarif(directory: AlembicDirectory) -> None:
    path = directory.path / "versions/0002.py"
    allow = "# seachange: allow drop-column because nobody reads it"
    path.write_text(path.read_text("utf-8").replace("    op.execute", f"    {allow}\n    op.execute"), "utf-8")
    log = json.loads(seachange(str(directory.path), "--format", "sarif").output)
    # What the standard requires: version and runs; of a run its tool; of a driver its name; of a result its message.
    assert log["version"] == "2.1.0"
    [run] = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "seachange"
    rules = [rule["id"] for rule in driver["rules"]]
    assert len(rules) == len(set(rules))
    assert all(rule["shortDescription"]["text"] and rule["fullDescription"]["text"] for rule in driver["rules"])
    assert run["invocations"][0]["executionSuccessful"] is True
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert result["message"]["text"]
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"].startswith("migrations/versions/")
        assert place["region"]["startLine"] >= 1
    assert [(result["ruleId"], result["level"], suppressed(result)) for result in run["results"]] == [
        ("drop-column", "note", ["nobody reads it"]),
        ("not-rendered", "warning", []),
        ("drop-column", "note", []),
    ]


def suppressed(result: dict[str, Any]) -> list[str]:
    assert all(found["kind"] == "inSource" for found in result["suppressions"])
    return [found["justification"] for found in result["suppressions"]]


def test_what_an_author_allows_is_told_and_passes(directory: AlembicDirectory) -> None:
    path = directory.path / "versions/0002.py"
    allow = "# seachange: allow drop-column because nobody reads it"
    path.write_text(path.read_text("utf-8").replace("    op.execute", f"    {allow}\n    op.execute"), "utf-8")
    done = seachange(str(directory.path))
    assert done.exit_code == 0
    assert "Allowed: nobody reads it" in done.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["migrations", "--since", "9999"], "'9999' is no revision"),
        (["migrations", "--revision", "9999"], "9999: no revision of"),
        (["nowhere"], "is no Alembic directory"),
        (["migrations", "--since", "0001", "--revision", "0002"], "not both"),
        (["migrations", "--url", "mysql://127.0.0.1/shop"], "mysql"),
    ],
)
def test_unusable_input(directory: AlembicDirectory, arguments: list[str], message: str) -> None:
    assert directory.path.is_dir()
    error = seachange(*arguments).exception
    assert isinstance(error, MigrationError | SeaChangeError)  # `main` makes one line and exit code 2 of it
    assert message in str(error)
    assert "\n" not in str(error)


def test_help_teaches() -> None:
    words = " ".join(seachange("--help").output.split())
    for told in ("lock-hazard", "# seachange: allow RULE because REASON", "Exit code 0", "--since", "sarif"):
        assert told in words
