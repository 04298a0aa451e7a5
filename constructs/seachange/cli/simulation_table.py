"""The answer of `seachange simulate` on a terminal."""

from collections.abc import Iterator, Sequence

from rich.markup import escape
from rich.table import Table

from seachange.simulation.curves import Curves, Row
from seachange.simulation.result import Result, Share


def table(curves: Curves) -> Table:
    """One row for each fault, in eighty columns."""
    made = Table(
        title=f"{curves.rows[0].result.releases:,} releases of each kind",
        title_justify="left",
        box=None,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    made.add_column("green is", no_wrap=True)
    for header in ("back by\n100 %", "by the\nend, %"):
        made.add_column(header, justify="right", no_wrap=True)
    made.add_column("", no_wrap=True)
    for header in ("after minutes\n(5 to 95 %)", "green\nhas", "requests\nfailed", "or\nslow"):
        made.add_column(header, justify="right", no_wrap=True)
    for row in curves.rows:
        made.add_row(*_cells(row))
    return made


def notes(curves: Curves) -> Iterator[str]:
    """What the table rests on, what it depends on, and what it leaves out."""
    profile, unknowns = curves.profile, curves.unknowns
    rates = profile.requests_per_s
    per_s = f"{rates[0]:g}" if len(rates) == 1 else f"{min(rates):g} to {max(rates):g} by the hour"
    yield (
        f"traffic: {per_s} requests/s, {100 * profile.error_rate:g} % of them fail anyway, "
        f"median {1000 * profile.latency_median_s:g} ms, sigma {profile.latency_sigma:g}, variance/mean {profile.dispersion:g}"
    )
    yield (
        f"not published by AWS, so assumed: metrics visible after {unknowns.visible}, alarms evaluated after {unknowns.evaluated}, "
        f"polled after {unknowns.polled}; alarms fetch N + {unknowns.extra_points} points; counts of errors are {unknowns.zeros} when 0"
    )
    yield from _first(curves.rows)
    for row in curves.rows:
        for variant in row.result.variants:
            if variant.matters:
                yield (
                    f"{row.name}: if {variant.name}, {variant.rolled_back.value:.1%} are rolled back "
                    f"instead of {variant.rolled_back_otherwise.value:.1%}"
                )
    yield from (f"recommended: {text}" for text in curves.recommendations)
    yield from (f"not simulated: {text}" for text in curves.rows[0].result.not_simulated)


def _cells(row: Row) -> Sequence[str]:
    result = row.result
    share = result.rolled_back.value
    colour = "red" if (share > 0.01) == row.is_good else "green" if row.is_good or share > 0.99 else "yellow"
    return (
        escape(row.name),
        f"{100 * result.before_full.value:.1f}",
        f"[{colour}]{100 * share:.1f}[/] ±{_half(result.rolled_back)}",
        f"[{colour}]{'█' * round(5 * share):5}[/]",
        _times(result),
        "" if result.green_weight is None else f"{result.green_weight:.0f} %",
        f"{result.failed.mean:,.0f}",
        f"{result.harmed.mean:,.0f}",
    )


def _first(rows: Sequence[Row]) -> Iterator[str]:
    """Which alarm fires first in most of the releases that are rolled back."""
    seen: dict[str, list[str]] = {}
    for row in rows:
        name = max(row.result.first, key=lambda one: row.result.first[one], default="")
        if name and row.result.first[name]:
            part = row.result.first[name] / row.result.rolled_back.value
            seen.setdefault(name, []).append(f"{row.name} ({part:.0%})")
    yield from (f"{name} fires first: {', '.join(kinds)}" for name, kinds in seen.items())


def _half(share: Share) -> str:
    """Half of the 95 % interval, in percentage points."""
    return f"{50 * (share.high - share.low):.1f}"


def _times(result: Result) -> str:
    middle, edges = result.time_s.p50, (result.time_s.p5, result.time_s.p95)
    shown = [f"{edge / 60:.0f}" if edge is not None else "never" for edge in edges]
    return f"{middle / 60:.1f} ({' to '.join(shown)})" if middle is not None else ""
