"""The wheel in fresh environments: a CDK app of somebody else's with the extra `cdk`, and the base alone."""

import os
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
UV = Path(sys.executable).with_name("uv")
TY = Path(sys.executable).with_name("ty")

APP = """
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_ecs as ecs

from seachange import AlembicMigrations, BlueGreenLoadBalancer, BlueGreenService, Network, PostgresDatabase, TrafficShift

app = App()
stack = Stack(app, "orders")
network = Network(stack, "Network", zones=2)
database = PostgresDatabase(stack, "Database", vpc=network.vpc, database_name="orders")
migrations = AlembicMigrations(
    stack,
    "Migrations",
    directory="migrations",
    vpc=network.vpc,
    host=database.host,
    port=database.port,
    database_name=database.database_name,
    security_group=database.security_group,
    secret=database.secret,
)
balancer = BlueGreenLoadBalancer(stack, "LoadBalancer", vpc=network.vpc)
BlueGreenService(
    stack,
    "Orders",
    service_name="orders",
    release="2026-11-23",
    image=ecs.ContainerImage.from_registry("public.ecr.aws/docker/library/python:3.13-slim"),
    vpc=network.vpc,
    load_balancer=balancer,
    database=migrations,
    traffic_shift=TrafficShift.canary(percent=10, interval=Duration.minutes(5)),
)
app.synth()
"""
ENV = "from alembic import context\n"
REVISION = 'revision = "a1"\ndown_revision = None\n\n\ndef upgrade() -> None:\n    pass\n'
WRONG = """
from aws_cdk import App, Stack

from seachange import BlueGreenLoadBalancer, TrafficShift

TrafficShift.linear(percent="ten")
BlueGreenLoadBalancer(Stack(App(), "orders"), "LoadBalancer", vpc="vpc-1")
"""


def run(*command: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=os.environ | {"UV_SYSTEM_CERTS": "1"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout."""
    out = tmp_path_factory.mktemp("dist")
    built = run(UV, "build", "--wheel", "--quiet", "--out-dir", out, ROOT, cwd=out)
    assert built.returncode == 0, built.stderr
    (wheel,) = out.glob("*.whl")
    return wheel


def install(wheel: Path, extra: str, parent: Path) -> Path:
    """A fresh environment with the wheel, at the versions that this checkout pins."""
    environment = parent / "environment"
    assert run(UV, "venv", "--quiet", "--python", sys.executable, environment, cwd=parent).returncode == 0
    pins = [line.split(" ")[0] for line in (ROOT / "requirements.txt").read_text().splitlines() if "==" in line]
    constraints = parent / "constraints.txt"
    constraints.write_text("\n".join(pins))
    python = environment / "bin" / "python"
    installed = run(
        UV, "pip", "install", "--quiet", "--python", python, "-c", constraints, f"{wheel}{extra}", cwd=parent
    )
    assert installed.returncode == 0, installed.stderr
    return environment


@pytest.mark.slow
def test_the_wheel_holds_the_library_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"seachange/py.typed", "seachange_migrations/rds-ca.pem", "seachange_migrations/requirements.txt"} <= names
    assert "seachange/rehearsal/templates/report.html.j2" in names
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {
        "seachange",
        "seachange_migrations",
        "seachange_deployments",
    }


@pytest.mark.slow
def test_the_base_is_the_engine_and_the_command_line_without_the_cdk(wheel: Path, tmp_path: Path) -> None:
    binaries = install(wheel, "", tmp_path) / "bin"
    engine = run(
        binaries / "python",
        "-c",
        "import seachange, seachange_migrations.handler, seachange_deployments.handler",
        cwd=tmp_path,
    )
    assert engine.returncode == 0, engine.stderr
    assert "No module named 'aws_cdk'" in run(binaries / "python", "-c", "import aws_cdk", cwd=tmp_path).stderr
    assert "rehearse" in run(binaries / "seachange", "--help", cwd=tmp_path).stdout
    refused = run(binaries / "seachange", "rehearse", "--blue", "cdk.out", cwd=tmp_path)
    assert refused.returncode == 2
    assert refused.stderr.splitlines() == [refused.stderr.strip()]
    assert "install SeaChange with its extra `rehearsal`" in refused.stderr


@pytest.mark.slow
def test_a_foreign_app_synthesizes_and_type_checks(wheel: Path, tmp_path: Path) -> None:
    environment = install(wheel, "[cdk]", tmp_path)
    python = environment / "bin" / "python"
    app = tmp_path / "orders"
    (app / "migrations" / "versions").mkdir(parents=True)
    (app / "app.py").write_text(textwrap.dedent(APP))
    (app / "migrations" / "env.py").write_text(ENV)
    (app / "migrations" / "versions" / "a1.py").write_text(REVISION)
    (app / "wrong.py").write_text(WRONG)

    context = '{"aws:cdk:bundling-stacks": []}'
    synthesized = run(python, "app.py", cwd=app, CDK_OUTDIR=str(app / "cdk.out"), CDK_CONTEXT_JSON=context)
    assert synthesized.returncode == 0, synthesized.stderr
    assert (app / "cdk.out" / "orders.template.json").exists()

    typed = run(TY, "check", "--python", environment, "app.py", cwd=app)
    assert typed.returncode == 0, typed.stdout
    wrong = run(TY, "check", "--python", environment, "--output-format", "concise", "wrong.py", cwd=app)
    assert wrong.returncode == 1
    assert 'Expected `int`, found `Literal["ten"]`' in wrong.stdout
    assert "No argument provided for required parameter `interval`" in wrong.stdout
    assert "Expected `IVpc`, found `Literal" in wrong.stdout
