"""One rehearsal from its inputs to its written report: what the command line calls, and a program of yours may."""

import math
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seachange.assembly import Assembly
from seachange.plan.template import read_plan
from seachange.rehearsal import drills, report
from seachange.rehearsal.config import RehearsalConfig
from seachange.rehearsal.errors import ConfigError
from seachange.rehearsal.options import Options
from seachange.rehearsal.output import fresh_output
from seachange.rehearsal.progress import Progress
from seachange.rehearsal.run import Rehearsal
from seachange.rehearsal.verdict import judge


@dataclass(frozen=True, kw_only=True)
class Rehearsed:
    """A finished rehearsal: the report (docs/design.md describes its keys), and where it was written."""

    report: dict[str, Any]
    json: Path
    page: Path


def rehearse(
    *,
    blue: Path,
    green: Path,
    config: Path,
    out: Path,
    progress: Progress,
    speed: float = 60,
    drill: str = "none",
    rate: float | None = None,
    rows: int | None = None,
    port: int | None = None,
) -> Rehearsed:
    """Rehearses the deployment of one cloud assembly beside another.

    Args:
        blue, green: The assemblies of the release that serves and of the one to deploy.
        config: The service's rehearsal.toml.
        out: Where report and logs are written; what an earlier rehearsal left there goes.
        progress: Is shown every change.
        speed: Seconds of the plan's clock per second here; 60 by default.
        drill: What goes wrong on purpose; nothing by default.
        rate: Requests per second; the configuration's by default.
        rows: Rows to seed; the configuration's by default.
        port: The production listener's local port; a free one by default.

    Raises:
        SeaChangeError: It could not be rehearsed; one line says what, why and what to do.
    """
    settings = RehearsalConfig.load(config)
    chosen = drills.named(drill)
    if settings.dump is not None and rows is not None:
        raise ConfigError(f"--rows: the rows come from the dump {settings.dump}; leave --rows out")
    rate = settings.rate if rate is None else rate
    _above_zero(speed=speed, rate=rate, rows=rows)
    plan = read_plan(Assembly.load(blue), Assembly.load(green))
    options = Options(
        speed=speed,
        rate=rate,
        rows=settings.rows if rows is None else rows,
        port=port,
        drill=chosen,
        logs=fresh_output(out),
    )
    outcome = Rehearsal(plan, settings, options, progress).run()
    result = judge(plan, options, outcome, repeat=_repeat(options, blue=blue, green=green, config=config))
    json_path, page = report.write(result, out)
    return Rehearsed(report=result, json=json_path, page=page)


def _above_zero(**numbers: float | None) -> None:
    for name, value in numbers.items():
        if value is not None and not (value > 0 and math.isfinite(value)):
            raise ConfigError(f"--{name} must be a number above 0; it is {value:g}")


def _repeat(options: Options, *, blue: Path, green: Path, config: Path) -> str:
    """The command line that does the same again."""
    given = {
        "config": config,
        "blue": blue,
        "green": green,
        "speed": f"{options.speed:g}",
        "rate": f"{options.rate:g}",
        "rows": options.rows,
        "drill": None if options.drill is drills.NONE else options.drill.name,
    }
    words = [word for name, value in given.items() if value is not None for word in (f"--{name}", str(value))]
    return shlex.join(["seachange", "rehearse", *words])
