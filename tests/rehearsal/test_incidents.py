"""The cause of each failed or slow request, from what the client, the load balancer and the lookouts saw of it."""

from typing import Any

import pytest

from seachange.rehearsal.access_log import ANSWERED, OUTCOMES, Entry
from seachange.rehearsal.incidents import Happening, LockWait, Surroundings, cause, find
from seachange.rehearsal.load import Record

CLOSED = next(outcome for outcome in OUTCOMES if "UC" in outcome.flags)
LEFT = next(outcome for outcome in OUTCOMES if "DC" in outcome.flags)


def record(**changes: Any) -> Record:
    values = {
        "number": 1,
        "method": "GET",
        "path": "/things/{{id}}",
        "adds": 0,
        "intended": 1000.0,
        "lag_s": 0.0002,
        "latency_s": 0.4,
        "status": 200,
        "problem": "",
    }
    return Record(**values | changes)


def entry(**changes: Any) -> Entry:
    values = {"number": "1", "at": 1000.4, "group": "green", "status": 200, "target_s": 0.39, "outcome": ANSWERED}
    return Entry(**values | changes)


FAILED = record(status=500, problem="status 500")
ANSWERED_500 = entry(status=500)
RESTART = Happening(start=1000.1, end=1002.0, words="the database restarted")


@pytest.mark.parametrize(
    ("seen", "logged", "around", "words"),
    [
        pytest.param(FAILED, ANSWERED_500, Surroundings(), "green answered 500", id="answered 500"),
        pytest.param(
            FAILED,
            ANSWERED_500,
            Surroundings(happenings=(RESTART,)),
            "green answered 500, while the database restarted",
            id="the database restarted",
        ),
        pytest.param(
            record(status=502, problem="status 502"),
            entry(status=502, outcome=CLOSED, target_s=None),
            Surroundings(
                happenings=(Happening(start=990, end=1010, words="its task was ending", colour="green"),),
            ),
            "the target closed the connection without an answer (green): the load balancer answered 502, while its task was ending",
            id="its task was ending",
        ),
        pytest.param(
            record(status=502, problem="status 502"),
            entry(status=502, outcome=CLOSED, target_s=None, group="blue"),
            Surroundings(
                happenings=(Happening(start=990, end=1010, words="its task was ending", colour="green"),),
            ),
            "the target closed the connection without an answer (blue): the load balancer answered 502",
            id="another colour's task was ending",
        ),
        pytest.param(
            record(status=404, problem="status 404"),
            entry(status=404),
            Surroundings(),
            "green answered 404, which the load does not expect",
            id="unexpected status",
        ),
        pytest.param(
            record(status=0, problem="no answer within 30 s", latency_s=30.0),
            entry(status=460, outcome=LEFT, target_s=None),
            Surroundings(lock_waits=(LockWait(at=1029.0, longest_s=29.0, blocked_by="a session of psql's"),)),
            "green gave no answer within 30 s: it waited for a lock of a session of psql's",
            id="timed out in a queue for a lock",
        ),
        pytest.param(
            record(),
            entry(group="blue"),
            Surroundings(lock_waits=(LockWait(at=1000.3, longest_s=0.2, blocked_by="the migration's revision 0002"),)),
            "waited for a lock of the migration's revision 0002",
            id="waited for a lock",
        ),
        pytest.param(
            record(),
            entry(group="blue"),
            Surroundings(lock_waits=(LockWait(at=1002.3, longest_s=0.2, blocked_by="the migration's revision 0002"),)),
            "blue was slow to answer",
            id="somebody else waited later",
        ),
        pytest.param(
            record(),
            entry(group="blue"),
            Surroundings(lock_waits=(LockWait(at=1000.3, longest_s=0.2, blocked_by=""),)),
            "waited for a lock of a session that is gone",
            id="the holder was gone",
        ),
        pytest.param(
            record(),
            entry(group="blue"),
            Surroundings(background=(Happening(start=995, end=1005, words="the migration's revision 0003"),)),
            "blue was slow to answer, during the migration's revision 0003",
            id="slow beside a backfill",
        ),
        pytest.param(
            FAILED,
            ANSWERED_500,
            Surroundings(background=(Happening(start=995, end=1005, words="the migration's revision 0003"),)),
            "green answered 500",
            id="a backfill fails nobody",
        ),
        pytest.param(
            record(lag_s=0.3),
            entry(),
            Surroundings(happenings=(RESTART,)),
            "this machine was late: the load generator sent it too late",
            id="the machine was late",
        ),
        pytest.param(
            record(),
            entry(target_s=0.003),
            Surroundings(),
            "unknown: its target answered in time, and the rest of its way took long",
            id="nobody knows",
        ),
        pytest.param(
            record(status=0, problem="OSError: refused"),
            None,
            Surroundings(),
            "unknown: the load balancer has no record of it; for the client it was OSError: refused",
            id="not in the log",
        ),
        pytest.param(
            record(status=0, problem="EOFError: cut off"),
            entry(),
            Surroundings(),
            "unknown: the load balancer passed on a 200; for the client it was EOFError: cut off",
            id="cut off behind the load balancer",
        ),
    ],
)
def test_the_cause_is_what_was_seen(seen: Record, logged: Entry | None, around: Surroundings, words: str) -> None:
    assert cause(seen, logged, around) == words


def test_slow_is_above_a_tenth_of_a_second_or_five_times_the_baseline() -> None:
    records = [record(number=number, latency_s=latency) for number, latency in enumerate([0.1, 0.101, 0.26])]
    slow = [find(records, {}, Surroundings(), baseline_p99_s=p99, green_from=0).slow for p99 in (0.01, 0.05, 0.06)]
    assert [len(found) for found in slow] == [2, 1, 0]


def test_before_green_is_there_its_group_holds_blue() -> None:
    found = find([FAILED], {1: ANSWERED_500}, Surroundings(), baseline_p99_s=0.003, green_from=1000.5)
    assert [(incident.colour, incident.cause) for incident in found.failed] == [("blue", "blue answered 500")]


def test_all_are_counted_and_the_failed_listed_first() -> None:
    slow = [record(number=number, intended=1000.0 + number) for number in range(10)]
    failed = [record(number=number, intended=1100.0 + number, status=500, problem="status 500") for number in range(3)]
    logged = {number: entry(status=500 if number < 3 else 200) for number in range(10)}
    found = find([*slow, *failed], logged, Surroundings(), baseline_p99_s=0.003, green_from=0)
    report = found.report(started=1000.0, at_most=5)
    assert (report["failed"], report["slow"], report["slow_above_ms"]) == (3, 10, 100.0)
    assert [(listed["at_s"], listed["problem"]) for listed in report["listed"]] == [
        (100.0, "status 500"),
        (101.0, "status 500"),
        (102.0, "status 500"),
        (0.0, ""),
        (1.0, ""),
    ]
    assert report["causes"] == [
        {"cause": "green was slow to answer", "failed": 0, "slow": 10},
        {"cause": "green answered 500", "failed": 3, "slow": 0},
    ]
