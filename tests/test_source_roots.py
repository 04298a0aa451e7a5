"""`constructs/` and `lambdas/` are source roots, never packages."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("folder", ["constructs", "lambdas"])
def test_a_source_root_is_no_package(folder: str) -> None:
    stray = ROOT / folder / "__init__.py"
    assert not stray.exists(), (
        f"remove {stray.relative_to(ROOT)}: {folder}/ holds packages and is none itself. With an __init__.py in constructs/, "
        "`from constructs import Construct` finds our folder instead of the third-party package, for the app, pytest, mypy and pyright at once; "
        "and what lies in lambdas/ is imported by its own name, in the Lambda as here."
    )


def test_construct_is_the_third_partys() -> None:
    import constructs

    assert "site-packages" in str(constructs.__file__)
