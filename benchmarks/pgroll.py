"""pgroll, built with Go where its toolchain and its module can be had: the same columns and the same filling, its way."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parents[1]
MODULE = "github.com/xataio/pgroll"
VERSION = "v0.14.3"
BUILD_TIMEOUT_S = 600.0
RUN_TIMEOUT_S = 3600.0


class MissingError(Exception):
    """pgroll cannot be had here; the text says why."""


def build() -> Path:
    """The executable, below `build/`; built once. Raises MissingError."""
    target = ROOT / "build" / "tools" / f"pgroll-{VERSION}"
    if (target / "pgroll").exists():
        return target / "pgroll"
    go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if go is None:
        raise MissingError("no Go toolchain is on PATH or in /usr/local/go/bin")
    environment = os.environ | {"GOBIN": str(target), "GOFLAGS": "-trimpath"}
    try:
        done = subprocess.run(
            [go, "install", f"{MODULE}@{VERSION}"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=BUILD_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise MissingError(f"go did not build {MODULE}@{VERSION} within {BUILD_TIMEOUT_S:.0f} s") from None
    if done.returncode:
        last = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        raise MissingError(f"go could not build {MODULE}@{VERSION}: {last[-1] if last else 'it does not say why'}")
    return target / "pgroll"


def expand(
    binary: Path, folder: Path, *, host: str, port: int, database: str, password: str, columns: dict[str, str]
) -> None:
    """Starts a migration that adds `columns`, each filled by its SQL expression over the old ones, and keeps both versions."""
    operations = [
        {"add_column": {"table": "customers", "up": up, "column": {"name": name, "type": "text", "nullable": True}}}
        for name, up in columns.items()
    ]
    migration = folder / "structured_address.json"
    migration.write_text(json.dumps({"name": "structured_address", "operations": operations}), "utf-8")
    url = f"postgres://postgres:{quote(password, safe='')}@{host}:{port}/{database}?sslmode=disable"
    for command in (["init"], ["start", str(migration)]):
        subprocess.run(
            [str(binary), *command, "--postgres-url", url], check=True, capture_output=True, timeout=RUN_TIMEOUT_S
        )
