"""The page about the check, and each rule's own words, from which it is made."""

import pytest

from seachange_migrations.check.rule import Rule, rules
from tools.check_page import PAGE, renewed


def test_the_page_has_the_rules_as_they_are() -> None:
    page = PAGE.read_text("utf-8")
    assert page == renewed(page), "write it anew: python tools/check_page.py"


@pytest.mark.parametrize("rule", rules().values(), ids=lambda rule: rule.id)
def test_a_rule_says_what_it_finds_why_and_on_whose_word(rule: Rule) -> None:
    what, why, *_ = rule.reason.split("\n\n")
    assert what.endswith(".")
    assert len(why) > 40
    assert "\n\nSource: [" in rule.reason
    assert (
        "(https://www.postgresql.org/docs/current/" in rule.reason or "(https://alembic.sqlalchemy.org/" in rule.reason
    )
    assert rule.find or rule.find_in_source or rule.id in {"not-parsed", "not-rendered", "cannot-run"}
