"""An environment of its own for each family of public chains: their pins agree neither with ours nor with one another's."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PINS = ROOT / "tools" / "chains"
HOME = ROOT / "build" / "chains"


def python_of(family: str) -> Path:
    """The Python of that family's environment, made where it is missing or its pins are newer."""
    home, files = HOME / family, sorted(PINS.glob(f"{family}*.txt"))
    python, stamp = home / "bin" / "python", home / ".packages"
    if not stamp.exists() or stamp.stat().st_mtime < max(file.stat().st_mtime for file in files):
        shutil.rmtree(home, ignore_errors=True)
        _uv("venv", "--python", sys.executable, str(home))
        # One file may hold a package without what it requires, which is gigabytes.
        named = [argument for file in files for argument in ("-r", str(file))]
        _uv("pip", "install", "--python", str(python), "--no-deps", "--require-hashes", *named)
        stamp.touch()
    return python


def _uv(*arguments: str) -> None:
    environment = {**os.environ, "UV_SYSTEM_CERTS": "1"}
    subprocess.run([sys.executable, "-m", "uv", *arguments, "--quiet"], env=environment, check=True, cwd=ROOT)
