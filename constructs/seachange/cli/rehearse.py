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
        typer.Option(help="What goes wrong on purpose: errors-5 makes green answer 500 to 5 percent of its requests."),
    ] = "none",
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

    Exit code 0: the release passes. 1: it fails, or was rolled back. 2: it could not be rehearsed; one line says why.
    """
    # SIGTERM ends everything in good order, like Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        from seachange.rehearsal.progress import LineProgress, LiveProgress
        from seachange.rehearsal.session import rehearse as run
    except ModuleNotFoundError as error:
        raise SeaChangeError(f"{error.name} is missing: install SeaChange with its extra `rehearsal`") from error
    console = Console(stderr=True)
    with LiveProgress(console) if console.is_terminal else LineProgress(sys.stderr) as progress:
        rehearsed = run(
            blue=blue,
            green=green,
            config=config,
            out=out,
            progress=progress,
            speed=speed,
            drill=drill,
            rate=rate,
            rows=rows,
            port=port,
        )
    result = rehearsed.report
    if output is Format.JSON:
        print(json.dumps(result))
    else:
        Console().print(_summary(result))
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
