"""The page for people: self-contained, without scripts."""

from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

_WIDTH, _HEIGHT = 860.0, 150.0


def page(report: Mapping[str, Any]) -> str:
    """The report as one page."""
    environment = Environment(
        loader=PackageLoader("seachange.rehearsal"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("report.html.j2")
    return template.render(report=report, plots=plots(report), width=_WIDTH, height=_HEIGHT)


def plots(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The three plots over the same seconds: each with its title, unit, greatest value and lines as SVG points."""
    seconds = report["timeline"]["seconds"]
    end = max((second["at_s"] + 1 for second in seconds), default=1)
    weights = [(entry["at_s"], entry["green_weight"]) for entry in report["timeline"]["weights"]]
    stairs = [
        point
        for (at, weight), (until, _) in zip(weights, [*weights[1:], (end, 0)], strict=True)
        for point in ((at, weight), (until, weight))
    ]
    series = [
        ("Green's share of the traffic", "%", {"green weight": stairs}, 100),
        (
            "Latency, from the intended send time",
            "ms",
            {name: [(s["at_s"] + 0.5, s[f"{name}_ms"]) for s in seconds] for name in ("p50", "p99")},
            0,
        ),
        ("Failed requests", "per second", {"failed": [(s["at_s"] + 0.5, s["failed"]) for s in seconds]}, 0),
    ]
    return [_plot(title, unit, lines, floor, end) for title, unit, lines, floor in series]


def _plot(
    title: str, unit: str, lines: Mapping[str, Sequence[tuple[float, float]]], floor: float, end: float
) -> dict[str, Any]:
    top = max([floor, 1.0, *(value for points in lines.values() for _, value in points)])
    return {
        "title": title,
        "unit": unit,
        "top": f"{top:g}",
        "end": f"{end:g}",
        "lines": {
            name: " ".join(f"{at / end * _WIDTH:.1f},{_HEIGHT - value / top * _HEIGHT:.1f}" for at, value in points)
            for name, points in lines.items()
        },
    }
