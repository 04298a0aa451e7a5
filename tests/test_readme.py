"""What the README shows works as it stands there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


PAGES = ["README.md", "docs/guide/getting-started.md"]
DROPS = """
from alembic import op
revision, down_revision, branch_labels = "0001", None, "expand"
def upgrade():
    op.drop_column("orders", "note")
"""


def app_of(page: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """Synthesizes the app that `page` shows."""
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text("utf-8"), re.DOTALL)
    (tmp_path / "app.py").write_text(program)
    (tmp_path / "service").mkdir()
    (tmp_path / "service" / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "migrations" / "versions").mkdir(parents=True, exist_ok=True)
    (tmp_path / "migrations" / "env.py").write_text("from alembic import context\n")
    environment = os.environ | {"CDK_OUTDIR": "cdk.out", "CDK_CONTEXT_JSON": '{"aws:cdk:bundling-stacks": []}'}
    return subprocess.run(
        [sys.executable, "app.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_the_app_synthesizes(page: str, tmp_path: Path) -> None:
    done = app_of(page, tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "cdk.out" / "Orders.template.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_the_app_says_in_one_line_what_it_refuses(page: str, tmp_path: Path) -> None:
    versions = tmp_path / "migrations" / "versions"
    versions.mkdir(parents=True)
    (versions / "0001.py").write_text(DROPS)
    done = app_of(page, tmp_path)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr
    assert done.stderr.startswith("app.py: "), done.stderr
    assert "drop-column" in done.stderr


def test_every_link_leads_somewhere() -> None:
    for page in [ROOT / "README.md", *ROOT.glob("docs/**/*.md"), ROOT / "service" / "README.md"]:
        for link in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text("utf-8")):
            if "://" not in link:
                assert (page.parent / link).exists(), f"{page.relative_to(ROOT)}: {link}"


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for page in [
        ROOT / "README.md",
        ROOT / "docs/guide/deploying.md",
        ROOT / "docs/guide/rehearsal.md",
        ROOT / "docs/guide/getting-started.md",
    ]:
        assert set(re.findall(r"`make ([a-z-]+)", page.read_text("utf-8"))) <= targets
