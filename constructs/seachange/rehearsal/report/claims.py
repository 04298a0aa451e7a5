"""What a rehearsal claims of a release, each claim with its answer: the cases of the JUnit file and the lines of the summary."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from seachange.rehearsal.report import words
from seachange.rehearsal.report.drills import SCHEMA as DRILLS_SCHEMA

Answer = Literal["holds", "broken", "open"]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One claim.

    Attributes:
        name: The claim as a sentence, the same in every rehearsal of a release.
        answer: `open` when this rehearsal cannot tell.
        text: What was found, or why it cannot tell.
        of_machine: It is about the machine: broken, it is an error of the rehearsal and no failure of the release.
    """

    name: str
    answer: Answer
    text: str
    of_machine: bool = False


def claims(report: Mapping[str, Any]) -> list[Claim]:
    """Every claim, in the order in which people ask.

    Args:
        report: A rehearsal's report, or the table of its drills.
    """
    if report["schema"] == DRILLS_SCHEMA:
        return [_drill(drill) for drill in report["drills"]]
    of_release = [_requests(report), _rows(report), _lost(report), _ending(report), _smoke(report), *_alarms(report)]
    if report["at_fault"] == "machine":
        of_release = [
            replace(claim, answer="open", text=f"not decided, for the machine was at fault: {claim.text}")
            if claim.answer == "broken"
            else claim
            for claim in of_release
        ]
    return [_verdict(report), *of_release, *_latencies(report), _machine(report)]


def _verdict(report: Mapping[str, Any]) -> Claim:
    blamed = report["at_fault"] == "machine"
    return Claim(
        name="the release passes",
        answer="open" if blamed else "holds" if report["verdict"] == "pass" else "broken",
        text="; ".join(report["reasons"]) or "nothing speaks against it",
    )


def _requests(report: Mapping[str, Any]) -> Claim:
    requests = report["requests"]
    return Claim(
        name="no request failed",
        answer="holds" if requests["total"] and not requests["failed"] else "broken",
        text=f"{words.count(requests['failed'])} of {words.count(requests['total'])} requests failed",
    )


def _rows(report: Mapping[str, Any]) -> Claim:
    data = report["data"]
    return Claim(
        name="no row diverged",
        answer="holds" if data["rows_checked"] and not data["divergent"] else "broken",
        text=f"{words.count(data['divergent'])} of {words.count(data['rows_checked'])} rows differ between blue's and green's view",
    )


def _lost(report: Mapping[str, Any]) -> Claim:
    lost = report["data"]["rows_lost"]
    return Claim(
        name="no row was lost",
        answer="broken" if lost else "holds",
        text=f"{words.count(lost)} rows that answered requests had added are not there",
    )


def _ending(report: Mapping[str, Any]) -> Claim:
    kind, why = report["outcome"]["kind"], report["outcome"]["why"]
    return Claim(
        name="the deployment went to its end",
        answer="holds" if kind == "completes" else "broken",
        text=f"it {words.ENDINGS[kind]} {why}".rstrip(),
    )


def _smoke(report: Mapping[str, Any]) -> Claim:
    steps = report["smoke"]
    problems = [f"{step['name']}: {step['problem']}" for step in steps if step["problem"]]
    return Claim(
        name="the smoke test passed",
        answer="broken" if problems else "holds" if steps else "open",
        text="; ".join(problems) or (f"{len(steps)} steps" if steps else "no smoke test ran"),
    )


def _alarms(report: Mapping[str, Any]) -> Iterator[Claim]:
    for alarm in report["alarms"]:
        if alarm["decisive"]:
            yield Claim(
                name=f"alarm {alarm['name']} stayed quiet",
                answer="broken" if alarm["fired"] else "holds" if alarm["exercised"] else "open",
                text="it fired"
                if alarm["fired"]
                else f"{alarm['periods_evaluated']} periods"
                if alarm["exercised"]
                else f"not exercised: {alarm['why_not']}",
            )


def _latencies(report: Mapping[str, Any]) -> Iterator[Claim]:
    for claim in report["latency_claims"]:
        low, high = claim["interval_ms"]
        text = f"{words.signed_ms(claim['difference_ms'])}, 99 % interval {words.signed_ms(low)} to {words.signed_ms(high)}"
        yield Claim(
            name=f"latency, {claim['name']}, p{claim['percentile']:g}, is decidable here",
            answer="holds" if claim["decidable"] else "open",
            text=text,
        )


def _machine(report: Mapping[str, Any]) -> Claim:
    machine = report["machine"]
    lag, busy = machine["send_lag_ms"], machine["cpu_percent"]
    found = [f"send lag p99 {words.ms(lag['p99'])}"] if lag else []
    found += [f"processors busy {busy['p50']:.0f} % in the median"] if busy else []
    blamed = report["at_fault"] == "machine"
    return Claim(
        name="the machine carried the load",
        # A release that passes on a machine at its limit has passed; only its latencies say little.
        answer="broken" if blamed else "open" if machine["faults"] else "holds",
        text="; ".join(machine["faults"]) or ", ".join(found) or "nothing was sent",
        of_machine=True,
    )


def _drill(drill: Mapping[str, Any]) -> Claim:
    if drill["as_expected"] is None:
        chance = "" if drill["probability"] is None else f"P(rolled back): {words.chance(drill['probability'])}; "
        text = f"{drill['expected']}: {chance}{drill['why']}; outcome: {drill['outcome']}"
        return Claim(name=f"drill {drill['name']}", answer="open", text=text)
    return Claim(
        name=f"drill {drill['name']}",
        answer="holds" if drill["as_expected"] else "broken",
        text=f"expected: {drill['expected']}, outcome: {drill['outcome']}; {drill['why']}",
    )
