"""Rehearses the example again and again: good releases in a row, and every drill several times.

That outlasts one sitting, so `make drills` keeps each result in build/drills/results.jsonl and leaves out what has been done for the code that is
committed now. Every drill once comes before any drill twice. With `ONLY="none errors-5"` only those are rehearsed; `TIMES`, `ROWS`, `RATE` and
`SPEED` say how. Ends non-zero when one ended otherwise than it had to.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from seachange.rehearsal.drills import all_drills, named
from seachange.rehearsal.series import row
from seachange.rehearsal.statistics import bound

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "build" / "drills"
_RESULTS = OUT / "results.jsonl"
# What a rehearsal's outcome depends on.
_CODE = ("constructs", "lambdas", "service", "stacks", "app.py", "requirements.txt")
GOOD_IN_A_ROW, TIMES = 20, 5
# The example's target groups are not sticky.
_NOT_HERE = ("sticky",)


@dataclass(frozen=True, kw_only=True)
class Result:
    """One rehearsal of one drill.

    Attributes:
        as_expected: None where nothing was expected.
        rolled_back_s, simulated_s: How long that took from green's first traffic on, and between what it lies in nine of ten simulated releases,
            seconds of the plan's clock; None where no alarm did it.
    """

    code: str
    settings: str
    drill: str
    outcome: str
    as_expected: bool | None
    why: str
    expected: str = ""
    failed: int = 0
    divergent: int = 0
    requests: int = 0
    last_green_s: float | None = None
    rolled_back_s: float | None = None
    simulated_s: tuple[float, float] | None = None
    aa: bool = False


def main(only: list[str]) -> int:
    """Rehearses what is missing, prints a line each, then the table of all."""
    OUT.mkdir(parents=True, exist_ok=True)
    chosen = [drill.name for drill in all_drills() if not only or drill.name in only]
    if unknown := set(only).difference(chosen):
        print(
            f"drills: there is no {', '.join(sorted(unknown))}; `make drills` knows {', '.join(d.name for d in all_drills())}",
            file=sys.stderr,
        )
        return 2
    for number in range(1, 1 + max(map(wanted_of, chosen))):
        for drill in chosen:
            if len(found := results(drill)) < number <= (wanted := _wanted(drill, found)):
                result = _rehearse(drill, number)
                with _RESULTS.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(result)) + "\n")
                print(f"{drill} {number} of {wanted}: {result.outcome}, {_said(result)}", flush=True)
    lines = list(table())
    print("\n".join(lines))
    return 1 if any(line.startswith("MISS") for line in lines) else 0


def table() -> Iterator[str]:
    """A line for each drill: how often it ended as it had to, and the one-sided 95 % bound that this gives."""
    for drill in all_drills():
        found = results(drill.name)
        counted = [result for result in found if result.as_expected is not None]
        good = sum(bool(result.as_expected) for result in counted)
        if not found:
            yield f"      {drill.name}: not rehearsed yet"
        elif not counted:
            yield f"      {drill.name}: {len(found)} times, not counted: {found[-1].why}"
        else:
            word = "ok   " if good == len(counted) else "MISS "
            sure = f"so at least {bound(good, len(counted)):.0%} with 95 %"
            yield f"{word} {drill.name}: {good} of {len(counted)} as expected ({counted[-1].expected}), {sure}"


def wanted_of(drill: str) -> int:
    """How often a drill is to be rehearsed: once where nothing is expected of it."""
    return _wanted(drill, results(drill))


def _wanted(drill: str, found: Sequence[Result]) -> int:
    if found and all(result.as_expected is None for result in found):
        return 1
    return int(os.environ.get("TIMES", GOOD_IN_A_ROW if drill == "none" else TIMES))


def results(drill: str) -> list[Result]:
    """The results of a drill for the code and the settings of now."""
    return [r for r in kept() if r.drill == drill and r.settings == _settings()]


def kept() -> list[Result]:
    """Every result for the code of now, whatever its settings."""
    if not _RESULTS.exists():
        return []
    entries = [json.loads(line) for line in _RESULTS.read_text("utf-8").splitlines()]
    code = _code()
    return [Result(**entry) for entry in entries if entry["code"] == code]


def _rehearse(drill: str, number: int) -> Result:
    out = OUT / drill / str(number)
    command = [
        str(ROOT / ".venv/bin/seachange"), "rehearse", "--config", "service/rehearsal.toml", "--blue", "build/assembly/v1",
        "--green", "build/assembly/v2", "--drill", drill, "--out", str(out), *_options(),
    ]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        why = done.stderr.strip().splitlines()[-1]
        left_out = None if drill in _NOT_HERE else False
        return Result(code=_code(), settings=_settings(), drill=drill, outcome="none", as_expected=left_out, why=why)
    report = json.loads((out / "report.json").read_text("utf-8"))
    simulated = report["expectation"]["between_s"]
    return Result(
        code=_code(),
        settings=_settings(),
        drill=drill,
        expected=report["expectation"]["outcome"],
        outcome=report["outcome"]["kind"],
        as_expected=row(named(drill), report)["as_expected"],
        failed=report["requests"]["failed"],
        divergent=report["data"]["divergent"],
        requests=report["requests"]["total"],
        last_green_s=report["shift"]["last_green_after_decision_s"],
        rolled_back_s=report["shift"]["duration_s"] if simulated and report["rolled_back"] else None,
        simulated_s=simulated,
        aa=report["aa"] is not None,
        why="; ".join(report["reasons"]),
    )


def _said(result: Result) -> str:
    words = {True: "as expected", False: "NOT as expected", None: "not counted"}[result.as_expected]
    return f"{words} ({result.expected}); {result.failed} of {result.requests} requests failed, {result.divergent} rows differ"


def _options() -> list[str]:
    return [
        word
        for name, default in (("SPEED", "60"), ("RATE", "300"), ("ROWS", "1000000"))
        for word in (f"--{name.lower()}", os.environ.get(name, default))
    ]


def _settings() -> str:
    return " ".join(_options())


def _code() -> str:
    objects = [f"HEAD:{path}" for path in _CODE]
    done = subprocess.run(["git", "rev-parse", *objects], cwd=ROOT, capture_output=True, text=True, check=True)
    return ",".join(word[:12] for word in done.stdout.split())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
