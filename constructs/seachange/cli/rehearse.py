"""`seachange rehearse`"""

import contextlib
import json
import signal
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from seachange.cli.rehearsal_tables import drills_table, summary_table
from seachange.errors import SeaChangeError


class Format(StrEnum):
    """What is printed at the end."""

    TEXT = "text"
    JSON = "json"


def rehearse(
    blue: Annotated[Path | None, typer.Option(help="Cloud assembly of the release that serves now.")] = None,
    green: Annotated[
        Path | None,
        typer.Option("--green", "--app", help="Cloud assembly of the release to deploy.", show_default="cdk.out"),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(
            help="In place of both assemblies: a git revision, such as origin/main. It is blue, the working tree is green, "
            "and both are synthesized here."
        ),
    ] = None,
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
        int | None,
        typer.Option(min=1, max=65535, help="Local port of the production listener; a free one by default."),
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
        from seachange.rehearsal.base import post, synthesized
        from seachange.rehearsal.config import RehearsalConfig
        from seachange.rehearsal.progress import LineProgress, LiveProgress
        from seachange.rehearsal.report import summary
        from seachange.rehearsal.session import Session
    except ModuleNotFoundError as error:
        raise SeaChangeError(f"{error.name} is missing: install SeaChange with its extra `rehearsal`") from error
    if all_drills and drill != "none":
        raise SeaChangeError("--all-drills and --drill exclude each other: leave one of them out")
    if (blue is None) == (base is None) or (base is not None and green is not None):
        raise SeaChangeError(
            "give --blue, the assembly of the release that serves now (and --green), or --base, the git revision that does: one of them"
        )
    console = Console(stderr=True)
    try:
        with contextlib.ExitStack() as stack:
            progress: LiveProgress | LineProgress
            progress = LiveProgress(console) if console.is_terminal else LineProgress(sys.stderr)
            stack.enter_context(progress)
            if base is not None:
                progress.title(f"synthesize {base} and the working tree")
                assemblies = stack.enter_context(synthesized(RehearsalConfig.load(config), base))
                blue, green = assemblies.blue, assemblies.green
            assert blue is not None  # one of the two was given
            session = Session(
                blue=blue,
                green=green or Path("cdk.out"),
                config=config,
                speed=speed,
                rate=rate,
                rows=rows,
                base=base,
                port=port,
            )
            if all_drills:
                rehearsed = session.rehearse_all_drills(out=out, progress=progress)
            else:
                rehearsed = session.rehearse(drill=drill, out=out, progress=progress)
    except SeaChangeError as error:
        # A pull request says why its release could not be rehearsed.
        if base is not None:
            post(f"## ⚠️ The release could not be rehearsed\n\n{error}")
        raise
    if base is not None:
        post(summary(rehearsed.report))
    result = rehearsed.report
    if output is Format.JSON:
        print(json.dumps(result))
    else:
        Console().print(drills_table(result) if all_drills else summary_table(result))
        print(f"report: {rehearsed.page} (data: {rehearsed.json})")
    raise typer.Exit(0 if result["verdict"] == "pass" else 1)
