"""One rehearsal from its inputs to its written report: what the command line calls, and a program of yours may."""

import math
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seachange.assembly import Assembly
from seachange.plan.template import read_plan
from seachange.rehearsal import drills, report
from seachange.rehearsal.base import served_by
from seachange.rehearsal.config import RehearsalConfig
from seachange.rehearsal.errors import ConfigError
from seachange.rehearsal.options import Options
from seachange.rehearsal.output import REPORT_HTML, REPORT_JSON, fresh_output
from seachange.rehearsal.progress import Progress
from seachange.rehearsal.run import Rehearsal
from seachange.rehearsal.series import rehearse_all
from seachange.rehearsal.verdict import judge


@dataclass(frozen=True, kw_only=True)
class Rehearsed:
    """A finished rehearsal: the report (docs/guide/report.md describes its keys), and where it was written."""

    report: dict[str, Any]
    json: Path
    page: Path


@dataclass(frozen=True, kw_only=True)
class Session:
    """What to rehearse, and how.

    Attributes:
        blue, green: The assemblies of the release that serves and of the one to deploy.
        config: The service's rehearsal.toml, a pyproject.toml, or the folder of one of them.
        speed: Seconds of the plan's clock per second here; 60 by default.
        rate: Requests per second; the configuration's by default.
        rows: Rows to seed; the configuration's by default.
        base: A git revision whose code blue is (`base.py`); None for the code as the configuration says.
        port: The production listener's local port; a free one by default.
    """

    blue: Path
    green: Path
    config: Path
    speed: float = 60
    rate: float | None = None
    rows: int | None = None
    base: str | None = None
    port: int | None = None

    def rehearse(self, *, drill: str, out: Path, progress: Progress) -> Rehearsed:
        """Rehearses the deployment once.

        Args:
            drill: What goes wrong on purpose: `none`, or a drill's name.
            out: Where report and logs are written; what an earlier rehearsal left there goes.
            progress: Is shown every change.

        Raises:
            SeaChangeError: It could not be rehearsed; one line says what, why and what to do.
        """
        settings = RehearsalConfig.load(self.config)
        if self.base is not None:
            settings = served_by(settings, self.base)
        chosen = drills.named(drill)
        if settings.dump is not None and self.rows is not None:
            raise ConfigError(f"--rows: the rows come from the dump {settings.dump}; leave --rows out")
        rate = settings.rate if self.rate is None else self.rate
        for name, value in (("speed", self.speed), ("rate", rate), ("rows", self.rows)):
            if value is not None and not (value > 0 and math.isfinite(value)):
                raise ConfigError(f"--{name} must be a number above 0; it is {value:g}")
        plan = read_plan(Assembly.load(self.blue), Assembly.load(self.green))
        options = Options(
            speed=self.speed,
            rate=rate,
            rows=settings.rows if self.rows is None else self.rows,
            port=self.port,
            drill=chosen,
            logs=fresh_output(out),
        )
        outcome = Rehearsal(plan, settings, options, progress).run()
        repeat = self._command() if chosen is drills.NONE else f"{self._command()} --drill {chosen.name}"
        result = judge(plan, options, outcome, repeat=repeat)
        json_path, page = report.write(result, out)
        return Rehearsed(report=result, json=json_path, page=page)

    def rehearse_all_drills(self, *, out: Path, progress: Progress) -> Rehearsed:
        """Rehearses every drill, each into a directory of its own below `out`, and writes their table.

        Raises:
            SeaChangeError: One of them could not be rehearsed.
        """
        fresh_output(out)

        def one(drill: drills.Drill, directory: Path) -> dict[str, Any]:
            progress.title(drill.name)
            return self.rehearse(drill=drill.name, out=directory, progress=progress).report

        table = rehearse_all(one, out, repeat=f"{self._command()} --all-drills")
        return Rehearsed(report=table, json=out / REPORT_JSON, page=out / REPORT_HTML)

    def _command(self) -> str:
        """The command line that does the same again."""
        given = {
            "config": self.config,
            # With a base the assemblies are gone afterwards.
            **({"blue": self.blue, "green": self.green} if self.base is None else {"base": self.base}),
            "speed": f"{self.speed:g}",
            "rate": None if self.rate is None else f"{self.rate:g}",
            "rows": self.rows,
        }
        words = [word for name, value in given.items() if value is not None for word in (f"--{name}", str(value))]
        return shlex.join(["seachange", "rehearse", *words])
