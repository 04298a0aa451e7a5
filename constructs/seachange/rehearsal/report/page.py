"""The page for people: one file, no script, nothing to fetch; every plot is inline SVG."""

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from seachange.rehearsal.report import bands, lanes, words
from seachange.rehearsal.report.axis import Axis
from seachange.rehearsal.report.drills import SCHEMA as DRILLS_SCHEMA

_FILTERS = (
    words.alarm,
    words.breakable,
    words.chance,
    words.condition,
    words.count,
    words.duration,
    words.moment,
    words.ms,
    words.signed_ms,
    words.size,
)


def page(report: Mapping[str, Any]) -> str:
    """The page.

    Args:
        report: A rehearsal's report (`seachange.rehearsal/1`), or the table of its drills (`seachange.drills/1`).
    """
    environment = Environment(
        loader=PackageLoader("seachange.rehearsal"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {word.__name__: word for word in _FILTERS}
    if report["schema"] == DRILLS_SCHEMA:
        return environment.get_template("drills.html.j2").render(report=report)
    return environment.get_template("report.html.j2").render(
        report=report,
        headline=words.headline(report),
        timeline=_timeline(report),
    )


def _timeline(report: Mapping[str, Any]) -> dict[str, Any]:
    timeline = report["timeline"]
    ends = [phase["to_s"] for phase in timeline["phases"]] + [second["at_s"] + 1 for second in timeline["seconds"]]
    axis = Axis(end=max([*ends, 1.0]))
    green, _ = lanes.shares(report)
    shifted = next((at for at, share in green if share), None)
    rows = bands.alarms(report, axis)
    return {
        "shares": [
            (round(until - at, 2), share)
            for (at, share), (until, _) in zip(green, [*green[1:], (axis.end, 0)], strict=True)
        ],
        "phases": bands.phases(report, axis),
        "lanes": lanes.lanes(report, axis),
        "alarm_moments": bands.alarm_moments(report, axis),
        "alarms": [row for row in rows if not row.quiet],
        "quiet_alarms": [row for row in rows if row.quiet],
        "revisions": bands.revisions(report, axis),
        "waits": lanes.waits(report, axis),
        "ticks": axis.ticks(),
        "plan_ticks": [] if shifted is None else axis.plan_ticks(shifted, report["speed"]),
    }
