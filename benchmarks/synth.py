"""The synthesis of the example, and of its service alone, beside the peer's construct for the same service.

Every synthesis is a fresh process with the same context, so with the same strict validation; the apps take turns, and the median counts.
The first round, which fills the caches of jsii and of the Lambda's wheels, does not. The ratio is one of processor time, Python's and Node's:
beside other work the wall clock of one app can double while another's does not.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
APPS = {
    "peer": ROOT / "benchmarks/apps/peer.py",
    "ours": ROOT / "benchmarks/apps/ours.py",
    "example": ROOT / "app.py",
}
ROUNDS = 5
TARGET = 1.5  # times the peer's time


@dataclass(frozen=True, kw_only=True)
class Synthesis:
    """One synthesis: what it took, Node included, and what it wrote."""

    seconds: float
    cpu_seconds: float
    peak_mib: float
    stacks: int
    resources: int
    template_kib: float


def synthesize(app: Path) -> Synthesis:
    """One synthesis in a process of its own; ends the run with what the app said when it fails."""
    with tempfile.TemporaryDirectory(prefix="seachange-bench-") as folder:
        environment = os.environ | {
            "CDK_OUTDIR": folder,
            "CDK_CONTEXT_JSON": json.dumps(json.loads((ROOT / "cdk.json").read_text("utf-8"))["context"]),
        }
        log = Path(folder, "log")
        peak = 0.0
        with log.open("wb") as output:
            started = time.monotonic()
            process = subprocess.Popen(
                [sys.executable, str(app)],
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            while (ended := os.wait4(process.pid, os.WNOHANG))[0] == 0:
                peak = max(peak, resident_mib(process.pid))
                time.sleep(0.05)
            seconds = time.monotonic() - started
        _, status, used = ended
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{app.relative_to(ROOT)} does not synthesize:\n{log.read_text('utf-8')}")
        templates = [path.read_bytes() for path in Path(folder).glob("*.template.json")]
    return Synthesis(
        seconds=seconds,
        cpu_seconds=used.ru_utime + used.ru_stime,  # Node's too, for Python has waited for it
        peak_mib=peak,
        stacks=len(templates),
        resources=sum(len(json.loads(template)["Resources"]) for template in templates),
        template_kib=sum(map(len, templates)) / 1024,
    )


def resident_mib(session: int) -> float:
    """The resident memory of all processes of a session, Python's and Node's; 0 where there is no /proc."""
    pages = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if int((process / "stat").read_text("utf-8").rpartition(")")[2].split()[3]) == session:
                pages += int((process / "statm").read_text("utf-8").split()[1])
        except OSError:  # it has ended
            continue
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def measure(rounds: int = ROUNDS) -> dict[str, Synthesis]:
    """The median of each app's seconds and peaks; what they write is the same every time."""
    runs: dict[str, list[Synthesis]] = {name: [] for name in APPS}
    for count in range(rounds + 1):
        for name, app in APPS.items():
            run = synthesize(app)
            if count:
                runs[name].append(run)
    return {
        name: Synthesis(
            seconds=statistics.median(run.seconds for run in of_app),
            cpu_seconds=statistics.median(run.cpu_seconds for run in of_app),
            peak_mib=statistics.median(run.peak_mib for run in of_app),
            stacks=of_app[0].stacks,
            resources=of_app[0].resources,
            template_kib=of_app[0].template_kib,
        )
        for name, of_app in runs.items()
    }


def main() -> None:
    """Prints every app, and the ratios to the peer."""
    print(f"synth, median of {ROUNDS} interleaved rounds, strict validation; example: two stacks, migrations included")
    found = measure()
    for name, run in found.items():
        print(
            f"  {name:<8} {run.cpu_seconds:5.1f} s of processor, {run.seconds:5.1f} s   peak {run.peak_mib:5.0f} MiB   "
            f"{run.resources:3} resources in {run.stacks} stack(s), {run.template_kib:4.0f} KiB"
        )
    peer = found["peer"]
    for name in ("ours", "example"):
        run = found[name]
        print(
            f"  {name}: {run.cpu_seconds / peer.cpu_seconds:.2f} x the peer's processor time (target: {TARGET} at most), "
            f"{run.seconds / peer.seconds:.2f} x its time, {run.peak_mib / peer.peak_mib:.2f} x its memory"
        )


if __name__ == "__main__":
    main()
