"""Which requests are the baseline's: those sent in it, whenever they were answered."""

from seachange.plan.faults import Fault
from seachange.rehearsal.access_log import ANSWERED, Entry
from seachange.rehearsal.drills import Drill
from seachange.rehearsal.figures import requests
from seachange.rehearsal.incidents import Surroundings, find
from seachange.rehearsal.load.record import Record
from seachange.rehearsal.outcome import BASELINE, BASELINE_ENDS, Outcome
from seachange.rehearsal.phases import baseline_answers
from seachange.rehearsal.verdict import unexplained

BEGINS, ENDS, GREEN = 1000.0, 1010.0, 1030.0
SICK_GREEN = Drill(name="sick-green", what="green answers 500", green=Fault(errors=1.0), loses_requests=True)


def outcome(*, sent: float, lag_s: float = 0.0, answered: float) -> Outcome:
    """One request that green's group had, and answered 500."""
    record = Record(
        number=1,
        method="GET",
        path="/",
        adds=0,
        intended=sent - lag_s,
        lag_s=lag_s,
        latency_s=answered - sent + lag_s,
        status=500,
        problem="status 500",
    )
    entry = Entry(number="1", at=answered, group="green", status=500, target_s=answered - sent, outcome=ANSWERED)
    phases = [(BASELINE, BEGINS), (BASELINE_ENDS, ENDS), ("green: tasks start", GREEN)]
    return Outcome(started=BEGINS, phases=phases, records=[record], logged={1: entry})


def colour_of_the_incident(seen: Outcome) -> str | None:
    found = find(seen.records, seen.logged, Surroundings(), baseline_p99_s=0.003, green_from=seen.green_from)
    return found.failed[0].colour


def test_what_the_twin_still_answers_when_the_baseline_has_ended_is_blues() -> None:
    under_way = outcome(sent=ENDS - 1, answered=ENDS + 2)
    assert requests(under_way)["by_colour"] == {"blue": 1, "green": 0}
    assert colour_of_the_incident(under_way) == "blue"
    # Green's fault does not excuse a failure of blue's build.
    assert unexplained(SICK_GREEN, under_way) == under_way.records


def test_what_was_sent_to_green_is_greens_however_late_it_was_sent() -> None:
    late = outcome(sent=GREEN + 1, lag_s=GREEN + 2 - ENDS, answered=GREEN + 2)
    assert requests(late)["by_colour"] == {"blue": 0, "green": 1}
    assert colour_of_the_incident(late) == "green"
    assert unexplained(SICK_GREEN, late) == []


def test_the_baselines_answers_are_those_to_what_was_sent_in_it() -> None:
    before, within, after = (
        outcome(sent=sent, answered=sent + 2) for sent in (BEGINS - 1, ENDS - 1, ENDS + 1)
    )  # the first was answered in the baseline
    for seen, answers in ((before, []), (within, [2.0]), (after, [])):
        assert [entry.target_s for entry in baseline_answers(seen, seen.records, seen.logged)] == answers
    assert baseline_answers(within, within.records, {}) == []
