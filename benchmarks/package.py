"""The migrations Lambda's package: how large it is for each processor, and what its import costs beside that of Alembic and psycopg.

The import is measured in the package for this machine and this Python, stripped as the Lambda's is and without compiled modules, as the
Lambda finds it; boto3 comes from elsewhere, as on AWS. Each import is a process of its own; the two take turns, and the median of the
processor time counts.
"""

import os
import platform
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from seachange.migrations import bundle as bundles
from seachange.migrations import wheels
from seachange.migrations.bundle import Bundle
from seachange.migrations.wheels import Machine

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 7
MOST_BYTES = 35_000_000
MOST_TIMES = 2.0
MACHINES: tuple[Machine, ...] = ("aarch64", "x86_64")
BASE = "import alembic, psycopg"
HANDLER = "import seachange_migrations.handler"


@dataclass(frozen=True, kw_only=True)
class Package:
    """`sizes` in bytes, unzipped and without boto3, by processor; the imports in seconds of processor time."""

    sizes: dict[Machine, int]
    base_s: float
    handler_s: float

    @property
    def times(self) -> float:
        """The handler's import as a multiple of Alembic's and psycopg's."""
        return self.handler_s / self.base_s

    @property
    def is_good(self) -> bool:
        return max(self.sizes.values()) <= MOST_BYTES and self.times <= MOST_TIMES


def example(machine: Machine) -> Bundle:
    """The parts of the example's package."""
    return Bundle(directory=ROOT / "service/migrations", requirements=None, include=(), machine=machine)


def size(machine: Machine) -> int:
    """The bytes of the whole package."""
    made = example(machine)
    return sum(
        file.stat().st_size
        for folder in (made.dependencies(), made.sources())
        for file in folder.rglob("*")
        if file.is_file()
    )


@contextmanager
def for_this_python() -> Iterator[list[Path]]:
    """The folders of the package for this machine and this Python instead of Lambda's."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    with mock.patch.object(wheels, "PYTHON", version), mock.patch.object(bundles, "PYTHON", version):
        made = example("aarch64" if platform.machine() in ("aarch64", "arm64") else "x86_64")
        yield [made.sources(), made.dependencies()]


def import_seconds(program: str, folders: list[Path]) -> float:
    """The processor time of a Python that runs `program` with these folders before this environment's packages."""
    paths = [*map(str, folders), sysconfig.get_path("purelib")]
    before = os.times()
    subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", f"import sys; sys.path[:0] = {paths!r}; {program}"],
        check=True,
        env={"PATH": os.environ["PATH"]},
    )
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def measure(rounds: int = ROUNDS) -> Package:
    """Builds the packages, from the cache where it has them, and measures them."""
    sizes = {machine: size(machine) for machine in MACHINES}
    taken: dict[str, list[float]] = {BASE: [], HANDLER: []}
    with for_this_python() as folders, tempfile.TemporaryDirectory() as copy:
        # Where nobody has left compiled modules.
        without = shutil.ignore_patterns("__pycache__")
        copies = [Path(shutil.copytree(folder, Path(copy) / folder.name, ignore=without)) for folder in folders]
        for _ in range(rounds):
            for program, seconds in taken.items():
                seconds.append(import_seconds(program, copies))
    return Package(sizes=sizes, base_s=statistics.median(taken[BASE]), handler_s=statistics.median(taken[HANDLER]))


def main() -> None:
    """Prints the package's figures; the promise and whether it holds come last."""
    found = measure()
    print("package of the migrations Lambda, unzipped, without boto3, parser included")
    for machine, count in found.sizes.items():
        print(f"  {machine:<8} {count / 1e6:5.1f} MB")
    print(
        f"  import   {found.handler_s:.2f} s of processor, alembic and psycopg {found.base_s:.2f} s; median of {ROUNDS} interleaved rounds"
    )
    print(
        f"  {'holds ' if found.is_good else 'MISSES'} {max(found.sizes.values()) / 1e6:.1f} MB, promised {MOST_BYTES / 1e6:.0f} MB; "
        f"its import {found.times:.2f} x that of alembic and psycopg, promised {MOST_TIMES:g} x"
    )


if __name__ == "__main__":
    main()
