"""The Lambda's asset: its hash, its cache, and, with a network, the wheels in it."""

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aws_cdk as cdk
import pytest

from seachange import AlembicMigrations, InvalidArgumentError
from seachange.migrations import BundleError, bundle, stripping, wheels
from seachange.migrations.bundle import Bundle
from tests.constructs.apps import their_database, their_vpc
from tests.migrations.databases import AlembicDirectory

# e_machine of the ELF header.
ELF_MACHINES = {"aarch64": 183, "x86_64": 62}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "seachange" / "bundles"


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    return AlembicDirectory(tmp_path / "alembic").example().path


def bundle_of(migrations: Path, **changes: Any) -> Bundle:
    return Bundle(**{"directory": migrations, "requirements": None, "include": (), "machine": "aarch64", **changes})


def test_the_hash_is_the_same_in_every_checkout(
    migrations: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = bundle_of(migrations).fingerprint()
    engine = Path(importlib.util.find_spec("seachange_migrations").origin).parent  # type: ignore[union-attr, arg-type]
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(engine, elsewhere / "seachange_migrations", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(migrations, elsewhere / "alembic")
    for path in ("alembic/__pycache__", "alembic/versions/__pycache__", "seachange_migrations/__pycache__"):
        (elsewhere / path).mkdir(exist_ok=True)
        (elsewhere / path / "env.cpython-313.pyc").write_bytes(b"compiled")
    (elsewhere / "alembic" / "env.py").chmod(0o600)
    spec = SimpleNamespace(origin=str(elsewhere / "seachange_migrations" / "__init__.py"))
    monkeypatch.setattr(bundle, "find_spec", lambda _: spec)
    assert bundle_of(elsewhere / "alembic").fingerprint() == before


def test_the_hash_follows_what_the_asset_is_made_of(migrations: Path, tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("phonenumbers\n", "utf-8")
    models = tmp_path / "models.py"
    models.write_text("", "utf-8")
    hashes = {
        bundle_of(migrations).fingerprint(),
        bundle_of(migrations, machine="x86_64").fingerprint(),
        bundle_of(migrations, requirements=requirements).fingerprint(),
        bundle_of(migrations, include=[models]).fingerprint(),
    }
    (migrations / "env.py").write_text("pass", "utf-8")
    hashes.add(bundle_of(migrations).fingerprint())
    assert len(hashes) == 5


def test_sources_with_included_modules_and_packages(migrations: Path, tmp_path: Path) -> None:
    package = tmp_path / "shop"
    package.mkdir()
    (package / "models.py").write_text("", "utf-8")
    module = tmp_path / "settings.py"
    module.write_text("", "utf-8")
    sources = bundle_of(migrations, include=[package, module]).sources()
    assert {path.name for path in sources.iterdir()} == {"migrations", "seachange_migrations", "settings.py", "shop"}
    assert (sources / "shop" / "models.py").is_file()
    assert {oct(path.stat().st_mode & 0o777) for path in sources.rglob("*.py")} == {"0o644"}


@pytest.mark.parametrize("name", ["migrations", "seachange_migrations"])
def test_an_included_name_that_is_taken(migrations: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "theirs" / name).mkdir(parents=True)
    with pytest.raises(InvalidArgumentError, match=f"the Lambda has a {name} already; rename it"):
        bundle_of(migrations, include=[tmp_path / "theirs" / name])


def test_missing_certificates(migrations: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "find_spec", lambda _: SimpleNamespace(origin=str(tmp_path / "__init__.py")))
    with pytest.raises(BundleError, match=r"rds-ca\.pem, .* is missing: run `make setup`"):
        bundle_of(migrations).fingerprint()


def test_pip_is_missing(migrations: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheels, "find_spec", lambda _: None)
    with pytest.raises(BundleError, match=r"pip is missing from .*: run `.* -m ensurepip`"):
        bundle_of(migrations).dependencies()


@pytest.mark.slow
def test_the_network_is_away(migrations: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "PIP_INDEX_URL": "http://127.0.0.1:1/simple",
        "PIP_RETRIES": "0",
        "PIP_NO_CACHE_DIR": "1",
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(BundleError, match=r"could not be installed for aarch64: .* Check the network") as failed:
        bundle_of(migrations).dependencies()
    assert "\n" not in str(failed.value)
    assert list(cache.iterdir()) == [], "nothing half-written"


@pytest.mark.slow
@pytest.mark.parametrize("machine", ["aarch64", "x86_64"])
def test_wheels_for_the_lambdas_platform(migrations: Path, cache: Path, machine: str) -> None:
    dependencies = bundle_of(migrations, machine=machine).dependencies()
    assert {"alembic", "sqlalchemy", "psycopg", "psycopg_binary"} <= {path.name for path in dependencies.iterdir()}
    libraries = [path for path in dependencies.rglob("*") if ".so" in path.suffixes]
    assert {path.read_bytes()[18] for path in libraries} == {ELF_MACHINES[machine]}
    versions = {path.name.split(".")[1] for path in libraries if ".cpython-" in path.name}
    assert versions == {f"cpython-313-{machine}-linux-gnu"}
    for left_out in ("bin", "**/__pycache__", "*.dist-info/RECORD", "*.dist-info/INSTALLER"):
        assert not list(dependencies.glob(left_out)), left_out
    assert [path.name for path in cache.iterdir()] == [dependencies.name]
    assert bundle_of(migrations, machine=machine).dependencies() == dependencies, "from the cache"
    assert not [path for path in dependencies.rglob("*") if path.suffix in stripping.UNREAD]
    for library in libraries:
        content = library.read_bytes()
        assert stripping.cut(content) == content, "cut already"
        assert max(stripping.segment_ends(content)) == len(content), "the loader finds all that it maps"
    assert list(dependencies.glob("*.dist-info/licenses/*")), "licences stay"


@pytest.mark.slow
def test_further_requirements_keep_the_engines_versions(migrations: Path, tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("alembic-utils\n", "utf-8")
    dependencies = bundle_of(migrations, requirements=requirements).dependencies()
    assert (dependencies / "alembic_utils").is_dir()
    assert len(list(dependencies.glob("sqlalchemy-*.dist-info"))) == 1
    requirements.write_text("sqlalchemy==1.4.54\n", "utf-8")
    with pytest.raises(BundleError, match="conflict"):
        bundle_of(migrations, requirements=requirements).dependencies()


@pytest.mark.slow
def test_a_bundled_stack(migrations: Path, tmp_path: Path) -> None:
    """The asset as the Lambda gets it: everything the handler imports is in it, and nothing else is needed but boto3."""
    stack = cdk.Stack(cdk.App(outdir=str(tmp_path / "cdk.out")), "Shop")
    database = their_database(stack)
    AlembicMigrations(
        stack,
        "Migrations",
        directory=migrations,
        vpc=their_vpc(stack),
        host=database.host,
        database_name="shop",
        security_group=database.database_security_group,
        secret=database.application_secret,
    )
    cdk.App.of(stack).synth()  # type: ignore[union-attr, attr-defined]
    [asset] = [path.parent for path in (tmp_path / "cdk.out").glob("asset.*/migrations")]
    pure = [
        name for name in ("alembic", "sqlalchemy", "mako", "psycopg", "seachange_migrations") if (asset / name).is_dir()
    ]
    assert len(pure) == 5
    program = "import sys, alembic, seachange_migrations; print(alembic.__file__, seachange_migrations.__file__)"
    result = subprocess.run(
        [
            sys.executable,
            "-I",
            "-c",
            f"import sys; sys.dont_write_bytecode = True; sys.path.insert(0, {str(asset)!r}); {program}",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.split() == [
        str(asset / "alembic/__init__.py"),
        str(asset / "seachange_migrations/__init__.py"),
    ]
    size = sum(path.stat().st_size for path in asset.rglob("*") if path.is_file())
    assert size <= 35_000_000


USES_THE_PACKAGE = """
import sys
sys.path[:0] = sys.argv[1:3]
from pathlib import Path
import postgast, psycopg, sqlalchemy.engine._row_cy as compiled
from seachange_migrations.check import contract_findings
assert psycopg.pq.__impl__ == "binary"
assert all(sys.argv[1] in module.__file__ for module in (postgast, psycopg, compiled))
[finding] = contract_findings(Path(sys.argv[3]))
print(finding)
"""


@pytest.mark.slow
def test_the_stripped_package_parses_and_runs(migrations: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The parser, the driver and SQLAlchemy's compiled parts, for this Python, in a process that finds no others."""
    dropping = "from alembic import op\nrevision, down_revision = '0004', '0002'\ndef upgrade():\n    op.drop_column('customers', 'address')\n"
    (migrations / "versions" / "0004.py").write_text(dropping, "utf-8")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for module in (wheels, bundle):
        monkeypatch.setattr(module, "PYTHON", version)
    machine = "aarch64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
    made = bundle_of(migrations, machine=machine)
    folders = [str(made.dependencies()), str(made.sources())]
    result = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", USES_THE_PACKAGE, *folders, str(migrations)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("revision 0004, line ")


def test_a_library_is_cut_behind_what_the_loader_maps() -> None:
    library = Path(next(iter(importlib.util.find_spec("postgast").submodule_search_locations)), "libpg_query.so")  # type: ignore[union-attr, arg-type]
    content = library.read_bytes()
    shortened = stripping.cut(content)
    assert len(shortened) < len(content) / 2
    assert len(shortened) == max(stripping.segment_ends(content))
    header = stripping.HEADER_BYTES
    assert shortened[header:] == content[header : len(shortened)]
    assert stripping.cut(shortened) == shortened


@pytest.mark.parametrize(
    "content", [b"", b"\x7fELF", b"\xcf\xfa\xed\xfe" + bytes(100), b"\x7fELF\x01\x01" + bytes(100)]
)
def test_what_is_no_library_of_64_bit_linux_stays(content: bytes) -> None:
    assert stripping.cut(content) == content


def test_the_cache_forgets_what_nobody_uses(migrations: Path, cache: Path) -> None:
    used = bundle_of(migrations).sources()
    forgotten, months_ago = cache / "sources-old", time.time() - 61 * 24 * 3600
    (forgotten / "deep").mkdir(parents=True)
    for folder in (used, forgotten):
        os.utime(folder, (months_ago, months_ago))
    assert bundle_of(migrations).sources() == used, "which counts as a use"
    assert forgotten.exists()
    bundle_of(migrations, machine="x86_64").sources()
    assert (used.exists(), forgotten.exists()) == (True, False)
