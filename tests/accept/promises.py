"""What every acceptance run stands on: a new user's fresh clone, and one line for each promise."""

import os
import subprocess
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class MissError(Exception):
    """What was promised does not hold."""


class NewUser:
    """A fresh clone in a new directory, with a clean home and cache, and none of this shell's settings for tools that set up."""

    def __init__(self, parent: Path, name: str) -> None:
        self.clone = parent / name / "seachange"
        self.home = parent / name / "home"
        self.home.mkdir(parents=True)
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(self.clone)], check=True)
        dropped = (
            "VIRTUAL_ENV",
            "UV_CACHE_DIR",
            "PIP_CACHE_DIR",
            "XDG_",
            "npm_config_cache",
            "JSII_",
            "CDK_",
            "MAKE",
            "MFLAGS",
            "PYTHONPATH",
        )
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        self.environment |= {"HOME": str(self.home)}

    def make(self, target: str, **environment: str) -> str:
        """Runs `make target`; MissError with its last lines when it fails."""
        return self.run("make", target, **environment)

    def run(self, *command: str, **environment: str) -> str:
        """What a command in the clone printed; MissError with its last lines when it fails."""
        done = subprocess.run(
            command,
            cwd=self.clone,
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise MissError(
                f"`{' '.join(command)}` ended with {done.returncode}: {' | '.join(done.stdout.splitlines()[-5:])}"
            )
        return done.stdout


def hold(condition: object, what: str) -> None:
    """MissError, saying `what`, unless the condition holds."""
    if not condition:
        raise MissError(what)


class Outcomes:
    """How each test ended, by its name, read from pytest's junit files."""

    def __init__(self, clone: Path, files: str = "*.xml") -> None:
        self._by_name: dict[str, str] = {}
        for results in (clone / "build" / "tests").glob(files):
            for case in ET.parse(results).iter("testcase"):
                outcome = next((child.tag for child in case if child.tag in {"failure", "error", "skipped"}), "passed")
                self._by_name[str(case.get("name"))] = outcome

    def __len__(self) -> int:
        return len(self._by_name)

    def passed(self, *names: str) -> None:
        """MissError unless every one of these tests passed; a name that ends in `*` stands for all tests that begin so."""
        for name in names:
            begins = name.removesuffix("*")
            found = {
                case: outcome
                for case, outcome in self._by_name.items()
                if case == name or (begins != name and case.startswith(begins))
            }
            hold(found, f"{name}: not run")
            for case, outcome in found.items():
                hold(outcome == "passed", f"{case}: {outcome}")


def show(make: Callable[[Path], Sequence[Callable[[], str]]], only: Sequence[str] = ()) -> int:
    """Runs the checks that `make` gives for a new directory, or `only` those of these names, prints a line for each, and returns the
    exit code.
    """
    missed = 0
    with tempfile.TemporaryDirectory(prefix="seachange-accept-") as parent:
        Path(parent).chmod(0o755)
        for check in make(Path(parent)):
            if only and check.__name__ not in only:
                continue
            try:
                print(f"ok    {check.__name__}: {check()}", flush=True)
            except (MissError, OSError, subprocess.SubprocessError) as miss:
                missed += 1
                print(f"MISS  {check.__name__}: {miss}", flush=True)
    return 1 if missed else 0
