"""What goes into the image, and what the rehearsal reads."""

import tomllib
from pathlib import Path

from seachange.rehearsal.config import RehearsalConfig

SERVICE = Path(__file__).parents[2] / "service"


def test_the_image_is_not_root_and_checks_its_health() -> None:
    lines = (SERVICE / "Dockerfile").read_text("utf-8").splitlines()
    assert "USER 10001:10001" in lines
    assert any("--require-hashes" in line for line in lines)
    assert "COPY rds-ca.pem ." in lines
    assert any("/health/live" in line for line in lines)


def test_the_image_gets_nothing_but_the_service() -> None:
    ignored, *kept = [line for line in (SERVICE / ".dockerignore").read_text("utf-8").splitlines() if line[:1] != "#"]
    assert ignored == "*"
    assert kept == [
        "!Dockerfile",
        "!requirements.txt",
        "!rds-ca.pem",
        "!gunicorn.conf.py",
        "!customers",
        "**/__pycache__",
    ]


def test_the_rehearsal_reads_its_file() -> None:
    config = RehearsalConfig.load(SERVICE / "rehearsal.toml")
    assert (config.rate, config.rows) == (200, 100_000)
    assert sum(request.weight for request in config.requests) == 100


def test_blue_and_green_views_have_the_rule_of_the_service() -> None:
    from customers.addresses import RULE

    views = tomllib.loads((SERVICE / "rehearsal.toml").read_text("utf-8"))["views"]
    assert f"'^{RULE.pattern}$'" in views["blue"]
