"""The package's public names."""

import subprocess
import sys

import seachange


def test_importing_the_package_loads_neither_the_cdk_nor_node() -> None:
    code = "import sys, seachange; seachange.SeaChangeError; print([m for m in ('aws_cdk', 'jsii', 'constructs') if m in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_without_the_cdk_the_extra_is_named() -> None:
    hidden = "import sys; sys.modules.update(aws_cdk=None, constructs=None); "
    code = "from seachange import SeaChangeError; import seachange; seachange.AlembicMigrations"
    answer = subprocess.run([sys.executable, "-c", hidden + code], capture_output=True, text=True, check=False)
    assert answer.stderr.splitlines()[-1] == (
        "ModuleNotFoundError: seachange.AlembicMigrations needs aws_cdk, which is not installed: install seachange with its extra `cdk`"
    )


def test_every_public_name_loads_and_is_listed() -> None:
    for name in seachange.__all__:
        assert getattr(seachange, name).__name__ == name
    assert set(seachange.__all__) <= set(dir(seachange))
    assert sorted(seachange.__all__) == seachange.__all__


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(seachange, "Bridge")
