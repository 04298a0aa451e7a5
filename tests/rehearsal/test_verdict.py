"""Rows that answered requests had added must be there at the end."""

from seachange.rehearsal.data import Comparison
from seachange.rehearsal.load.record import Record
from seachange.rehearsal.outcome import Outcome
from seachange.rehearsal.verdict import rows_lost


def sent(adds: int, problem: str = "") -> Record:
    return Record(
        number=1, method="POST", path="/", adds=adds, intended=0, lag_s=0, latency_s=0, status=201, problem=problem
    )


def lost(*records: Record, before: int, after: int) -> int:
    comparison = Comparison(rows_checked=after, divergent=0, examples=())
    return rows_lost(Outcome(rows_before=before, records=list(records), comparison=comparison))


def test_all_that_was_answered_for_is_there() -> None:
    assert lost(sent(1), sent(1), sent(0), before=10, after=12) == 0


def test_one_that_is_missing_is_lost() -> None:
    assert lost(sent(1), sent(1), before=10, after=11) == 1


def test_a_failed_request_may_have_been_carried_out() -> None:
    assert lost(sent(1, "status 500"), before=10, after=10) == 0
    assert lost(sent(1, "status 500"), before=10, after=11) == 0
    assert lost(sent(-1, "status 500"), before=10, after=9) == 0


def test_what_was_there_before_is_lost_too() -> None:
    assert lost(before=10, after=8) == 2
