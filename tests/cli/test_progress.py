"""How progress is shown: lines that are few, a bar on a terminal, and every event as JSON."""

import io
import json
from typing import Any

import pytest
from rich.console import Console

from seachange.cli.progress import Bars, Lines
from seachange.cli.progress_words import duration, sentence

EVENT: dict[str, Any] = {
    "event": "backfill",
    "name": "customers_street",
    "table": "public.customers",
    "range": 1,
    "ranges": 1,
    "pass": 1,
    "rows": 250_000,
    "estimated": 1_000_000,
    "written": 250_000,
    "rows_per_s": 12_345.6,
    "seconds_left": 75.0,
    "batch_rows": 900,
    "paused": None,
}
DONE = {
    "event": "backfilled",
    "name": "customers_street",
    "table": "public.customers",
    "written": 1_000_000,
    "seconds": 90.0,
}


def test_a_backfill_is_told_with_its_rate_and_what_is_left() -> None:
    assert sentence(EVENT) == (
        "backfill customers_street: 250,000 of about 1,000,000 rows (25 %), 12,346 rows/s, 1:15 min left"
    )
    paused = sentence(
        {**EVENT, "pass": 2, "range": 3, "ranges": 16, "paused": "replica b lags by 40 MiB", "seconds_left": None}
    )
    assert paused == (
        "backfill customers_street, range 3 of 16, pass 2: 250,000 of about 1,000,000 rows (25 %), "
        "paused: replica b lags by 40 MiB"
    )


def test_lines_are_few_but_a_pause_is_told_at_once() -> None:
    output = io.StringIO()
    with Lines(output) as lines:
        for rows in range(0, 1_000_000, 100_000):
            lines({**EVENT, "rows": rows})
        lines({**EVENT, "paused": "asked to"})
        lines(DONE)
    told = output.getvalue().splitlines()
    assert len(told) == 3
    assert told[1].endswith("paused: asked to")
    assert told[2] == (
        "backfill customers_street of public.customers is complete: 1,000,000 rows in 1:30 min, and a fresh scan found none left"
    )


def test_programs_get_every_event() -> None:
    output = io.StringIO()
    with Lines(output, as_json=True) as lines:
        lines(EVENT)
        lines(EVENT)
    assert [json.loads(line) for line in output.getvalue().splitlines()] == [EVENT, EVENT]


def test_a_bar_on_a_terminal() -> None:
    output = io.StringIO()
    with Bars(Console(file=output, force_terminal=True, width=160, color_system=None)) as bars:
        bars(EVENT)
        bars({**EVENT, "paused": "asked to"})
        bars(DONE)
        bars({"event": "revision_applied", "revision": "0003", "seconds": 90.0})
    shown = output.getvalue()
    assert "backfill customers_street" in shown
    assert "25 %  250,000 of about 1,000,000 rows" in shown
    assert "12,346 rows/s, 1:15 min left" in shown
    assert "paused: asked to" in shown
    assert "0003  applied in 90.0 s" in shown


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"event": "revision_started", "revision": "0002"}, None),
        (
            {
                "event": "lock_timeout",
                "revision": "0002",
                "attempt": 1,
                "blocked_by": ["pid 7 (psql)"],
                "retry_in_s": 0.25,
            },
            "0002  gives way after try 1, again in 0.2 s; blocked by pid 7 (psql)",
        ),
        (
            {"event": "planned", "from": (), "target": "heads", "phase": "expand", "revisions": ("0001", "0002")},
            "expand: 2 revisions to apply, from no revision",
        ),
        ({"event": "proof_started", "revisions": ("0001", "0002")}, "proof started: revisions 0001, 0002"),
    ],
)
def test_events_in_words(event: dict[str, Any], said: str | None) -> None:
    assert sentence(event) == said


@pytest.mark.parametrize(("seconds", "said"), [(0.4, "0 s"), (59.6, "1:00 min"), (61, "1:01 min"), (7_260, "2:01 h")])
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said
