"""The timeline's plots: one a lane, all on one axis."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seachange.plan.model import COLOURS
from seachange.rehearsal.report.axis import Axis, Points, Scale, Tick, area, bars, dots, line, stairs
from seachange.rehearsal.report.words import count, duration, ms

_PERCENTILES = ("p50", "p90", "p99")
# A word needs so much of a plot's width and height.
_ROOM_PERCENT = 18


@dataclass(frozen=True, kw_only=True)
class Lane:
    """One plot.

    Attributes:
        kind: The class of its style, which gives its height.
        summary: What it shows, for who does not see it.
        paths: Class of a style → SVG path, from back to front.
        legend: Class of a style → what it stands for.
        ticks: Marks of its scale, in percent from its head.
        labels: Words inside the plot: its percent from the left, from the head, and the text.
        empty: What is said in its place when there is nothing to plot.
    """

    kind: str
    title: str
    summary: str
    paths: Mapping[str, str]
    ticks: Sequence[Tick]
    legend: Mapping[str, str]
    labels: Sequence[tuple[float, float, str]] = ()
    empty: str = ""


def lanes(report: Mapping[str, Any], axis: Axis) -> list[Lane]:
    """Traffic, requests, latency and errors."""
    return [_weights(report, axis), _requests(report, axis), _latency(report, axis), *_errors(report, axis)]


def shares(report: Mapping[str, Any]) -> tuple[Points, Points]:
    """Green's share of the traffic, and before the shift the share that its group had while it held blue's build."""
    timeline = report["timeline"]
    begins = next((phase["from_s"] for phase in timeline["phases"] if phase["name"] == "shift"), math.inf)
    weights = [(entry["at_s"], entry["green_weight"], entry["at_s"] >= begins) for entry in timeline["weights"]]
    green = [(at, weight if shifted else 0) for at, weight, shifted in weights]
    twin = [(at, 0 if shifted else weight) for at, weight, shifted in weights]
    return green, twin


def waits(report: Mapping[str, Any], axis: Axis) -> Lane:
    """The sessions that waited for locks."""
    seen = report["timeline"]["lock_waits"]
    longest = max((wait["longest_ms"] for wait in seen), default=0)
    scale = Scale(low=0, high=longest or 1)
    points = [(wait["at_s"], wait["longest_ms"]) for wait in seen]
    stems = "".join(f"M{axis.x(at):g} 100V{scale.y(value):g}" for at, value in points)
    return Lane(
        kind="waits",
        title="Waits for locks",
        summary=f"{len(seen)} times a session was seen waiting, for {ms(longest)} at most",
        paths={"stem": stems, "dot": dots(points, axis, scale)},
        ticks=[Tick(at=0, text=ms(longest))] if seen else [],
        legend={},
        empty="" if seen else "no session was seen waiting",
    )


def _weights(report: Mapping[str, Any], axis: Axis) -> Lane:
    scale = Scale(low=0, high=100)
    weights, twin = shares(report)
    green, twin = stairs(weights, axis.end), stairs(twin, axis.end)
    words = ", ".join(f"{weight} % at {duration(max(at, 0))}" for at, weight in weights)
    return Lane(
        kind="weights",
        title="Traffic",
        summary=f"Green's share of the traffic: {words}",
        paths={
            "blue-block": "M0 0H100V100H0Z",
            "twin-block": area(twin, [(at, 0) for at, _ in twin], axis, scale),
            "green-block": area(green, [(at, 0) for at, _ in green], axis, scale),
        },
        ticks=[Tick(at=scale.y(value), text=f"{value} %") for value in (0, 50, 100)],
        legend={
            "blue-block": "blue, which serves",
            **({"twin-block": "blue in green's place (A/A)"} if any(share for _, share in twin) else {}),
            "green-block": "green, the release",
        },
        labels=list(_names(weights, axis, scale)),
    )


def _names(weights: Points, axis: Axis, scale: Scale) -> Iterator[tuple[float, float, str]]:
    """Each colour's name where it has the most room, if there is enough."""
    ends = [at for at, _ in weights[1:]] + [axis.end]
    for colour in COLOURS:
        shares = [
            (start, end, weight if colour == "green" else 100 - weight)
            for (start, weight), end in zip(weights, ends, strict=True)
        ]
        start, end, share = max(shares, key=lambda entry: (entry[1] - entry[0]) * entry[2])
        if share >= _ROOM_PERCENT and axis.x(end) - axis.x(start) >= _ROOM_PERCENT:
            middle = share / 2 if colour == "green" else 100 - share / 2
            yield axis.x((start + end) / 2), scale.y(middle), colour


