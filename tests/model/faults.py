"""Random scripts: bytes from hypothesis decide, and zero is always the harmless choice, so that it shrinks to few faults."""

from collections.abc import Sequence
from typing import TypeVar

from tests.model.events import EVENTS
from tests.model.names import ALARMS
from tests.model.script import ALL_AT_ONCE, CANARY, LINEAR, NEVER, CallFault, Plan, Script, Update

_T = TypeVar("_T")
_PER_UPDATE = 48
_HEADER = 5
_MOST_UPDATES = 4
LENGTH = _HEADER + _MOST_UPDATES * _PER_UPDATE
_HOOKS = ("BeforeInstall", "AfterInstall", "AfterAllowTestTraffic", "BeforeAllowTraffic", "AfterAllowTraffic")
_MESSAGES = ("POST /customers gave 500", '{"a":"b"}\n' * 400, "ü€" * 900)
_KINDS = ("throttled", "no_route", "lost_answer", "slow", "beside", "dies", "dies_after")
_PEOPLE = ("stop", "stop and leave", "end bake", "start 1", "start 2", "start 3", "start elsewhere 2")


class Genes:
    """Takes decisions out of bytes, in order."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def _next(self) -> int:
        self._at += 1
        return self._data[self._at - 1] if self._at <= len(self._data) else 0

    def often(self, percent: int) -> bool:
        """True in so many of a hundred cases, never for zero."""
        return self._next() >= 256 - round(2.56 * percent)

    def one_of(self, choices: Sequence[_T]) -> _T:
        """Any of these alike, the first for zero."""
        return choices[self._next() * len(choices) // 256]

    def seconds(self, most: float) -> float:
        """A time up to `most`, short ones more often."""
        return round(most * (self._next() / 255) ** 2)


def script(data: bytes) -> Script:
    """The script that LENGTH bytes stand for."""
    header = Genes(data[:_HEADER])
    baking = header.one_of(("InProgress", "Baking"))
    count = 1 + header.one_of(range(_MOST_UPDATES))
    parts = [data[_HEADER + n * _PER_UPDATE :][:_PER_UPDATE] for n in range(count)]
    return Script(
        updates=tuple(_update(Genes(part), n) for n, part in enumerate(parts)),
        names_rollbacks=not header.often(15),
        left_overs_go=not header.often(15),
        composite=header.often(25),
        baking=baking,
    )


def _update(genes: Genes, number: int) -> Update:
    # A new release, the same one, or an older one.
    release = genes.one_of((number + 2, number + 2, number + 2, number + 1, max(1, number), 1))
    plan = _plan(genes)
    alarms: list[tuple[float, str, bool]] = []
    for _ in range(2):
        if genes.often(20):
            when, name = genes.seconds(3000), genes.one_of(ALARMS)
            alarms += [(when, name, True), (when + 30 + genes.seconds(6000), name, False)]
    people = []
    for _ in range(2):
        if genes.often(18):
            # Every other time while a deployment is likely to shift traffic.
            when = 100 + genes.seconds(500) if genes.often(50) else genes.seconds(4000)
            people.append((when, genes.one_of(_PEOPLE)))
    if plan.approval == NEVER and genes.often(50):
        people.append((100 + genes.seconds(3000), "approve"))
    faults = call_faults(genes)
    return Update(
        release=release,
        plan=plan,
        alarms=tuple(alarms),
        people=tuple(people),
        faults=faults,
        touched=genes.often(30),
        other_fails=genes.often(8),
        cancelled=genes.seconds(3000) if genes.often(8) else None,
        twice=genes.seconds(900) if genes.often(15) else None,
        lost_polls=(1 + round(genes.seconds(20)),) if genes.often(15) else (),
        outage=(genes.seconds(3600), 60 + genes.seconds(840)) if genes.often(10) else None,
        lag=genes.one_of((0, 0, 0, 5, 45)),
        pause=genes.one_of((60, 5, 300, 1900, 7200)),
        complete_when=genes.one_of((None, None, None, None, "ended", "started")),
        overridden=ALARMS if genes.often(5) else (),
    )


def call_faults(genes: Genes) -> tuple[CallFault, ...]:
    """Up to two faults among the first calls."""
    found = []
    for _ in range(2):
        if genes.often(35):
            kind = genes.one_of(_KINDS)
            nth = round(genes.seconds(120))
            found.append(CallFault(nth=nth, kind=kind, length=1 if "dies" in kind else 1 + round(genes.seconds(12))))
    return tuple(found)


def _plan(genes: Genes) -> Plan:
    steps = genes.one_of((ALL_AT_ONCE, CANARY, LINEAR))
    approval: float = 0
    if genes.often(12):
        approval = genes.one_of((600, 3000, NEVER))
    return Plan(
        install=genes.one_of((90, 90, 20, 600, 1800, 2900)),
        crashes=genes.often(10),
        hook=(genes.one_of(_HOOKS), genes.one_of(_MESSAGES)) if genes.often(12) else None,
        breaks=genes.one_of(EVENTS) if genes.often(8) else None,
        approval=approval,
        steps=steps,
        bake=genes.one_of((1800, 0, 300, 7200)),
        ending=genes.one_of((60, 5, 300)),
        stopping=genes.one_of((0, 0, 5, 40, 200)),
        rollback_gap=genes.one_of((0, 0, 0, 2, 20)),
        rollback=genes.one_of((60, 10, 400, 2000)),
        rollback_fails=genes.often(10),
    )
