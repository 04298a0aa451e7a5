"""`seachange simulate`"""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from seachange.errors import SeaChangeError


class Format(StrEnum):
    """What is printed at the end."""

    TEXT = "text"
    JSON = "json"


def simulate(
    app: Annotated[
        Path, typer.Option(help="Cloud assembly of the release: its traffic steps, bake and alarms.")
    ] = Path("cdk.out"),
    profile: Annotated[Path | None, typer.Option(help="The traffic, as a TOML file: requests_per_s and so on.")] = None,
    logs: Annotated[
        Path | None, typer.Option(help="The traffic, fitted from an access log or a folder of them.")
    ] = None,
    requests_per_s: Annotated[float | None, typer.Option(help="The traffic, as one rate.")] = None,
    background: Annotated[
        str, typer.Option(help="With --requests-per-s: the errors that there are anyway, as 0.1% or 0.001.")
    ] = "0",
    error_rate: Annotated[
        list[str] | None,
        typer.Option(help="Green answers so many requests 5xx, as 5% or 0.05; may be repeated. A range by default."),
    ] = None,
    slowdown: Annotated[
        list[float] | None,
        typer.Option(help="Green is so many times slower; may be repeated. A range by default."),
    ] = None,
    resets: Annotated[
        list[str] | None,
        typer.Option(help="Green closes so many connections without an answer; may be repeated."),
    ] = None,
    unhealthy: Annotated[bool, typer.Option("--unhealthy", help="Green's targets fail their health check.")] = False,
    share: Annotated[
        str, typer.Option(help="Only this share of the requests is concerned: one endpoint's, or one tenant's.")
    ] = "100%",
    bursty: Annotated[bool, typer.Option("--bursty", help="Those come in bursts, as one tenant's do.")] = False,
    after: Annotated[float, typer.Option(help="The fault begins so many seconds after green's first request.")] = 0,
    until: Annotated[
        float, typer.Option(help="And ends after so many, as a cold start does.", show_default="never")
    ] = float("inf"),
    above: Annotated[float, typer.Option(help="It shows only while green gets more requests/s than this.")] = 0,
    visible: Annotated[
        tuple[float, float], typer.Option(help="Unknown: seconds until a minute's metrics can be read, from and to.")
    ] = (60, 180),
    polled: Annotated[
        tuple[float, float], typer.Option(help="Unknown: seconds until CodeDeploy sees an alarm, from and to.")
    ] = (5, 45),
    catch: Annotated[
        str | None,
        typer.Option(help="Say no when fewer of any kind of bad release are rolled back, as 99%."),
    ] = None,
    false_alarms: Annotated[
        float, typer.Option(help="Say no when more of a hundred good releases are rolled back.")
    ] = 1,
    improve: Annotated[
        bool,
        typer.Option(
            "--improve", help="Search for few changes of the app that reach --catch (99%) and --false-alarms."
        ),
    ] = False,
    releases: Annotated[int, typer.Option(help="How many of each kind to simulate.")] = 10_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same answer.")] = 0,
    output: Annotated[Format, typer.Option("--format", help="What to print.")] = Format.TEXT,
) -> None:
    """Say whether a release's alarms would catch a bad one.

    How likely, how soon and at what cost, at your traffic.

    From the cloud assembly come the traffic steps, the bake, and the alarms that may stop this deployment; from you, the traffic. Nothing
    is started and AWS is not asked: thousands of releases are drawn, and CloudWatch's rules decide about each.

    The first row is a good release: what rolls it back is a false alarm. The others are bad ones, over a range of error rates and
    slowdowns or as you say. "failed" counts requests to green until the rollback, "harmed" those and the slow ones.

    What AWS does not publish is drawn from ranges, which are shown. Where an answer depends on one of them both answers are shown, and,
    where there is one, an alarm that is right either way.

    \b
    seachange simulate --requests-per-s 200 --background 0.1%
    seachange simulate --logs alb-logs/ --error-rate 1% --share 10%
    seachange simulate --profile traffic.toml --error-rate 5% --catch 99%
    seachange simulate --profile traffic.toml --error-rate 1% --improve

    Exit code 0: what is wanted is reached. 1: it is not. 2: unusable input.
    """
    try:
        from seachange.simulation.curves import curves
    except ModuleNotFoundError as error:
        raise SeaChangeError(f"{error.name} is missing: install SeaChange with its extra `rehearsal`") from error
    from seachange.assembly import Assembly
    from seachange.cli import simulation_input as given
    from seachange.cli.simulation_improve import one_fault, searching, shown
    from seachange.cli.simulation_table import notes, table
    from seachange.plan.faults import Fault
    from seachange.plan.template import read_shift
    from seachange.simulation.improve import improve as search
    from seachange.simulation.target import Target
    from seachange.simulation.unknowns import Between, Unknowns

    shape = Fault(share=given.share("--share", share), bursty=bursty, after_s=after, until_s=until, above_rps=above)
    faults = given.faults(error_rates=error_rate, slowdowns=slowdown, resets=resets, unhealthy=unhealthy, shape=shape)
    least = None if catch is None else given.share("--catch", catch)
    unknowns = Unknowns(visible=Between(low=visible[0], high=visible[1]), polled=Between(low=polled[0], high=polled[1]))
    shift = read_shift(Assembly.load(app))
    its_traffic, missing = given.traffic(profile, logs, requests_per_s, background)
    if improve:
        target = Target(catch=0.99 if least is None else least, false_alarms=false_alarms)
        with searching() as progress:
            better = search(
                shift,
                its_traffic,
                fault=one_fault(faults)[1],
                target=target,
                releases=releases,
                seed=seed,
                unknowns=unknowns,
                progress=progress,
            )
        print(shown(*one_fault(faults), better, as_json=output is Format.JSON))
        raise typer.Exit(1 if better.answer is None else 0)
    with _progress((1 + len(faults)) * releases) as progress:
        found = curves(shift, its_traffic, faults, releases=releases, seed=seed, unknowns=unknowns, progress=progress)
    reasons = found.reasons(catch=least, false_alarms=false_alarms)
    if output is Format.JSON:
        print(json.dumps(found.to_json(reasons)))
    else:
        Console().print(table(found))
        for line in (*notes(found), *(f"logs: {note}" for note in missing), *(f"no: {reason}" for reason in reasons)):
            print(line)
    raise typer.Exit(1 if reasons else 0)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[str, int], None]]:
    """A bar on a terminal; elsewhere a line for each kind of release."""
    console = Console(stderr=True)
    if not console.is_terminal:
        told: set[str] = set()

        def tell(name: str, _: int) -> None:
            if name not in told:
                told.add(name)
                print(f"simulating: {name}", file=sys.stderr, flush=True)

        yield tell
        return
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("simulating", total=total)
        yield lambda name, more: bar.update(task, description=name, advance=more)