def _requests(report: Mapping[str, Any], axis: Axis) -> Lane:
    slices = report["timeline"]["colours"]
    rates = {
        colour: [(entry["at_s"] + entry["duration_s"] / 2, entry[colour] / entry["duration_s"]) for entry in slices]
        for colour in COLOURS
    }
    top = max((rate for points in rates.values() for _, rate in points), default=0)
    scale = Scale(low=0, high=max(top, 1))
    every = max((entry["duration_s"] for entry in slices), default=1)
    return Lane(
        kind="requests",
        title="Requests per second",
        summary="; ".join(
            f"{colour}'s group up to {count(max((rate for _, rate in points), default=0))} requests a second"
            for colour, points in rates.items()
        ),
        paths={f"{colour}-line": line(points, axis, scale, every=every) for colour, points in rates.items()},
        ticks=[Tick(at=scale.y(value), text=count(value)) for value in (0, scale.high / 2, scale.high)],
        legend={f"{colour}-line": f"{colour}'s group" for colour in COLOURS},
    )


def _latency(report: Mapping[str, Any], axis: Axis) -> Lane:
    seconds = report["timeline"]["seconds"]
    series = {
        name: [(second["at_s"] + 0.5, second[f"{name}_ms"]) for second in seconds] for name in (*_PERCENTILES, "max")
    }
    slow = report["incidents"]["slow_above_ms"]
    scale = Scale.magnitudes([slow, *(value for points in series.values() for _, value in points)])
    worst_at, worst = max(series["max"], key=lambda point: point[1], default=(0.0, 0.0))
    return Lane(
        kind="latency",
        title="Latency",
        summary=f"Latency as clients saw it; the longest answer took {ms(worst)}, at second {worst_at:.0f}",
        paths={
            "slow": f"M0 {scale.y(slow)}H100",
            "spread": area(series["p99"], series["p50"], axis, scale),
            "max": dots(series["max"], axis, scale),
            **{name: line(series[name], axis, scale, every=1) for name in reversed(_PERCENTILES)},
        },
        ticks=[Tick(at=scale.y(value), text=ms(value)) for value in scale.powers()],
        legend={"max": "longest", "p99": "p99", "p90": "p90", "p50": "median", "slow": f"slow above {ms(slow)}"},
    )


def _errors(report: Mapping[str, Any], axis: Axis) -> list[Lane]:
    timeline = report["timeline"]
    rows = {
        "Failed for clients": [(entry["at_s"], entry["at_s"] + 1, entry["failed"]) for entry in timeline["seconds"]],
        **{
            f"Errors, {colour}'s group": [
                (
                    entry["at_s"],
                    entry["at_s"] + entry["duration_s"],
                    entry[f"{colour}_errors"] / entry["duration_s"],
                )
                for entry in timeline["colours"]
            ]
            for colour in COLOURS
        },
    }
    scale = Scale(low=0, high=max([1.0, *(value for points in rows.values() for _, _, value in points)]))
    lanes = []
    for title, points in rows.items():
        worst = max((value for _, _, value in points), default=0)
        lanes.append(
            Lane(
                kind="errors",
                title=title,
                summary=f"{title}: {worst:.3g} per second at most",
                paths={"bar": bars(points, axis, scale)},
                ticks=[Tick(at=0, text=f"{scale.high:.3g}/s")] if worst else [],
                legend={},
                empty="" if worst else "none",
            )
        )
    return lanes
