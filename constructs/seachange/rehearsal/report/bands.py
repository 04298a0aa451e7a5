"""The timeline's bands: what lasted from one moment to another."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seachange.rehearsal.report.axis import Axis
from seachange.rehearsal.report.words import duration

_WATCHED = ("shift", "bake")
_STATES = {"OK": "well", "ALARM": "ALARM", "INSUFFICIENT_DATA": "no data yet"}
# A phase that is narrower than this, in percent, is told in the list below the timeline only.
_WIDE_ENOUGH = 1.6
_MOST_REVISIONS = 12


@dataclass(frozen=True, kw_only=True)
class Band:
    """From `left`, over `width`, both in percent; `text` may stand inside."""

    kind: str
    left: float
    width: float
    text: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """Bands side by side, with what they are about and the same in words."""

    title: str
    bands: Sequence[Band]
    summary: str
    quiet: bool = False
    exercised: bool = True


def phases(report: Mapping[str, Any], axis: Axis) -> list[dict[str, Any]]:
    """The phases under load, numbered, each with its length and its band if it is wide enough to be seen."""
    listed = []
    # One that lay mostly before the load began is none of these.
    under_load = [phase for phase in report["timeline"]["phases"] if phase["from_s"] + phase["to_s"] > 0]
    for number, phase in enumerate(under_load, 1):
        band = _band("phase", phase["from_s"], phase["to_s"], phase["name"], axis)
        listed.append(
            {
                "number": number,
                "name": phase["name"],
                "length": duration(phase["to_s"] - phase["from_s"]),
                "band": band if band.width >= _WIDE_ENOUGH else None,
                "edge": band.left,
            }
        )
    return listed


def alarms(report: Mapping[str, Any], axis: Axis) -> list[Row]:
    """A row per alarm, from the first shifted request to the end of the bake; those that fired first, then those that decide."""
    watched = [phase for phase in report["timeline"]["phases"] if phase["name"] in _WATCHED]
    if not watched:
        return []
    start, end = watched[0]["from_s"], watched[-1]["to_s"]
    changes: dict[str, list[tuple[float, str]]] = {}
    for change in report["timeline"]["alarms"]:
        changes.setdefault(change["name"], []).append((change["at_s"], change["state"]))
    return [
        Row(
            title=entry["name"],
            bands=list(_states([(start, "INSUFFICIENT_DATA"), *changes.get(entry["name"], [])], end, axis)),
            summary=_told(changes.get(entry["name"], [])) + ("" if entry["exercised"] else "; not exercised"),
            quiet=not entry["decisive"] and not entry["fired"],
            exercised=entry["exercised"],
        )
        for entry in sorted(report["alarms"], key=lambda entry: (not entry["fired"], not entry["decisive"]))
    ]


def alarm_moments(report: Mapping[str, Any], axis: Axis) -> list[float]:
    """Where alarms that may stop the deployment went into ALARM."""
    decisive = {entry["name"] for entry in report["alarms"] if entry["decisive"]}
    return [
        axis.x(change["at_s"])
        for change in report["timeline"]["alarms"]
        if change["state"] == "ALARM" and change["name"] in decisive
    ]


def revisions(report: Mapping[str, Any], axis: Axis) -> list[Row]:
    """A row per revision of the migration; the first twelve, for the table has them all."""
    return [
        Row(
            title=f"{entry['revision']}, {entry['phase']}",
            bands=[_band("revision", entry["from_s"], entry["to_s"], "", axis)],
            summary=f"{duration(entry['to_s'] - entry['from_s'])} from second {entry['from_s']:g}",
        )
        for entry in report["timeline"]["migration"][:_MOST_REVISIONS]
    ]


def _states(changes: Sequence[tuple[float, str]], end: float, axis: Axis) -> Iterable[Band]:
    for (at, state), (until, _) in zip(changes, [*changes[1:], (end, "")], strict=True):
        yield _band(state.lower().replace("_", "-"), at, max(until, at), "ALARM" if state == "ALARM" else "", axis)


def _told(changes: Sequence[tuple[float, str]]) -> str:
    return ", ".join(f"{_STATES[state]} from second {at:g}" for at, state in changes) or "no data"


def _band(kind: str, start: float, end: float, text: str, axis: Axis) -> Band:
    left = axis.x(start)
    return Band(kind=kind, left=left, width=round(axis.x(end) - left, 3), text=text)
