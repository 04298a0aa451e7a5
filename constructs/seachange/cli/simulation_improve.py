"""`seachange simulate --improve`: the search, shown while it runs, and what it found."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from rich.console import Console

from seachange.errors import SeaChangeError
from seachange.plan.faults import Fault
from seachange.simulation.improve import Improvement, Option
from seachange.simulation.result import Share

SCHEMA = "seachange.improvement/1"
_LINE_EVERY_S = 5.0
_VERDICTS = {
    "reaches": "reaches what is wanted",
    "undecided": "may reach what is wanted: more --releases would tell",
    "misses": "does not reach what is wanted",
}


def one_fault(faults: Sequence[tuple[str, Fault]]) -> tuple[str, Fault]:
    """The one kind of bad release that is to be caught."""
    if len(faults) != 1:
        raise SeaChangeError(
            f"--improve searches for what catches one kind of bad release, and {len(faults)} are asked for: state one, as --error-rate 5%"
        )
    return faults[0]


def shown(name: str, fault: Fault, found: Improvement, *, as_json: bool) -> str:
    """What is printed.

    Args:
        name: The fault in words.
        fault: The fault.
        found: What was found.
        as_json: Whether programs read it: under the schema seachange.improvement/1.
    """
    return json.dumps(_document(name, fault, found)) if as_json else "\n".join(_lines(name, found))


def _lines(name: str, found: Improvement) -> Iterator[str]:
    wanted = _wanted(name, found)
    for option in found.options:
        count = len(option.changes)
        head = f"{count} change{'s' * (count > 1)}" if count else "the app as it is"
        yield f"{head}: {_VERDICTS[option.verdict]}"
        yield from (f"    {change}" for change in option.changes)
        yield f"    {_numbers(option)}"
    releases = found.options[0].bad.releases
    yield (
        f"{found.tried:,} sets of changes were tried on the same 1,000 releases; those above were measured on {releases:,} other bad and good "
        "ones; in brackets the 95 % interval"
    )
    if not found.is_complete:
        yield "the time was up before all were tried: with less to do elsewhere on this machine more would be"
    answer = found.answer
    if answer is None:
        yield f"no: none reaches it: {wanted}"
    elif not answer.changes:
        yield f"nothing has to change: {wanted}"
    else:
        yield f"write {', '.join(answer.changes)}: {wanted}"


def _document(name: str, fault: Fault, found: Improvement) -> dict[str, Any]:
    answer = found.answer
    return {
        "schema": SCHEMA,
        "verdict": "fail" if answer is None else "pass",
        "name": name,
        "fault": {key: value for key, value in asdict(fault).items() if value != float("inf")},
        "target": asdict(found.target),
        "answer": None if answer is None else list(answer.changes),
        "tried": found.tried,
        "is_complete": found.is_complete,
        "options": [
            {
                "changes": list(option.changes),
                "verdict": option.verdict,
                "caught": asdict(option.bad.rolled_back),
                "caught_range": list(option.bad.range),
                "false_alarms": asdict(option.good.rolled_back),
                "false_alarms_range": list(option.good.range),
                "harmed": asdict(option.bad.harmed),
                "time_s": asdict(option.bad.time_s),
            }
            for option in found.options
        ],
    }


@contextmanager
def searching() -> Iterator[Callable[[str], None]]:
    """What the search does: a line that changes on a terminal, one every few seconds elsewhere."""
    console = Console(stderr=True)
    if console.is_terminal:
        with console.status("searching") as status:
            yield status.update
        return
    told = -_LINE_EVERY_S

    def tell(text: str) -> None:
        nonlocal told
        if time.monotonic() - told >= _LINE_EVERY_S:
            told = time.monotonic()
            print(text, file=sys.stderr, flush=True)

    yield tell


def _wanted(name: str, found: Improvement) -> str:
    target = found.target
    return (
        f"{100 * target.catch:g} % of releases like `{name}` rolled back, and {target.false_alarms:g} of a hundred good ones at most, "
        "at the worse end of each interval"
    )


def _numbers(option: Option) -> str:
    bad, good = option.bad, option.good
    after = "" if bad.time_s.p50 is None else f", half of them within {bad.time_s.p50 / 60:.1f} min"
    low, high = bad.range
    unknown = "" if high - low < 0.005 else f"; {100 * low:.1f} to {100 * high:.1f} % over what is not published"
    return (
        f"rolled back: {_percent(bad.rolled_back)} of bad releases{after}{unknown}; {_percent(good.rolled_back)} of good ones; "
        f"{bad.harmed.mean:,.0f} requests harmed"
    )


def _percent(share: Share) -> str:
    return f"{100 * share.value:.2f} % ({100 * share.low:.2f} to {100 * share.high:.2f})"
