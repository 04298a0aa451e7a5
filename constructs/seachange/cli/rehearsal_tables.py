"""What `seachange rehearse` prints at its end."""

from typing import Any

from rich.markup import escape
from rich.table import Table


def summary_table(result: dict[str, Any]) -> Table:
    """One rehearsal's report in a few lines."""
    good = result["verdict"] == "pass"
    drill = "" if result["drill"] == "none" else f", drill {result['drill']}"
    title = f"[{'green' if good else 'red'}]{'PASS' if good else 'FAIL'}[/]{drill}"
    table = Table(title=title, title_justify="left", show_header=False)
    requests, data, migration, shift = result["requests"], result["data"], result["migration"], result["shift"]
    table.add_row(
        "requests",
        f"{requests['total']} sent, {requests['failed']} failed (blue {requests['by_colour']['blue']}, green {requests['by_colour']['green']})",
    )
    table.add_row(
        "rows",
        f"{data['rows_checked']} compared in both views, {data['divergent']} divergent, {data['rows_lost']} lost",
    )
    table.add_row(
        "migration",
        f"{migration['from']} → {migration['to']} in {migration['duration_s']} s, {migration['rows_backfilled']} rows backfilled, "
        f"longest lock wait {migration['max_lock_wait_ms']:g} ms",
    )
    table.add_row(
        "traffic",
        " → ".join(str(step["green_weight"]) for step in shift["steps"]) + " % green"
        if shift["steps"]
        else "never shifted",
    )
    for phase, spread in result["latency_ms"].items():
        if spread:
            table.add_row(
                f"latency, {phase}", f"p50 {spread['p50']} ms, p99 {spread['p99']} ms, max {spread['max']} ms"
            )
    table.add_row("alarms", ", ".join(alarm["name"] for alarm in result["alarms"] if alarm["fired"]) or "none fired")
    table.add_row("rolled back", "yes" if result["rolled_back"] else "no")
    for reason in result["reasons"]:
        table.add_row("reason", f"[red]{escape(reason)}[/]")
    return table


def drills_table(result: dict[str, Any]) -> Table:
    """A line for each drill."""
    good = result["verdict"] == "pass"
    table = Table(
        title=f"[{'green' if good else 'red'}]{'PASS' if good else 'FAIL'}[/], all drills", title_justify="left"
    )
    for heading in ("drill", "expected", "P(rolled back)", "outcome", "requests failed", "rows differ", ""):
        table.add_column(heading)
    marks = {True: "[green]as expected[/]", False: "[red]NOT as expected[/]", None: "not counted"}
    for row in result["drills"]:
        chance = "" if row["probability"] is None else f"{row['probability']:.4f}"
        failed, differ = f"{row['failed']} of {row['requests']}", f"{row['divergent']} of {row['rows_checked']}"
        why = "" if row["as_expected"] else f": {escape(row['why'])}"
        table.add_row(
            row["name"], row["expected"], chance, row["outcome"], failed, differ, marks[row["as_expected"]] + why
        )
    return table
