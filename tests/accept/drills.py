"""Rehearses the example again and again: good releases in a row, and every drill several times.

That outlasts one sitting, so `make drills` keeps each result in build/drills/results.jsonl and leaves out what has been done for the code that is
committed now. With `ONLY="none errors-5"` only those are rehearsed; `TIMES`, `ROWS`, `RATE` and `SPEED` say how. Ends non-zero when one ended
otherwise than it had to.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
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


@dataclass(frozen=True, kw_only=True)
class Result:
    """One rehearsal of one drill; `as_expected` is None where nothing was expected."""

    code: str
    settings: str
    drill: str
    expected: str
    outcome: str
    as_expected: bool | None
    failed: int
    divergent: int
    requests: int
    last_green_s: float | None
    aa: bool
    why: str


def main(only: list[str]) -> int:
    """Rehearses what is missing, prints a line each, then the table of all."""
    OUT.mkdir(parents=True, exist_ok=True)
    for drill in [drill.name for drill in all_drills() if not only or drill.name in only]:
        wanted = GOOD_IN_A_ROW if drill == "none" else int(os.environ.get("TIMES", TIMES))
        while len(found := results(drill)) < wanted:
            result = _rehearse(drill, len(found) + 1)
            with _RESULTS.open("a", encoding="utf-8") as kept:
                kept.write(json.dumps(asdict(result)) + "\n")
            print(f"{drill} {len(found) + 1} of {wanted}: {result.outcome}, {_said(result)}", flush=True)
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


def results(drill: str) -> list[Result]:
    """The results of a drill for the code and the settings of now."""
    if not _RESULTS.exists():
        return []
    lines = _RESULTS.read_text("utf-8").splitlines()
    found = [Result(**json.loads(line)) for line in lines]
    return [r for r in found if (r.drill, r.code, r.settings) == (drill, _code(), " ".join(_options()))]


def _rehearse(drill: str, number: int) -> Result:
    out = OUT / drill / str(number)
    command = [
        str(ROOT / ".venv/bin/seachange"), "rehearse", "--config", "service/rehearsal.toml", "--blue", "build/assembly/v1",
        "--green", "build/assembly/v2", "--drill", drill, "--out", str(out), *_options(),
    ]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        return _result(drill, outcome="none", why=done.stderr.strip().splitlines()[-1])
    report = json.loads((out / "report.json").read_text("utf-8"))
    return _result(
        drill,
        expected=report["expectation"]["outcome"],
        outcome=report["outcome"]["kind"],
        as_expected=row(named(drill), report)["as_expected"],
        failed=report["requests"]["failed"],
        divergent=report["data"]["divergent"],
        requests=report["requests"]["total"],
        last_green_s=report["shift"]["last_green_after_decision_s"],
        aa=report["aa"] is not None,
        why="; ".join(report["reasons"]),
    )


def _result(
    drill: str,
    *,
    outcome: str,
    why: str,
    expected: str = "",
    as_expected: bool | None = None,
    failed: int = 0,
    divergent: int = 0,
    requests: int = 0,
    last_green_s: float | None = None,
    aa: bool = False,
) -> Result:
    return Result(
        code=_code(),
        settings=" ".join(_options()),
        drill=drill,
        expected=expected,
        outcome=outcome,
        as_expected=as_expected,
        failed=failed,
        divergent=divergent,
        requests=requests,
        last_green_s=last_green_s,
        aa=aa,
        why=why,
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


def _code() -> str:
    objects = [f"HEAD:{path}" for path in _CODE]
    done = subprocess.run(["git", "rev-parse", *objects], cwd=ROOT, capture_output=True, text=True, check=True)
    return ",".join(word[:12] for word in done.stdout.split())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
