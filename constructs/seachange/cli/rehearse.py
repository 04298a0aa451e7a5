"""`seachange rehearse`"""

import json
import signal
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from seachange.errors import SeaChangeError


class Format(StrEnum):
    """What is printed at the end."""

    TEXT = "text"
    JSON = "json"


def rehearse(
    blue: Annotated[Path, typer.Option(help="Cloud assembly of the release that serves now.")],
    green: Annotated[Path, typer.Option("--green", "--app", help="Cloud assembly of the release to deploy.")] = Path(
        "cdk.out"
    ),
    config: Annotated[Path, typer.Option(help="How the service starts, its seed, load and views.")] = Path(
        "rehearsal.toml"
    ),
    speed: Annotated[
        float,
        typer.Option(help="How many times faster the plan's clock runs: steps, bake, alarm periods. Never the load."),
    ] = 60,
    drill: Annotated[
        str,
        typer.Option(
            help="What goes wrong on purpose, such as errors-5, slow or crash-loop; an unknown name lists them all."
        ),
    ] = "none",
    all_drills: Annotated[
        bool,
        typer.Option("--all-drills", help="Rehearse every drill, and print what had to come of each and what did."),
    ] = False,
    rate: Annotated[float | None, typer.Option(help="Requests per second; the configuration's by default.")] = None,
    rows: Annotated[int | None, typer.Option(help="Rows to seed; the configuration's by default.")] = None,
    port: Annotated[
        int | None, typer.Option(help="Local port of the production listener; a free one by default.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Where report.json, report.html and the logs are written.")] = Path(
        "build/rehearsal"
    ),
    output: Annotated[Format, typer.Option("--format", help="What to print at the end.")] = Format.TEXT,
) -> None:
    """Rehearse a deployment here, under load, and measure it.

    From its cloud assemblies: real PostgreSQL, real load balancer, real processes.

    Exit code 0: the release passes, or every drill ended as it had to. 1: it does not. 2: it could not be rehearsed; one line says
    why. 130: interrupted. Whatever ends it, nothing is left running.
    """
    # SIGTERM ends everything in good order, like Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        from seachange.rehearsal.progress import LineProgress, LiveProgress
        from seachange.rehearsal.session import Session
    except ModuleNotFoundError as error:
        raise SeaChangeError(f"{error.name} is missing: install SeaChange with its extra `rehearsal`") from error
    if all_drills and drill != "none":
        raise SeaChangeError("--all-drills and --drill exclude each other: leave one of them out")
    session = Session(blue=blue, green=green, config=config, speed=speed, rate=rate, rows=rows, port=port)
    console = Console(stderr=True)
    with LiveProgress(console) if console.is_terminal else LineProgress(sys.stderr) as progress:
        if all_drills:
            rehearsed = session.rehearse_all_drills(out=out, progress=progress)
        else:
            rehearsed = session.rehearse(drill=drill, out=out, progress=progress)
    result = rehearsed.report
    if output is Format.JSON:
        print(json.dumps(result))
    else:
        Console().print(_table(result) if all_drills else _summary(result))
        print(f"report: {rehearsed.page} (data: {rehearsed.json})")
    raise typer.Exit(0 if result["verdict"] == "pass" else 1)


def _summary(result: dict[str, Any]) -> Table:
    good = result["verdict"] == "pass"
    drill = "" if result["drill"] == "none" else f", drill {result['drill']}"
    title = f"[{'green' if good else 'red'}]{'PASS' if good else 'FAIL'}[/]{drill}"
    table = Table(title=title, title_justify="left", show_header=False)
    requests, data, migration, shift = result["requests"], result["data"], result["migration"], result["shift"]
    table.add_row(
        "requests",
        f"{requests['total']} sent, {requests['failed']} failed (blue {requests['by_colour']['blue']}, green {requests['by_colour']['green']})",
    )
    table.add_row("rows", f"{data['rows_checked']} compared in both views, {data['divergent']} divergent")
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


def _table(result: dict[str, Any]) -> Table:
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
