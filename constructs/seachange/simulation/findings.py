"""What is wrong between an alarm and the traffic: it cannot see a fault that it should see, or it takes good releases back."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from seachange.evaluation import Alarm
from seachange.plan.faults import NO_FAULT, Fault
from seachange.plan.model import Shift
from seachange.simulation.fates import Dice
from seachange.simulation.knobs import knob_of
from seachange.simulation.profile import Profile
from seachange.simulation.result import Share
from seachange.simulation.unknowns import Unknowns
from seachange.simulation.watch import Watch

# So many are drawn in a tenth of a second, and tell one good release in a hundred from three.
_RELEASES = 400
_SEED = 0
# An alarm that catches fewer of the bad releases is blind, one that takes back more of the good ones is trigger-happy.
_LEAST_CAUGHT = 0.5
_MOST_FALSE = 0.01


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One alarm that does not suit the traffic.

    Attributes:
        alarm: Its name.
        kind: What is wrong with it.
        share: Of the bad releases that it takes back, when it is blind; of the good ones, when it is trigger-happy.
        text: What happens, with the numbers, and the remedy.
    """

    alarm: str
    kind: Literal["blind", "triggerHappy"]
    share: Share
    text: str


@dataclass(frozen=True, kw_only=True)
class Bad:
    """The release that an alarm should see.

    Attributes:
        error_percent: So many of green's requests are answered 5xx, or not at all.
        delay_s: So much longer its responses take, in seconds; None when nothing is known of response times.
    """

    error_percent: float
    delay_s: float | None


def findings(shift: Shift, profile: Profile, bad: Bad) -> list[Finding]:
    """What is wrong with the decisive alarms of a shift, each looked at alone.

    Args:
        shift: Traffic steps, bake and alarms.
        profile: The traffic.
        bad: The release that each alarm on errors, or on response times, should see.
    """
    good = Dice(shift, profile, NO_FAULT, Unknowns(), 1.0)
    false = _shares(good)
    caught: dict[Fault, dict[str, Share]] = {}
    found = []
    for alarm, _ in good.watch.alarms:
        if alarm.name not in good.watch.decisive or _looks_at_hosts(alarm):
            continue
        fault = _should_see(alarm, bad)
        is_timed = any(metric.name == "TargetResponseTime" for metric in alarm.metrics.values())
        if is_timed and bad.delay_s is None:
            continue
        if (share := false[alarm.name]).low > _MOST_FALSE:
            text = f"At the expected traffic this alarm takes back {_of_hundred(share)} good releases. {_calm(alarm, profile)}"
            found.append(Finding(alarm=alarm.name, kind="triggerHappy", share=share, text=text))
        if fault is not None:
            if fault not in caught:
                caught[fault] = _shares(Dice(shift, profile, fault, Unknowns(), 1.0))
            if (share := caught[fault][alarm.name]).high < _LEAST_CAUGHT:
                what = _in_words(fault)
                text = (
                    f"At the expected traffic this alarm takes back only {_of_hundred(share)} releases {what}. "
                    f"{_wake(alarm, shift, profile, fault)}"
                )
                found.append(Finding(alarm=alarm.name, kind="blind", share=share, text=text))
    return found


def _shares(dice: Dice) -> dict[str, Share]:
    """Decisive alarm → the share of releases that it takes back on its own."""
    drawn = dice.draw(_RELEASES, np.random.default_rng(_SEED))
    watched: Watch = dice.watch
    times = dice.times(drawn, watched, Unknowns())
    return {name: Share.of(int(np.isfinite(time_s).sum()), _RELEASES) for name, time_s in times.items()}


def _should_see(alarm: Alarm, bad: Bad) -> Fault | None:
    """What the alarm is there for; None where no fault here is."""
    names = {metric.name for metric in alarm.metrics.values()}
    if "HTTPCode_Target_5XX_Count" in names:
        return Fault(errors=bad.error_percent / 100)
    if names & {"HTTPCode_ELB_5XX_Count", "HTTPCode_ELB_502_Count"}:
        return Fault(resets=bad.error_percent / 100)
    if "TargetResponseTime" in names and bad.delay_s is not None:
        return Fault(delay_s=bad.delay_s)
    return None


def _looks_at_hosts(alarm: Alarm) -> bool:
    """Whether it looks at the number of targets, which does not follow from the traffic."""
    return any(metric.name.endswith("HostCount") for metric in alarm.metrics.values())


def _in_words(fault: Fault) -> str:
    if fault.errors:
        return f"that answer {100 * fault.errors:g} % of their requests with 5xx"
    if fault.resets:
        return f"that close the connection of {100 * fault.resets:g} % of their requests without an answer"
    return f"whose responses take {fault.delay_s:g} s longer"


def _of_hundred(share: Share) -> str:
    percent, low, high = (round(100 * part, 1) for part in (share.value, share.low, share.high))
    return f"{percent:g} of 100 ({_RELEASES} simulated, so {low:g} to {high:g})"


def _counts(alarm: Alarm) -> bool:
    """Whether it compares a number of errors, which grows with the traffic, and no share of the requests."""
    return "/" not in alarm.expression and not any(
        metric.name == "TargetResponseTime" for metric in alarm.metrics.values()
    )


_RATE = "It counts errors, and what is many depends on the traffic: watch their share of the requests, as ReleaseThresholds(error_percent=) does"


def _calm(alarm: Alarm, profile: Profile) -> str:
    if _counts(alarm):
        usual = 60 * profile.error_rate * max(profile.requests_per_s)
        return f"{_RATE}. Its threshold is {alarm.threshold:g} a minute, and {usual:.3g} come with {100 * profile.error_rate:g} % errors anyway."
    return f"Raise {_where(alarm, 'threshold')} above what the service does anyway, or ask for more minutes."


def _wake(alarm: Alarm, shift: Shift, profile: Profile, fault: Fault) -> str:
    floor = knob_of(alarm, "floor")
    most = max(_weighed(alarm, shift)) * 60 * max(profile.requests_per_s)
    if floor is not None and isinstance(floor.value, float) and most < floor.value:
        reason = f"It wants {floor.value:g} requests a minute where there are {most:.3g} at most"
        if most < floor.least:
            return (
                f"{reason}, and {floor.least:g} is the least that it can work with: do not rely on it at this traffic."
            )
        return f"{reason}: lower {floor.argument}."
    if _counts(alarm):
        wrong = most * max(fault.errors, fault.resets)
        return f"{_RATE}. Its threshold is {alarm.threshold:g} a minute, and such a release makes {wrong:.3g} at most."
    return f"Lower {_where(alarm, 'threshold')}, or give it more time: more steps, a longer bake."


def _weighed(alarm: Alarm, shift: Shift) -> Iterator[float]:
    """The shares of the traffic that the alarm gets to look at; of two groups, the smaller one's."""
    groups = {metric.dimensions.get("TargetGroup") for metric in alarm.metrics.values()}
    for step in shift.steps:
        share = step.green_weight / 100
        yield min(share, 1 - share) if len(groups) > 1 else share


def _where(alarm: Alarm, part: Literal["threshold"]) -> str:
    knob = knob_of(alarm, part)
    return "its threshold" if knob is None else knob.argument
