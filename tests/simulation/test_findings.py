"""`findings`: which alarms are blind at a traffic, or take good releases back, and what is said of them."""

from pathlib import Path

import pytest

from seachange.assembly import Assembly
from seachange.evaluation import Alarm
from seachange.plan.template import read_shift
from seachange.simulation.findings import Bad, Finding, findings
from tests.simulation.shifts import ERRORS, RATE, REQUESTS, RESETS, alarm, metric, profile, shift

P99 = metric("TargetResponseTime", statistic="p99")
CLOSED = alarm("FILL(e502, 0)", 10, of=(2, 2), e502=RESETS)
BAD = Bad(error_percent=5, delay_s=1)


def found(one: Alarm, *, per_s: float = 20, bad: Bad = BAD, **traffic: float) -> list[Finding]:
    return findings(shift(one), profile(per_s, **traffic), bad)


def test_an_alarm_that_suits_has_none() -> None:
    assert found(RATE, error_rate=0.001) == []


@pytest.mark.parametrize(
    ("one", "per_s", "kind", "said"),
    [
        (
            alarm("m", 10, of=(2, 2), m=ERRORS),
            2,
            "blind",
            "Its threshold is 10 a minute, and such a release makes 6 at most.",
        ),
        (CLOSED, 2, "blind", "of 100 (400 simulated, so "),
        (CLOSED, 2, "blind", "releases that close the connection of 5 % of their requests without an answer."),
        (RATE, 0.5, "blind", "It wants 50 requests a minute where there are 30 at most: lower floor of rate."),
        (
            alarm("100 * FILL(errors, 0) / requests", 9, requests=REQUESTS, errors=ERRORS),
            200,
            "blind",
            "Lower threshold of alarm, or give it more time: more steps, a longer bake.",
        ),
        (
            alarm("100 * FILL(errors, 0) / requests", 0.1, requests=REQUESTS, errors=ERRORS),
            200,
            "triggerHappy",
            "Raise threshold of alarm above what the service does anyway, or ask for more minutes.",
        ),
        (alarm("m", 0.1, m=P99), 20, "triggerHappy", "Raise threshold of alarm"),
        (alarm("m", 5, m=P99), 20, "blind", "releases whose responses take 1 s longer. Lower threshold of alarm"),
    ],
)
def test_what_is_said(one: Alarm, per_s: float, kind: str, said: str) -> None:
    [finding] = found(one, per_s=per_s, error_rate=0.001)
    assert (finding.alarm, finding.kind) == (one.name, kind)
    assert said in finding.text


def test_what_does_not_follow_from_the_traffic_is_passed_over() -> None:
    hosts = alarm("m", 3, m=metric("HealthyHostCount", statistic="Minimum"), comparison="LessThanThreshold")
    stranger = alarm("m", 1, m=metric("HTTPCode_Target_4XX_Count"))
    for one in (hosts, stranger):
        assert found(one) == []
    assert found(alarm("m", 5, m=P99), bad=Bad(error_percent=5, delay_s=None)) == []


def test_no_remedy_is_named_that_the_construct_would_refuse(green: Path) -> None:
    """A comparison takes 100 requests on both sides at least, and at 2 a second there are 60."""
    its_shift = read_shift(Assembly.load(green))
    texts = {finding.alarm: finding.text for finding in findings(its_shift, profile(2), BAD)}
    assert [name[18:31] for name in texts] == ["ErrorsAgainst", "LatencyAgains"]
    for text in texts.values():
        assert text.endswith("and 100 is the least that it can work with: do not rely on it at this traffic.")
